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
    """Ask the gateway for the state of a payment; None while nothing is known. Writes no final state: `apply_remote_state` does.

    The object is read by its stored id. If no id was stored (a crash, a time-out), the object `named` in a message is used, provided
    that it carries our key; otherwise the same request under the same key returns the id, and moves no money. Raises GatewayUnavailable
    and GatewayRefused.
    """
    refuse_in_transaction()
    # First: a payment whose lookup fails must not block the queue
    Payment.objects.filter(pk=payment.pk).update(checked_at=now)
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
        return ended_unpaid(payment, RemoteState.EXPIRED)  # nobody was ever given the address of such a page
    return None


def second_object(payment: Payment, remote: Remote | None, named: str) -> Remote | None:
    """The object that a message named, read from the gateway, if it is none of the objects known for this payment.

    Usually None, because one payment should have one object. Raises GatewayRefused where the object does not carry our key.
    """
    known = {payment.gateway_ref, payment.gateway_payment_ref, *((remote.ref, remote.payment_ref) if remote else ())}
    return None if not named or named in known else _named(payment, named)


def expire(payment_id: int, *, now: datetime) -> Remote | None:
    """Close a payment at the gateway, so that it can take no money any more, and return the gateway's state after that.

    It may be closed or paid already. A payment that ended here is closed too, unless the gateway has confirmed that it is closed. A
    failed end is written here; a success is not, because it must be written in the same transaction that fulfils the order: the caller
    settles it. None where nothing has to be closed.
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
    with suppress(GatewayRefused):  # not open any more: the state is read below
        gateways.checkout(payment.gateway).expire_checkout(ref)
    remote = _read(payment, ref, now)
    if remote.state != RemoteState.SUCCEEDED:
        with transaction.atomic():
            apply_remote_state(
                Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id), remote, now=now
            )
    return remote


def _read(payment: Payment, ref: str, now: datetime) -> Remote:
    """Read the state of a page. A page that the gateway no longer knows counts as ended once its time is over: nobody can pay there."""
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
    """Take the object that a message named for a payment without a stored id, and store its id."""
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
