"""Where payments stand: the one state machine, and the comparison of what came with what was asked for."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from payments import reasons
from payments.gateways.base import Remote, RemoteState
from payments.models import Payment, PaymentMethod, State
from payments.reasons import Reason

FORGOTTEN = "forgotten"  # the code of what the gateway knows no more
TARGET = {
    RemoteState.OPEN: State.PENDING,
    RemoteState.PENDING: State.PENDING,
    RemoteState.ACTION_REQUIRED: State.ACTION_REQUIRED,
    RemoteState.SUCCEEDED: State.SUCCEEDED,
    RemoteState.DECLINED: State.DECLINED,
    RemoteState.EXPIRED: State.EXPIRED,
}


def apply_remote_state(payment: Payment, remote: Remote, *, now: datetime) -> bool:
    """Move the payment, which the caller holds locked, to where the gateway says it is; answers whether anything changed.

    The one state machine. `succeeded` is final and reachable from everywhere, since money that came late came all the
    same (R52); what ended otherwise never comes back to life.
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
    """None where amount, currency, mode and reference are what we asked for; otherwise what differs (R50)."""
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
    """Nobody waits for a gateway while holding locks; the transaction a test case wraps around itself doesn't count."""
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise RuntimeError("A gateway must not be asked inside a transaction.")


def ended_unpaid(
    payment: Payment, state: RemoteState, *, reason: str = "", code: str = "", is_hard: bool = False
) -> Remote:
    """What we know without the gateway's books: nothing was taken, nothing can be, and this is how it ended."""
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
