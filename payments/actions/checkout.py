"""The gateway's page of a payment: opened once, found again when its address was lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from payments import gateways
from payments.actions import keys
from payments.actions.states import refuse_in_transaction
from payments.errors import GatewayNotSetUp, GatewayRefused, GatewayUnavailable
from payments.gateways.base import CheckoutRequest, CheckoutStarted, Gateway
from payments.models import Kind, Payment, State

START_WINDOW = timedelta(minutes=5)  # from begin() to the gateway's receipt: slow pages, retries, clocks apart
CHECKOUT_LIFE = timedelta(minutes=30) + START_WINDOW  # Stripe wants 30 min left; unpaid orders time out after 45 (R53)
REPLAY_LIFE = timedelta(hours=23)  # gateways forget keys after 24 h; a forgotten key would open a second page


def start_checkout(payment_id: int, *, now: datetime) -> Payment:
    """Open the gateway's page for a payment that has none yet, and store where it is. Answers the others unchanged.

    HTTP first, outside any transaction, then a short one. GatewayUnavailable leaves the payment `unknown`, GatewayRefused
    leaves it `declined` (or `expired`, where it came too late for the gateway); both are raised again.
    """
    refuse_in_transaction()
    payment = Payment.objects.get(pk=payment_id)
    if payment.kind == Kind.OFF_SESSION or payment.state not in {State.CREATED, State.UNKNOWN}:
        return payment
    try:
        started = gateways.get(payment.gateway).start_checkout(_request_of(payment))
    except GatewayUnavailable as error:
        _close_start(payment_id, State.UNKNOWN, error.detail, now)
        if isinstance(error, GatewayNotSetUp):
            keys.note_refused(payment.gateway, now=now)
        raise
    except GatewayRefused as error:
        came_too_late = now > payment.created_at + START_WINDOW
        _close_start(payment_id, State.EXPIRED if came_too_late else State.DECLINED, error.detail, now)
        raise
    return _store_start(payment_id, started, now)


def learn_ref(payment: Payment, gateway: Gateway, now: datetime) -> str:
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
        saves_method=payment.saves_method,
        customer=payment.gateway_customer,
        is_setup=payment.kind == Kind.SETUP,
    )


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
