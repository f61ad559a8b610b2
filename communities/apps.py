"""The app of communities."""

from django.apps import AppConfig


class CommunitiesConfig(AppConfig):
    """Sites, apartments, services, entitlements."""

    name = "communities"

    def ready(self) -> None:
        """Register the system checks of the triggers that write the summary."""
        import communities.expiry_triggers  # noqa: F401
