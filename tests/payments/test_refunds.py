"""Stripe gives back what it took: a part, the rest, never more, and once for each key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from payments import actions, gateways
from payments.errors import GatewayForgot, GatewayRefused
from payments.gateways.base import RefundRequest, Refunds, RemoteState
from payments.models import Payment, State
from payments.sandbox import Sandbox
from tests.payments.pay_page import press, settle
from tests.people import NOW, People

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(people: People, sandbox: Sandbox, begin_payment: Callable[..., Payment]) -> Payment:
    """US$12.50 that Dora paid at the page."""
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    press(payment.checkout_url, "approve")
    settled = settle(payment, now=NOW).payment
    assert settled.state == State.SUCCEEDED
    return settled


@pytest.fixture
def stripe(sandbox: Sandbox) -> Refunds:
    gateway = gateways.get("stripe")
    assert isinstance(gateway, Refunds)
    return gateway


def test_a_part_and_the_rest_go_back_and_no_more(paid: Payment, stripe: Refunds, sandbox: Sandbox) -> None:
    part = RefundRequest(paid.gateway_payment_ref, "back-1", 450, "USD")
    back = stripe.refund(part)
    assert (back.state, back.amount_minor, back.currency, back.request_key) == (
        RemoteState.SUCCEEDED,
        450,
        "USD",
        "back-1",
    )
    assert stripe.refund(part) == back == stripe.fetch_refund(back.ref)
    with pytest.raises(GatewayRefused) as caught:
        stripe.refund(replace(part, request_key="back-2", amount_minor=801))
    assert "greater than unrefunded amount" in caught.value.detail
    assert stripe.refund(replace(part, request_key="back-3", amount_minor=800)).amount_minor == 800
    with pytest.raises(GatewayRefused) as caught:
        stripe.refund(replace(part, request_key="back-4", amount_minor=1))
    assert "already been refunded" in caught.value.detail
    [charge] = sandbox.store.charges.values()
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (1250, 1250, True)
    assert sorted(row["amount"] for row in sandbox.store.refunds.values()) == [450, 800]


def test_what_was_not_taken_or_is_not_known_does_not_go_back(stripe: Refunds, sandbox: Sandbox) -> None:
    with pytest.raises(GatewayRefused):
        stripe.refund(RefundRequest("pi_of_nobody", "back-1", 100, "USD"))
    with pytest.raises(GatewayForgot):
        stripe.fetch_refund("re_of_nobody")
    assert sandbox.store.refunds == {}


def test_an_amount_that_it_can_not_express_is_refused_here(paid: Payment, stripe: Refunds, sandbox: Sandbox) -> None:
    with pytest.raises(GatewayRefused):
        stripe.refund(RefundRequest(paid.gateway_payment_ref, "back-1", 5124, "KWD"))
    assert sandbox.store.refunds == {}
