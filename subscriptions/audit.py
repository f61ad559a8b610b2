"""Audit words that reads look for too; reads may import no actions, so these are declared here."""

from django.utils.translation import gettext_lazy as _

from accounts.audit import Area, Word
from subscriptions import audit_sentences

ORDER_SUCCEEDED = Word(
    "order.succeeded",
    _("Order paid and applied"),
    _("Order %(what)s paid and applied"),
    area=Area.ORDERS,
    details=audit_sentences.items_and_amount,
)
