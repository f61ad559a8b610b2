"""The doors of the house: portal, webhooks, commands. Nothing imports this package."""
