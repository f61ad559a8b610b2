"""The app of the doors: portal, webhooks, commands."""

from django.apps import AppConfig


class SmartPlusConfig(AppConfig):
    """No tables of its own."""

    name = "smartplus"
