"""Payments are begun, opened at the gateway, looked up, noted and closed; nothing here decides what money buys."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from payments import gateways, money
from payments.errors import AlreadyPaid, GatewayRefused, GatewayUnavailable
from payments.gateways.base import CheckoutRequest, CheckoutStarted, Gateway, Remote, RemoteState
from payments.models import Payment, State

START_WINDOW = timedelta(minutes=5)  # from begin() to the gateway's receipt: slow pages, retries, clocks apart
CHECKOUT_LIFE = timedelta(minutes=30) + START_WINDOW  # Stripe wants 30 min left; unpaid orders time out after 45 (R53)
REPLAY_LIFE = timedelta(hours=23)  # gateways forget keys after 24 h; a forgotten key would open a second page

TARGET = {
    RemoteState.OPEN: State.PENDING,
    RemoteState.PENDING: State.PENDING,
    RemoteState.ACTION_REQUIRED: State.ACTION_REQUIRED,
    RemoteState.SUCCEEDED: State.SUCCEEDED,
    RemoteState.DECLINED: State.DECLINED,
    RemoteState.EXPIRED: State.EXPIRED,
}


def begin(
    *,
    reference: str,
    payer: Organization,
    amount_minor: int,
    currency: str,
    gateway: str,
    description: str,
    customer_email: str,
    return_url: str,
    cancel_url: str,
    now: datetime,
) -> Payment:
    """Write down the intention to pay, inside the caller's transaction and lock of whatever `reference` names.

    A double click gets the live payment that exists. Everything the gateway will be told is fixed here, so that the
    question can be put again, word for word, by payment id alone. Raises AlreadyPaid where money has arrived.
    """
    for existing in Payment.objects.select_for_update(of=("self",)).filter(reference=reference).order_by("pk"):
        if existing.is_live:
            return existing
        if existing.state == State.SUCCEEDED and existing.refunded_minor < existing.captured_minor:
            raise AlreadyPaid
    return Payment.objects.create(
        reference=reference,
        request_key=uuid.uuid4().hex,
        gateway=gateway,
        payer=payer,
        amount_minor=amount_minor,
        currency=currency,
        is_live_mode=gateways.get(gateway).is_live_mode,
        description=description[:250],
        customer_email=customer_email,
        return_url=return_url,
        cancel_url=cancel_url,
        created_at=now,
        updated_at=now,
        expires_at=(now + CHECKOUT_LIFE).replace(microsecond=0),
    )


def start_checkout(payment_id: int, *, now: datetime) -> Payment:
    """Open the gateway's page for a payment that has none yet, and store where it is. Answers the others unchanged.

    HTTP first, outside any transaction, then a short one. GatewayUnavailable leaves the payment `unknown`, GatewayRefused
    leaves it `declined` (or `expired`, where it came too late for the gateway); both are raised again.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if payment.state not in {State.CREATED, State.UNKNOWN}:
        return payment
    try:
        started = gateways.get(payment.gateway).start_checkout(_request_of(payment))
    except GatewayUnavailable as error:
        _close_start(payment_id, State.UNKNOWN, error.detail, now)
        raise
    except GatewayRefused as error:
        came_too_late = now > payment.created_at + START_WINDOW
        _close_start(payment_id, State.EXPIRED if came_too_late else State.DECLINED, error.detail, now)
        raise
    return _store_start(payment_id, started, now)


def look_up(payment: Payment, *, now: datetime) -> Remote | None:
    """Ask the gateway what became of a payment; None while there is nothing to tell. Changes no state: `note` does.

    Where the page's id never reached us (a crash, a time-out), it is learnt first: by the same question under the same
    key, or, where that is answered with a stored error or the key is too old, by looking through the gateway's list.
    Raises GatewayUnavailable and GatewayRefused.
    """
    refuse_in_transaction()
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)  # first: who can't be asked must not block the queue
    gateway = gateways.get(payment.gateway)
    ref = payment.gateway_ref or _learn_ref(payment, gateway, now)
    if ref:
        return gateway.fetch(ref)
    if now >= payment.expires_at and Payment.objects.filter(pk=payment.pk, state=State.UNKNOWN).exists():
        # The gateway has no such page, and had one been made since, it would have ended by now: that is evidence.
        return Remote(
            ref="",
            payment_ref="",
            state=RemoteState.EXPIRED,
            amount_minor=payment.amount_minor,
            captured_minor=0,
            currency=payment.currency,
            reference=payment.reference,
            is_live_mode=payment.is_live_mode,
        )
    return None


def note(payment: Payment, remote: Remote, *, now: datetime) -> bool:
    """Move the payment, which the caller holds locked, to where the gateway says it is; answers whether anything changed.

    The one state machine. `succeeded` is final and reachable from everywhere, since money that came late came all the
    same (R52); what ended otherwise never comes back to life.
    """
    target = TARGET[remote.state]
    before = (payment.state, payment.captured_minor, payment.gateway_payment_ref, payment.decline_reason)
    if payment.is_live or target == State.SUCCEEDED:
        payment.state = target
        payment.decline_reason = "" if target == State.SUCCEEDED else remote.decline_reason
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
            "state", "captured_minor", "gateway_ref", "gateway_payment_ref", "decline_reason", "checked_at", "updated_at",
        ]
    )  # fmt: skip
    return changed


def expire(payment_id: int, *, now: datetime) -> Remote | None:
    """Close the gateway's page, so that nobody can pay there any more, and answer what the gateway says after that.

    A page closed or paid before is fine. An end is noted; a success is not, because noting it belongs into the one
    transaction that also fulfils what was paid for: the caller settles it. None where there is no page to close.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if not payment.is_live:
        return None
    gateway = gateways.get(payment.gateway)
    ref = payment.gateway_ref or _learn_ref(payment, gateway, now)
    if not ref:
        return None
    with suppress(GatewayRefused):  # not open any more: the look below says what it is
        gateway.expire_checkout(ref)
    remote = gateway.fetch(ref)
    if remote.state != RemoteState.SUCCEEDED:
        with transaction.atomic():
            note(Payment.objects.select_for_update(of=("self",)).get(pk=payment_id), remote, now=now)
    return remote


def matches(payment: Payment, remote: Remote) -> str | None:
    """None where amount, currency, mode and reference are what we asked for; otherwise a sentence that says what differs (R50)."""
    taken = remote.captured_minor if remote.state == RemoteState.SUCCEEDED else remote.amount_minor
    if remote.reference != payment.reference:
        return _("The gateway has it under the reference “%(theirs)s”, not “%(ours)s”.") % {
            "theirs": remote.reference,
            "ours": payment.reference,
        }
    if remote.is_live_mode != payment.is_live_mode:
        return (
            _("The gateway took real money, though our key was a test key.")
            if remote.is_live_mode
            else _("The gateway took test money only, though our key was a live one.")
        )
    if (taken, remote.currency) != (payment.amount_minor, payment.currency):
        return _("The gateway says %(theirs)s, we asked for %(ours)s.") % {
            "theirs": money.show(taken, remote.currency),
            "ours": money.show(payment.amount_minor, payment.currency),
        }
    return None


def refuse_in_transaction() -> None:
    """Nobody waits for a gateway while holding locks; the transaction a test case wraps around itself doesn't count."""
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise RuntimeError("A gateway must not be asked inside a transaction.")


def _request_of(payment: Payment) -> CheckoutRequest:
    return CheckoutRequest(
        reference=payment.reference,
        request_key=payment.request_key,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=payment.description,
        customer_email=payment.customer_email,
        return_url=payment.return_url,
        cancel_url=payment.cancel_url,
        created_at=payment.created_at,
        expires_at=payment.expires_at,
    )


def _learn_ref(payment: Payment, gateway: Gateway, now: datetime) -> str:
    """The page's id, asked for anew; "" where the gateway has no page of this payment."""
    if payment.state not in {State.CREATED, State.UNKNOWN}:
        return ""
    if now < payment.created_at + REPLAY_LIFE:
        try:
            return start_checkout(payment.pk, now=now).gateway_ref
        except GatewayRefused:
            return ""
        except GatewayUnavailable:
            pass  # perhaps only the stored answer of the first try: its list may still be readable
    found = gateway.find_checkout(_request_of(payment))
    if found is None:
        _close_start(payment.pk, State.UNKNOWN, "", now)
        return ""
    return _store_start(payment.pk, found, now).gateway_ref


def _store_start(payment_id: int, started: CheckoutStarted, now: datetime) -> Payment:
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        if payment.state in {State.CREATED, State.UNKNOWN}:
            payment.gateway_ref, payment.checkout_url = started.ref, started.url
            payment.state, payment.decline_reason, payment.updated_at = State.PENDING, "", now
            payment.save(update_fields=["gateway_ref", "checkout_url", "state", "decline_reason", "updated_at"])
        return payment


def _close_start(payment_id: int, state: State, reason: str, now: datetime) -> None:
    Payment.objects.filter(pk=payment_id, state__in=[State.CREATED, State.UNKNOWN]).update(
        state=state, decline_reason="" if state == State.UNKNOWN else reason[:250], updated_at=now
    )
