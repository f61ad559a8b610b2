"""The app of devices."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """MAC addresses, the MAC library, devices."""

    name = "devices"
