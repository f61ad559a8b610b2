"""The app of the entry points: portal, API, webhooks, commands."""

from django.apps import AppConfig


class SmartPlusConfig(AppConfig):
    """No tables of its own."""

    name = "smartplus"

    def ready(self) -> None:
        """Register the system check of the set-up."""
        from smartplus.setup import system_check  # noqa: F401
