"""Asking the gateway what became of a payment, and closing what is still open there."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import transaction

from payments import gateways
from payments.actions.charging import look_up_charge, stop_charge
from payments.actions.checkout import learn_ref
from payments.actions.states import FORGOTTEN, note, refuse_in_transaction, unpaid
from payments.errors import GatewayForgot, GatewayRefused
from payments.gateways.base import Gateway, Remote, RemoteState
from payments.models import Kind, Payment, State


def look_up(payment: Payment, *, now: datetime) -> Remote | None:
    """Ask the gateway what became of a payment; None while there is nothing to tell. Notes no end: `note` does.

    Where the page's id never reached us (a crash, a time-out), it is learnt first: by the same question under the same
    key, or, where that is answered with a stored error or the key is too old, by looking through the gateway's list. A stored
    card's charge is looked for in the list first, and sent where it never was. Raises GatewayUnavailable and GatewayRefused.
    """
    refuse_in_transaction()
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)  # first: who can't be asked must not block the queue
    if payment.kind == Kind.OFF_SESSION:
        return look_up_charge(payment, now=now)
    gateway = gateways.get(payment.gateway)
    ref = payment.gateway_ref or learn_ref(payment, gateway, now)
    if ref:
        return _read(payment, gateway, ref, now)
    if now >= payment.expires_at and Payment.objects.filter(pk=payment.pk, state=State.UNKNOWN).exists():
        # The gateway has no such page, and had one been made since, it would have ended by now: that is evidence.
        return unpaid(payment, RemoteState.EXPIRED)
    return None


def expire(payment_id: int, *, now: datetime) -> Remote | None:
    """Close the gateway's page, so that nobody can pay there any more, and answer what the gateway says after that.

    A page closed or paid before is fine. A stored card's charge is not sent any more. An end is noted; a success is not, because
    noting it belongs into the one transaction that also fulfils what was paid for: the caller settles it. None where there is
    nothing to close.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if not payment.is_live:
        return None
    if payment.kind == Kind.OFF_SESSION:
        return stop_charge(payment_id, now=now)
    gateway = gateways.get(payment.gateway)
    ref = payment.gateway_ref or learn_ref(payment, gateway, now)
    if not ref:
        return None
    with suppress(GatewayRefused):  # not open any more: the look below says what it is
        gateway.expire_checkout(ref)
    remote = _read(payment, gateway, ref, now)
    if remote.state != RemoteState.SUCCEEDED:
        with transaction.atomic():
            note(Payment.objects.select_for_update(of=("self",)).get(pk=payment_id), remote, now=now)
    return remote


def _read(payment: Payment, gateway: Gateway, ref: str, now: datetime) -> Remote:
    """What the gateway says about a page. One it does not know any more has ended once its time is over: nobody pays there."""
    try:
        return gateway.fetch(ref)
    except GatewayForgot:
        if now < payment.expires_at:
            raise
        return unpaid(payment, RemoteState.EXPIRED, code=FORGOTTEN)
