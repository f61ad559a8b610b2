"""Charging a stored card without its holder. The charge is prepared and its id is stored before any money can move."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from payments import gateways
from payments.actions.accounts import account_of, refuse_other_account
from payments.actions.states import FORGOTTEN, apply_remote_state, ended_unpaid, refuse_in_transaction
from payments.errors import CardGone, GatewayForgot, GatewayRefused
from payments.gateways.base import ChargeRequest, OffSession, Remote, RemoteState
from payments.models import Kind, Payment, PaymentMethod, State


def charge(payment_id: int, *, now: datetime) -> Payment:
    """Charge the stored card of a payment that was not sent yet. Other payments are returned unchanged.

    Asks the gateway, so it must run outside any transaction. A decline is written here, with `decline_reason`, `decline_code` and
    `is_hard_decline`. A success is not: it must be written in the same transaction that fulfils the order. The payment is then
    `pending`, and the caller settles it. GatewayUnavailable sets the payment to `unknown` and is raised again.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if payment.kind != Kind.OFF_SESSION or payment.state != State.CREATED:
        return payment
    remote = send(payment_id, now=now)
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        if remote is not None and remote.state != RemoteState.SUCCEEDED:
            apply_remote_state(payment, remote, now=now)
    return payment


def look_up_charge(payment: Payment, *, now: datetime) -> Remote | None:
    """Read the state of a charge from the gateway's object, and continue a charge that was not confirmed. None while nothing is known.

    Without a stored id no money can have moved. The same request under the same key then returns the id, or the charge is given up.
    """
    payment = Payment.objects.get(pk=payment.pk)
    if not payment.gateway_ref:
        return send(payment.pk, now=now)
    gateway = gateways.off_session(payment.gateway)
    try:
        remote = gateway.fetch(payment.gateway_ref)
    except GatewayForgot as forgot:
        refuse_other_account(payment.gateway_account, payment.is_live_mode, payment.gateway, now=now, cause=forgot)
        if now < payment.expires_at:
            raise
        return ended_unpaid(payment, RemoteState.EXPIRED, code=FORGOTTEN)
    if remote.state != RemoteState.OPEN:
        return remote
    return send(payment.pk, now=now) if payment.is_live else gateway.cancel_charge(payment.gateway_ref)


def stop_charge(payment_id: int, *, now: datetime) -> Remote | None:
    """Close a charge at the gateway so that it can take no money any more, and return its state after that.

    A failed end is written here; a success is left to the caller. A charge that was never sent is closed without asking the gateway.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        payment.expires_at = min(payment.expires_at, now)
        payment.save(update_fields=["expires_at"])
        if payment.is_live and not payment.gateway_ref:
            apply_remote_state(payment, ended_unpaid(payment, RemoteState.EXPIRED), now=now)
    if not payment.gateway_ref:
        return None
    gateway = gateways.off_session(payment.gateway)
    try:
        remote = gateway.cancel_charge(payment.gateway_ref)
    except GatewayForgot as forgot:
        refuse_other_account(payment.gateway_account, payment.is_live_mode, payment.gateway, now=now, cause=forgot)
        remote = ended_unpaid(payment, RemoteState.EXPIRED, code=FORGOTTEN)
    if remote.state != RemoteState.SUCCEEDED:
        with transaction.atomic():
            apply_remote_state(
                Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id), remote, now=now
            )
    return remote


def send(payment_id: int, *, now: datetime) -> Remote | None:
    """Prepare the charge, store its id, confirm it, and return the result; None where another worker continues with it.

    Writes no final state. The payment becomes `unknown` before the first request, because `created` proves that nothing was sent. Each
    step may be repeated: a request prepared twice under one key is one object, and one object takes its money once.
    """
    payment, ended = _leave(payment_id, now)
    if payment is None or ended is not None:
        return ended
    gateway = gateways.off_session(payment.gateway)
    card = _method_of(payment)
    refuse_other_account(card.gateway_account, card.is_live_mode, payment.gateway, now=now)
    ref = payment.gateway_ref
    if not ref:
        try:
            prepared = gateway.create_charge(_request_of(payment, card))
        except CardGone as error:
            return ended_unpaid(payment, RemoteState.DECLINED, reason=error.detail, code="method_gone", is_hard=True)
        except GatewayRefused as error:
            return ended_unpaid(payment, RemoteState.DECLINED, reason=error.detail, code="refused")
        ref = _keep_ref(payment_id, prepared.ref, account_of(payment.gateway, now=now), now)
    if not _may_confirm(payment_id, ref, now):
        return gateway.cancel_charge(ref)
    remote = _confirm(gateway, payment, ref)
    if remote.state in {RemoteState.SUCCEEDED, RemoteState.PENDING}:
        Payment.objects.filter(pk=payment_id, state=State.UNKNOWN).update(
            gateway_payment_ref=remote.payment_ref, state=State.PENDING, updated_at=now
        )
    return remote


def _leave(payment_id: int, now: datetime) -> tuple[Payment | None, Remote | None]:
    """Write that a request may be on its way from now on; or the final state, where nothing needs to be sent.

    Removing the card locks the card's row too, so a charge was either sent before the removal or is never sent.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        if payment.state not in {State.CREATED, State.UNKNOWN}:
            return None, None
        if not payment.gateway_ref:
            if _method_of(payment, lock=True).removed_at is not None:
                return None, ended_unpaid(payment, RemoteState.DECLINED, code="method_removed", is_hard=True)
            if now >= payment.expires_at:
                return None, ended_unpaid(payment, RemoteState.EXPIRED)
        payment.state, payment.updated_at = State.UNKNOWN, now
        payment.save(update_fields=["state", "updated_at"])
        return payment, None


def _keep_ref(payment_id: int, ref: str, account: str, now: datetime) -> str:
    """Store the id of the charge, committed before it can take money. Returns the stored id, which may be one that another worker
    stored.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        if not payment.gateway_ref:
            payment.gateway_ref = payment.gateway_payment_ref = ref
            payment.gateway_account, payment.updated_at = account, now
            payment.save(update_fields=["gateway_ref", "gateway_payment_ref", "gateway_account", "updated_at"])
        return payment.gateway_ref


def _may_confirm(payment_id: int, ref: str, now: datetime) -> bool:
    """Check once more, after the id is stored: the payment was not given up, the card was not removed, and it is not too late."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        is_wanted = payment.state == State.UNKNOWN and payment.gateway_ref == ref and now < payment.expires_at
        return is_wanted and _method_of(payment, lock=True).removed_at is None


def _confirm(gateway: OffSession, payment: Payment, ref: str) -> Remote:
    try:
        return gateway.confirm_charge(ref, request_key=payment.request_key)
    except GatewayForgot:
        raise
    except GatewayRefused as error:  # nothing was taken; closing the charge makes sure that nothing will be
        closed = gateway.cancel_charge(ref)
        if closed.state != RemoteState.EXPIRED:
            return closed
        return replace(closed, state=RemoteState.DECLINED, decline_reason=error.detail[:250], decline_code="refused")


def _method_of(payment: Payment, *, lock: bool = False) -> PaymentMethod:
    assert payment.method_id is not None  # guaranteed by a database constraint
    methods = PaymentMethod.objects.select_for_update(no_key=True) if lock else PaymentMethod.objects.all()
    return methods.get(pk=payment.method_id)


def _request_of(payment: Payment, card: PaymentMethod) -> ChargeRequest:
    return ChargeRequest(
        reference=payment.reference,
        request_key=payment.request_key,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=payment.description,
        customer=payment.gateway_customer,
        method_ref=card.gateway_ref,
    )
