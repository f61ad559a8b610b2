"""Money that goes back: rows beside the payment it was taken by."""

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
    """What a payment has left that can go back: what it took, less all that went back or still may."""
    given = payment.refunds.standing().aggregate(sum=Sum("amount_minor"))["sum"] or 0
    return payment.captured_minor - given if payment.state == State.SUCCEEDED else 0


def record_outside_refund(actor: Actor, payment: Payment, *, amount_minor: int, reason: str, now: datetime) -> Refund:
    """Write down that money went back without us, in the gateway's own dashboard or by bank transfer. The caller holds the payment's lock,
    audits, and moves what was paid for. Refuses more than the payment has left (R57)."""
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
