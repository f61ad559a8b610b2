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

    CREATED = "created", _("Created")  # written down, the gateway may or may not have heard of it
    PENDING = "pending", _("On its way")
    SUCCEEDED = "succeeded", _("Paid back")
    REFUSED = "refused", _("Refused")
    UNKNOWN = "unknown", _("Being checked")  # the gateway did not answer; ends by evidence only


class RefundQuerySet(models.QuerySet["Refund"]):
    """Refunds, bounded by who asks."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of the payments that one sees (R1)."""
        bound = payers_of(actor, "payment__payer")
        return self.none() if bound is None else self.filter(bound)

    def standing(self) -> Self:
        """Those that have given money back or still may: what a payment has left is what these leave of it."""
        return self.exclude(state=RefundState.REFUSED)


class Refund(models.Model):
    """Money that goes back. Invariants: the refunds of a payment that stand are no more than it took (R57), held under the payment's lock;
    `Payment.refunded_minor` is the sum of those that succeeded; `request_key` is fixed at birth, so that asking again is the same question.
    `is_outside`: it was made in the gateway's own dashboard or by bank transfer, and is only noted here."""

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
