"""Refunds: money of a payment that goes back."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scope import Actor
from payments.models.payments import Payment
from payments.models.scope import payers_of


class RefundState(models.TextChoices):
    """Where a refund stands."""

    CREATED = "created", _("Created")  # the row is written; the gateway may or may not have received the request
    PENDING = "pending", _("On its way")
    SUCCEEDED = "succeeded", _("Paid back")
    REFUSED = "refused", _("Refused")
    UNKNOWN = "unknown", _("Being checked")  # the gateway did not answer; only its answer ends this state


class RefundQuerySet(models.QuerySet["Refund"]):
    """Refunds, limited to what the actor may see."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the payments that the actor sees (R1)."""
        bound = payers_of(actor, "payment__payer")
        return self.none() if bound is None else self.filter(bound)

    def standing(self) -> Self:
        """Refunds that were paid or still may be: they reduce what can be refunded."""
        return self.exclude(state=RefundState.REFUSED)


class Refund(models.Model):
    """Money that goes back. Invariants: the refunds in `standing` are together at most what the payment took (R57), held under the
    payment's lock; `Payment.refunded_minor` is the sum of the succeeded ones; `request_key` is fixed at creation, so that a repeated
    request is the same. `is_outside`: it was made in the gateway's dashboard or by bank transfer, and is only recorded here.
    """

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=8)
    request_key = models.CharField(max_length=64, unique=True)
    gateway_ref = models.CharField(max_length=255, blank=True)
    is_outside = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=RefundState.choices, default=RefundState.CREATED)
    reason = models.CharField(max_length=1000)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="refund_gives_something"),
            models.CheckConstraint(
                condition=models.Q(is_outside=False) | models.Q(state="succeeded", gateway_ref=""),
                name="refund_outside_is_done",
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk} of payment {self.payment_id}"
