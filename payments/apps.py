"""The app of payments."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Payments and the gateways."""

    name = "payments"
