"""The app of communities."""

from django.apps import AppConfig


class CommunitiesConfig(AppConfig):
    """Sites, apartments, services, entitlements."""

    name = "communities"
