"""Kinds that rows and gateways share: kinds of payment methods, and the topics of a gateway's messages."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class MethodKind(TextChoices):
    """What people pay with. A card has a brand, last digits and an expiry; an account has a holder, and no end."""

    CARD = "card", _("Card")
    ACCOUNT = "account", _("Account")


class Topic(TextChoices):
    """The kind of object that a gateway's message names."""

    PAYMENT = "payment", _("Payment")
    METHOD = "method", _("Payment method")
