"""The gateway's payment page. It is opened once, and nobody is sent to it (so nobody can pay there) before its id is stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from payments import gateways
from payments.actions import keys
from payments.actions.accounts import account_of
from payments.actions.states import refuse_in_transaction
from payments.errors import GatewayNotSetUp, GatewayRefused, GatewayUnavailable
from payments.gateways.base import CheckoutRequest, CheckoutStarted
from payments.models import Kind, Payment, State

START_WINDOW = timedelta(
    minutes=15
)  # time between create_payment() and the gateway receiving it: slow pages, retries, clocks that differ by up to 10 min
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
    gateway = gateways.checkout(payment.gateway)
    try:
        started = gateway.start_checkout(_request_of(payment))
    except GatewayUnavailable as error:
        _close_start(payment_id, State.UNKNOWN, error.detail, now)
        if isinstance(error, GatewayNotSetUp):
            keys.record_refused(payment.gateway, now=now)
        raise
    except GatewayRefused as error:
        came_too_late = now > payment.created_at + START_WINDOW
        _close_start(payment_id, State.EXPIRED if came_too_late else State.DECLINED, error.detail, now)
        raise
    return _store_start(payment_id, started, account_of(payment.gateway, now=now), now)


def learn_ref(payment: Payment, now: datetime) -> str:
    """The id of the page, read by repeating the same request under the same key; "" where there is no page that anybody can pay at.

    Raises GatewayUnavailable while an answer is still possible. After that the gateway may have forgotten the key; but nobody was ever
    given the address of that page, so it takes no money.
    """
    if payment.state not in {State.CREATED, State.UNKNOWN} or now >= payment.created_at + REPLAY_LIFE:
        return ""
    try:
        return start_checkout(payment.pk, now=now).gateway_ref
    except GatewayRefused:
        return ""


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
        expires_at=payment.expires_at,
        saves_method=payment.saves_method,
        customer=payment.gateway_customer,
        is_setup=payment.kind == Kind.SETUP,
    )


def _store_start(payment_id: int, started: CheckoutStarted, account: str, now: datetime) -> Payment:
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        if payment.state in {State.CREATED, State.UNKNOWN}:
            payment.gateway_ref, payment.checkout_url, payment.gateway_account = started.ref, started.url, account
            payment.state, payment.decline_reason, payment.updated_at = State.PENDING, "", now
            payment.save(
                update_fields=[
                    "gateway_ref", "checkout_url", "gateway_account", "state", "decline_reason", "updated_at",
                ]
            )  # fmt: skip
        return payment


def _close_start(payment_id: int, state: State, reason: str, now: datetime) -> None:
    Payment.objects.filter(pk=payment_id, state__in=[State.CREATED, State.UNKNOWN]).update(
        state=state, decline_reason="" if state == State.UNKNOWN else reason[:250], updated_at=now
    )
