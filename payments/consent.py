"""The text that a payer agrees to when a card is stored. `VERSION` changes with the text, and every card keeps the version agreed to."""

from django.utils.translation import gettext_lazy as _

VERSION = "2026-11"
TEXT = _(
    "The card is stored at the payment service and charged by itself when services with Auto Renew are due, until Auto Renew is "
    "switched off or the card is removed."
)
