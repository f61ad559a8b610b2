"""The app of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Organizations, people, audit."""

    name = "accounts"

    def ready(self) -> None:
        """Register the check that looks for missing append-only triggers."""
        from accounts import append_only  # noqa: F401
