"""States of payments: the only state machine, and the comparison of what the gateway reports with what was asked for."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from payments import reasons
from payments.gateways.base import Remote, RemoteState
from payments.models import Payment, PaymentMethod, State
from payments.reasons import Reason

FORGOTTEN = "forgotten"  # decline code for an object that the gateway does not know any more
TARGET = {
    RemoteState.OPEN: State.PENDING,
    RemoteState.PENDING: State.PENDING,
    RemoteState.ACTION_REQUIRED: State.ACTION_REQUIRED,
    RemoteState.SUCCEEDED: State.SUCCEEDED,
    RemoteState.DECLINED: State.DECLINED,
    RemoteState.EXPIRED: State.EXPIRED,
}


def apply_remote_state(payment: Payment, remote: Remote, *, now: datetime) -> bool:
    """Move the payment to the state that the gateway reports; returns whether anything changed. The caller holds the payment's lock.

    This is the only state machine of payments. `succeeded` is final and can be reached from every state, because late money still is
    money (R52). A payment that ended otherwise never becomes live again.
    """
    target = TARGET[remote.state]
    before = (payment.state, payment.captured_minor, payment.gateway_payment_ref, payment.decline_reason)
    if remote.is_closed and payment.closed_at is None:
        payment.closed_at = now
    if payment.is_live or target == State.SUCCEEDED:
        payment.state = target
        payment.decline_reason = "" if target == State.SUCCEEDED else remote.decline_reason
        payment.decline_code = "" if target == State.SUCCEEDED else remote.decline_code
        payment.is_hard_decline = target == State.DECLINED and remote.is_hard
    if payment.state == State.SUCCEEDED:
        payment.captured_minor = max(payment.captured_minor, remote.captured_minor)
    payment.gateway_ref = payment.gateway_ref or remote.ref
    payment.gateway_payment_ref = payment.gateway_payment_ref or remote.payment_ref
    changed = before != (
        payment.state,
        payment.captured_minor,
        payment.gateway_payment_ref,
        payment.decline_reason,
    )
    payment.checked_at = now
    payment.updated_at = now if changed else payment.updated_at
    payment.save(
        update_fields=[
            "state", "captured_minor", "gateway_ref", "gateway_payment_ref", "decline_reason", "decline_code",
            "is_hard_decline", "checked_at", "updated_at", "closed_at",
        ]
    )  # fmt: skip
    if changed and payment.is_hard_decline and payment.method_id:
        PaymentMethod.objects.filter(pk=payment.method_id, failed_at=None).update(
            failed_at=now, failed_reason=payment.decline_code
        )
    return changed


def mismatch_of(payment: Payment, remote: Remote, *, is_setup: bool = False) -> Reason | None:
    """The first difference between what the gateway reports and what was asked for (amount, currency, mode, reference); None if there
    is none (R50).
    """
    taken = remote.captured_minor if remote.state == RemoteState.SUCCEEDED else remote.amount_minor
    if remote.request_key != payment.request_key:
        return Reason("other_request")
    if remote.reference != payment.reference:
        return Reason("other_reference", {"theirs": remote.reference, "ours": payment.reference})
    if remote.is_live_mode != payment.is_live_mode:
        return Reason("real_money" if remote.is_live_mode else "test_money")
    if not is_setup and (taken, remote.currency) != (payment.amount_minor, payment.currency):
        theirs = reasons.amount(taken, remote.currency)
        return Reason(
            "other_amount", {"theirs": theirs, "ours": reasons.amount(payment.amount_minor, payment.currency)}
        )
    return None


def refuse_in_transaction() -> None:
    """Raise where a transaction is open: no call may wait for a gateway while it holds locks. The transaction of a test case does not
    count.
    """
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise RuntimeError("A gateway must not be asked inside a transaction.")


def ended_unpaid(
    payment: Payment, state: RemoteState, *, reason: str = "", code: str = "", is_hard: bool = False
) -> Remote:
    """A final state without money that we know without asking the gateway: nothing was taken and nothing can be."""
    return Remote(
        ref="",
        payment_ref="",
        state=state,
        amount_minor=payment.amount_minor,
        captured_minor=0,
        currency=payment.currency,
        reference=payment.reference,
        is_live_mode=payment.is_live_mode,
        request_key=payment.request_key,
        is_closed=True,
        decline_reason=reason[:250],
        decline_code=code,
        is_hard=is_hard,
    )
