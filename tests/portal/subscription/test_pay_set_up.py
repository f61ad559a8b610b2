"""Paying where no gateway is set up, or its key is wrong: it is said, and no order is left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from communities.models import Entitlement, Site
from payments import actions
from payments.actions import keys
from payments.errors import GatewayNotSetUp
from payments.models import BillingProfile, GatewayKey, Payment
from payments.sandbox import Sandbox
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import prices
from subscriptions.models import Order, PriceList
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.checkout import BILLING, fingerprint, tick_all

SAID = "Card payment is not set up here."
Answer = GatewayKey.Answer


@pytest.fixture
def pay(
    people: People, sign_in: Callable[[Person], Client], harbour_view: Site, time_machine_at_noon: None
) -> Callable[[], str]:
    """Tick everything as Dora, go on, accept, press Pay: the page that answers, or where it leads."""

    def press_pay() -> str:
        dora = sign_in(people.dora)
        cart = tick_all(dora, people)
        mark = fingerprint(dora.get(cart).content.decode())
        answer = dora.post(cart, {**BILLING, "fingerprint": mark, "terms": "on"})
        return str(answer["Location"]) if answer.status_code == 302 else answer.content.decode()

    return press_pay


def assert_nothing_is_left() -> None:
    assert not Order.objects.exists()
    assert not Payment.objects.exists()
    assert not BillingProfile.objects.exists()
    assert not Entitlement.objects.exclude(expires_at=None).exists()


def test_without_a_key_nothing_is_ordered(
    price_list: PriceList, pay: Callable[[], str], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with caplog.at_level(logging.ERROR, "smartplus.payments"):
        assert SAID in pay()
    assert_nothing_is_left()
    assert "STRIPE_SECRET_KEY is not set" in caplog.text


def test_with_a_wrong_key_nothing_is_ordered(
    price_list: PriceList, pay: Callable[[], str], sandbox: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STRIPE_SECRET_KEY = "of-another-account"
    with caplog.at_level(logging.ERROR, "smartplus.payments"):
        assert SAID in pay()
    assert_nothing_is_left()
    assert "stripe does not accept the key of this installation: authentication error" in caplog.text
    assert "of-another-account" not in caplog.text
    assert sandbox.state()["sessions"] == []


def test_a_mended_key_is_noticed_at_the_next_click(
    price_list: PriceList, pay: Callable[[], str], sandbox: Sandbox, settings: Any
) -> None:
    right, settings.STRIPE_SECRET_KEY = settings.STRIPE_SECRET_KEY, "of-another-account"
    assert SAID in pay()
    settings.STRIPE_SECRET_KEY = right
    assert pay().startswith(sandbox.url)
    known = GatewayKey.objects.get()
    assert (known.answer, known.account) == (Answer.ACCEPTED, "acct_sandbox")


def test_a_gateway_that_is_silent_is_no_gateway_that_refuses(price_list: PriceList, pay: Callable[[], str]) -> None:
    assert pay().startswith("/orders/")  # nothing listens where the tests' gateway should be
    assert Order.objects.get().state == Order.State.PROCESSING


def test_what_costs_nothing_needs_no_gateway(people: People, pay: Callable[[], str], settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts=dict.fromkeys(INVENTED_PRICES, 0), valid_from=NOW - timedelta(days=1), now=NOW
    )
    assert pay().startswith("/orders/")
    assert Order.objects.get().state == Order.State.SUCCEED


@pytest.mark.django_db(transaction=True)
def test_each_gateway_is_asked_once_an_hour_and_for_another_key_at_once(
    people: People, sandbox: Sandbox, settings: Any
) -> None:
    assert [actions.ask_due(now=NOW + timedelta(minutes=m)) for m in (0, 59, 60)] == [1, 0, 1]
    settings.STRIPE_SECRET_KEY = "of-another-account"
    assert actions.ask_due(now=NOW + timedelta(minutes=61)) == 1
    assert GatewayKey.objects.get().answer == Answer.REFUSED
    settings.STRIPE_SECRET_KEY = ""
    assert actions.ask_due(now=NOW + timedelta(hours=9)) == 0


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_revoked_in_the_middle_is_known_from_then_on(
    people: People, sandbox: Sandbox, settings: Any, begin_payment: Callable[..., Payment]
) -> None:
    keys.ask("stripe", now=NOW)
    payment = begin_payment(people.dora)
    sandbox.stripe._secret_key = "another one by now"
    with pytest.raises(GatewayNotSetUp, match="not set up"):
        actions.start_checkout(payment.pk, now=NOW)
    assert GatewayKey.objects.get().answer == Answer.REFUSED


@pytest.mark.django_db(transaction=True)
def test_the_row_holds_no_key(people: People, sandbox: Sandbox, settings: Any) -> None:
    row = keys.ask("stripe", now=NOW)
    assert settings.STRIPE_SECRET_KEY not in "".join(str(value) for value in vars(row).values())
    assert not GatewayKey.objects.visible_to(people.dora.actor).exists()
