"""What rows and gateways both speak of: kinds of payment methods, and what a message is about."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class MethodKind(TextChoices):
    """What people pay with. A card has a brand, last digits and an expiry; an account has a holder, and no end."""

    CARD = "card", _("Card")
    ACCOUNT = "account", _("Account")


class Topic(TextChoices):
    """What the object is that a gateway's message names."""

    PAYMENT = "payment", _("Payment")
    METHOD = "method", _("Payment method")
