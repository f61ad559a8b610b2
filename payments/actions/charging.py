"""Charging a stored card while its holder is away: sent under one key, looked for before it is ever sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from payments import gateways
from payments.actions.states import FORGOTTEN, note, refuse_in_transaction, unpaid
from payments.errors import GatewayForgot, GatewayRefused
from payments.gateways.base import ChargeRequest, Remote, RemoteState
from payments.models import Kind, Payment, PaymentMethod, State

# After the last sending: what the gateway's list does not show by then was never charged. Generous, since a long batch works
# with one `now` and the SDK tries for a minute.
ARRIVAL_WINDOW = timedelta(hours=1)


def charge(payment_id: int, *, now: datetime) -> Payment:
    """Charge the stored card of a payment that was not sent yet. Answers the others unchanged.

    HTTP outside any transaction. A decline is noted, with `decline_reason`, `decline_code` and `is_hard_decline`. A success is
    not, because noting it belongs into the one transaction that also fulfils what was paid for: the payment is then `pending`
    and the caller settles it. GatewayUnavailable leaves it `unknown` and is raised again.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if payment.kind != Kind.OFF_SESSION or payment.state != State.CREATED:
        return payment
    remote = send(payment_id, now=now)
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        if remote is not None and remote.state != RemoteState.SUCCEEDED:
            note(payment, remote, now=now)
    return payment


def look_up_charge(payment: Payment, *, now: datetime) -> Remote | None:
    """What became of a charge; sends it where it never was, or was lost on the way. None while there is nothing to tell.

    First the gateway's books are searched, so that a stored 500 or a time-out after charging is found and not repeated.
    """
    payment = Payment.objects.get(pk=payment.pk)
    gateway = gateways.get(payment.gateway)
    if payment.gateway_ref:
        try:
            return gateway.fetch_charge(payment.gateway_ref)
        except GatewayForgot:
            if now < payment.expires_at:
                raise
            return unpaid(payment, RemoteState.EXPIRED, code=FORGOTTEN)
    if payment.state == State.CREATED:
        return send(payment.pk, now=now)
    if payment.state != State.UNKNOWN:
        return None
    found = gateway.find_charge(_request_of(payment))
    if found is not None:
        _keep_ref(payment.pk, found, now)
        return found
    if now < payment.expires_at and _method_of(payment).removed_at is None:
        return send(payment.pk, now=now)
    if now >= payment.updated_at + ARRIVAL_WINDOW:  # nothing was sent since
        return unpaid(payment, RemoteState.EXPIRED)
    return None


def stop_charge(payment_id: int, *, now: datetime) -> Remote | None:
    """Send a charge no more, and answer what the gateway says about what was sent; an end is noted, a success is not."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        payment.expires_at = min(payment.expires_at, now)
        payment.save(update_fields=["expires_at"])
        if payment.state == State.CREATED:
            note(payment, unpaid(payment, RemoteState.EXPIRED), now=now)
    remote = look_up_charge(payment, now=now)
    if remote is not None and remote.state != RemoteState.SUCCEEDED:
        with transaction.atomic():
            note(Payment.objects.select_for_update(of=("self",)).get(pk=payment_id), remote, now=now)
    return remote


def send(payment_id: int, *, now: datetime) -> Remote | None:
    """Send the charge and answer what came of it; None where somebody else has an answer already. Notes no end.

    It is `unknown` before it leaves the house: `created` proves that nothing was sent. Removing the card locks its row too, so
    that a charge either left before or never does.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)
        if payment.state not in {State.CREATED, State.UNKNOWN} or payment.gateway_ref:
            return None
        if payment.state == State.CREATED:
            if _method_of(payment, lock=True).removed_at is not None:
                return unpaid(payment, RemoteState.DECLINED, code="method_removed", is_hard=True)
            if now >= payment.expires_at:
                return unpaid(payment, RemoteState.EXPIRED)
        elif now >= payment.expires_at or _method_of(payment, lock=True).removed_at is not None:
            return None
        payment.state, payment.updated_at = State.UNKNOWN, now
        payment.save(update_fields=["state", "updated_at"])
    try:
        remote = gateways.get(payment.gateway).charge_saved(_request_of(payment))
    except GatewayRefused as error:
        return unpaid(payment, RemoteState.DECLINED, reason=error.detail, code="refused")
    _keep_ref(payment_id, remote, now)
    return remote


def _keep_ref(payment_id: int, remote: Remote, now: datetime) -> None:
    """Keep where the charge is found; money that came or is coming makes the payment wait for its settlement."""
    state = State.UNKNOWN if remote.state == RemoteState.DECLINED else State.PENDING
    Payment.objects.filter(pk=payment_id, state=State.UNKNOWN).update(
        gateway_ref=remote.ref, gateway_payment_ref=remote.payment_ref, state=state, updated_at=now
    )


def _method_of(payment: Payment, *, lock: bool = False) -> PaymentMethod:
    assert payment.method_id is not None  # held by a constraint
    methods = PaymentMethod.objects.select_for_update() if lock else PaymentMethod.objects.all()
    return methods.get(pk=payment.method_id)


def _request_of(payment: Payment) -> ChargeRequest:
    return ChargeRequest(
        reference=payment.reference,
        request_key=payment.request_key,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=payment.description,
        customer=payment.gateway_customer,
        method_ref=_method_of(payment).gateway_ref,
        created_at=payment.created_at,
    )
