"""Refunds: rows that belong to the payment whose money goes back."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.scope import Actor
from payments import money
from payments.models import Payment, Refund, RefundState, State


def refundable_minor(payment: Payment) -> int:
    """The amount of a payment that can still be refunded: what it took, less all refunds that were made or are still possible."""
    given = payment.refunds.standing().aggregate(sum=Sum("amount_minor"))["sum"] or 0
    return payment.captured_minor - given if payment.state == State.SUCCEEDED else 0


def record_outside_refund(actor: Actor, payment: Payment, *, amount_minor: int, reason: str, now: datetime) -> Refund:
    """Record money that was paid back outside SmartPlus, in the gateway's dashboard or by bank transfer.

    The caller holds the payment's lock, audits, and changes the order. Refuses more than `refundable_minor` (R57).
    """
    left = refundable_minor(payment)
    if not 0 < amount_minor <= left:
        raise Refused(
            _("At most %(amount)s of this payment can go back.") % {"amount": money.show(left, payment.currency)},
            field="amount",
        )
    refund = Refund.objects.create(
        payment=payment,
        amount_minor=amount_minor,
        currency=payment.currency,
        request_key=f"refund-{uuid.uuid4().hex}",
        is_outside=True,
        state=RefundState.SUCCEEDED,
        reason=reason,
        created_by_id=actor.user_id,
        created_at=now,
        updated_at=now,
    )
    Payment.objects.filter(pk=payment.pk).update(refunded_minor=F("refunded_minor") + amount_minor, updated_at=now)
    return refund
