"""The app of subscriptions."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Price book, quotes, orders, entitlement periods."""

    name = "subscriptions"
