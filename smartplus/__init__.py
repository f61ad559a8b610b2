"""The entry points: portal, API, webhooks, commands, jobs. No other app imports this package."""
