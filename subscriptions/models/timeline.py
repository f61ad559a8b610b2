"""The timeline of an order, as people read it."""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnly
from accounts.scope import MACHINE
from payments.reasons import shown
from subscriptions import reasons
from subscriptions.models.orders import Order

# Signatures of background work, now and in older rows
JOBS = frozenset({MACHINE, "renewals", "settlement", "checkout"})
EVENT_TEXTS: dict[str, tuple[Promise, str]] = {  # kind: (sentence, tone of the mark)
    "created": (_("Order created"), "active"),
    "sent": (_("Sent to %(gateway)s"), "active"),
    "sent_again": (_("Sent to %(gateway)s again, attempt %(attempt)s"), "active"),
    "returned": (_("Back from the payment page, the answer is awaited"), "pending"),
    "left": (_("Back from the payment page without paying"), "inactive"),
    "unreachable": (_("%(gateway)s did not answer"), "expiring"),
    "refused": (_("%(gateway)s refused the payment page"), "lapsed"),
    "declined": (_("The payment was declined"), "lapsed"),
    "forgotten": (_("%(gateway)s does not know the payment page any more"), "expiring"),
    "session_ended": (_("The payment page was left without paying"), "inactive"),
    "confirmed": (_("%(gateway)s confirmed the payment"), "active"),
    "applied": (_("Paid time applied"), "active"),
    "mismatch": (_("The payment does not match the order"), "lapsed"),
    "assessed": (_("Looked at by the operator"), "active"),
    "refunded": (_("Paid back; the items are free again"), "inactive"),
    "unapplied": (_("Paid, but not applied: its items are not what they were"), "lapsed"),
    "late": (_("Money arrived after the order was closed"), "expiring"),
    "duplicate_payment": (_("Paid twice: the second payment has to be refunded"), "lapsed"),
    "repaid": (_("What was paid twice was paid back"), "active"),
    "unfound": (_("%(gateway)s told of money that its books do not show"), "expiring"),
    "other_account": (_("%(gateway)s does not know the card: other keys or another account"), "expiring"),
    "timeout": (_("Not paid in time"), "inactive"),
    "cancelled": (_("Cancelled"), "inactive"),
    "may_not_pay": (_("The payer may not pay any more, so the payment page was closed"), "inactive"),
    "failed": (_("Not charged: the order is closed"), "lapsed"),
    "charged": (_("Charging %(method)s"), "active"),
    "card": (_("Another card: %(method)s"), "active"),
    "no_auto_renewal": (_("The card could not be kept, so nothing renews by itself"), "expiring"),
    "auto_renewal": (_("Auto-renewal agreed with %(method)s"), "active"),
}


class OrderEvent(AppendOnly):
    """An event of an order's timeline. `detail` holds the values of its sentence."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=24)
    detail = models.JSONField(default=dict)
    actor_label = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"

    @property
    def sentence(self) -> str:
        """The sentence of what happened."""
        words = {"gateway": _("The payment service"), **{name: shown(value) for name, value in self.detail.items()}}
        return str(EVENT_TEXTS[self.kind][0]) % words if self.kind in EVENT_TEXTS else self.kind

    @property
    def reason(self) -> str:
        """The reason in words; "" where there is none."""
        return reasons.words(self.detail.get("reason"))

    @property
    def actor_words(self) -> str:
        """Who did it; for every job that is SmartPlus."""
        return str(_("SmartPlus, by itself")) if self.actor_label in JOBS else self.actor_label

    @property
    def tone(self) -> str:
        """The colour class of the mark."""
        return EVENT_TEXTS[self.kind][1] if self.kind in EVENT_TEXTS else "inactive"
