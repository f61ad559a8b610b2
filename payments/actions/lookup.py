"""Asking the gateway what became of a payment, and closing what is still open there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from payments import gateways
from payments.actions.accounts import account_of, refuse_other_account
from payments.actions.charging import look_up_charge, stop_charge
from payments.actions.checkout import learn_ref
from payments.actions.states import FORGOTTEN, apply_remote_state, ended_unpaid, refuse_in_transaction
from payments.errors import GatewayForgot, GatewayRefused
from payments.gateways.base import Remote, RemoteState
from payments.models import Kind, Payment, State


def look_up(payment: Payment, *, now: datetime, named: str = "") -> Remote | None:
    """Ask the gateway what became of a payment; None while there is nothing to tell. Notes no end: `note` does.

    The very object is read by its id. Where that never reached us (a crash, a time-out), the object that a message `named` is taken,
    if it carries our key; else it is learnt by the same question under the same key, which moves no money. Raises GatewayUnavailable
    and GatewayRefused.
    """
    refuse_in_transaction()
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)  # first: who can't be asked must not block the queue
    if named and not payment.gateway_ref:
        remote = _adopt(payment, named, now)
        if remote.state == RemoteState.SUCCEEDED:
            return remote
        payment.refresh_from_db()
    if payment.kind == Kind.OFF_SESSION:
        return look_up_charge(payment, now=now)
    ref = payment.gateway_ref or learn_ref(payment, now)
    if ref:
        return _read(payment, ref, now)
    never_opened = Payment.objects.filter(pk=payment.pk, state__in=[State.CREATED, State.UNKNOWN])
    if now >= payment.expires_at and never_opened.exists():
        return ended_unpaid(payment, RemoteState.EXPIRED)  # nobody was ever told where such a page would be
    return None


def second_object(payment: Payment, remote: Remote | None, named: str) -> Remote | None:
    """What a message named, read from the gateway, where that is none of the objects that we know of this payment.

    None as a rule: there should be one object for one payment. Raises GatewayRefused where it does not carry our key.
    """
    known = {payment.gateway_ref, payment.gateway_payment_ref, *((remote.ref, remote.payment_ref) if remote else ())}
    return None if not named or named in known else _named(payment, named)


def expire(payment_id: int, *, now: datetime) -> Remote | None:
    """Close a payment at the gateway, so that no money can come by it any more, and answer what the gateway says after that.

    What is closed or paid before is fine; one that ended for us is closed too, where the gateway has not said that it is. An end is
    noted; a success is not, because noting it belongs into the one transaction that also fulfils what was paid for: the caller settles
    it. None where there is nothing to close.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if not payment.is_live and not Payment.objects.unclosed().filter(pk=payment_id).exists():
        return None
    if payment.kind == Kind.OFF_SESSION:
        return stop_charge(payment_id, now=now)
    ref = payment.gateway_ref or learn_ref(payment, now)
    if not ref:
        return None
    with suppress(GatewayRefused):  # not open any more: the look below says what it is
        gateways.checkout(payment.gateway).expire_checkout(ref)
    remote = _read(payment, ref, now)
    if remote.state != RemoteState.SUCCEEDED:
        with transaction.atomic():
            apply_remote_state(
                Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id), remote, now=now
            )
    return remote


def _read(payment: Payment, ref: str, now: datetime) -> Remote:
    """What the gateway says about a page. One it does not know any more has ended once its time is over: nobody pays there."""
    gateway = gateways.get(payment.gateway)
    try:
        return gateway.fetch(ref)
    except GatewayForgot as forgot:
        account = Payment.objects.values_list("gateway_account", flat=True).get(pk=payment.pk)
        refuse_other_account(account, payment.is_live_mode, payment.gateway, now=now, cause=forgot)
        if now < payment.expires_at:
            raise
        return ended_unpaid(payment, RemoteState.EXPIRED, code=FORGOTTEN)


def _named(payment: Payment, named: str) -> Remote:
    remote = gateways.get(payment.gateway).fetch(named)
    if remote.request_key != payment.request_key:
        raise GatewayRefused(f"{named} does not carry the key of payment {payment.pk}")
    return remote


def _adopt(payment: Payment, named: str, now: datetime) -> Remote:
    """The object that a message named, for a payment whose own id never reached us; from here on it is known by it."""
    remote = _named(payment, named)
    is_charge = remote.ref == remote.payment_ref
    column = "gateway_ref" if payment.kind == Kind.OFF_SESSION or not is_charge else "gateway_payment_ref"
    account = account_of(payment.gateway, now=now)
    with transaction.atomic():
        row = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
        if not row.gateway_ref:
            setattr(row, column, named)
            row.gateway_account, row.updated_at = account, now
            row.state = State.UNKNOWN if row.state == State.CREATED else row.state
            row.save(update_fields=[column, "gateway_account", "state", "updated_at"])
    return remote if column == "gateway_ref" else replace(remote, ref="")
