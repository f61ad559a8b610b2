"""The stand-in refuses what Stripe refuses, takes no parameter that the SDK doesn't have, and tells its own time."""

from __future__ import annotations

import re
import sys
from datetime import timedelta

import pytest
import requests
import time_machine
from django.core.management import call_command
from stripe import params as typed
from stripe.params import checkout

from payments import actions
from payments.errors import GatewayRefused, GatewayUnavailable
from payments.gateways.stripe.limits import to_stripe
from payments.models import State
from payments.sandbox import limits
from payments.sandbox.distance import clock_at
from smartplus import jobs
from tests.payments.pay_page import press, settle
from tests.payments.stripe_api import INTENTS, ORDER, error_of
from tests.people import NOW

SESSIONS = "/v1/checkout/sessions"
LINE = "line_items[0][price_data]"


def differences(tree, shape, where=""):
    """Names of ours that the SDK's typed dictionary lacks, at any depth. Its annotations are names, some for type checkers only."""
    for name, inside in tree.items():
        if name not in shape.__annotations__:
            yield f"{where}{name}"
        elif inside is not None:
            module = vars(sys.modules[shape.__module__])
            named = [module.get(word) for word in re.findall(r"\w+", str(shape.__annotations__[name]))]
            [nested] = [kind for kind in named if hasattr(kind, "__required_keys__")]
            yield from differences(inside, nested, f"{where}{name}.")


@pytest.mark.parametrize(
    ("tree", "shape"),
    [
        (limits.SESSION, checkout.SessionCreateParams),
        (limits.INTENT, typed.PaymentIntentCreateParams),
        (limits.CONFIRM, typed.PaymentIntentConfirmParams),
        (limits.CANCEL, typed.PaymentIntentCancelParams),
        (limits.REFUND, typed.RefundCreateParams),
    ],
    ids=["session", "intent", "confirm", "cancel", "refund"],
)
def test_every_parameter_that_is_taken_is_one_of_the_sdks(tree, shape):
    assert list(differences(tree, shape)) == []
    assert list(differences({**tree, "colour": None}, shape)) == ["colour"]
    nested = {name: {**inside, "colour": None} for name, inside in tree.items() if inside is not None}
    assert list(differences(nested, shape)) == [f"{name}.colour" for name in nested]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({f"{LINE}[currency]": "xyz"}, None, "Invalid currency: xyz"),
        ({f"{LINE}[currency]": "usd "}, None, "Invalid currency"),
        ({f"{LINE}[colour]": "red"}, "parameter_unknown", f"{LINE}[colour]"),
        ({"payment_intent_data[metadata][reference]": "x" * 501}, None, "up to 500 characters"),
        ({f"metadata[{'k' * 41}]": "x"}, None, "up to 40 characters"),
        ({f"metadata[k{number}]": "x" for number in range(51)}, None, "at most 50 metadata keys"),
        ({"payment_intent_data[description]": "x" * 1001}, None, "at most 1000 characters"),
        ({"client_reference_id": "x" * 201}, None, "at most 200 characters"),
        ({f"{LINE}[currency]": "kwd", f"{LINE}[unit_amount]": "5124"}, "parameter_invalid_integer", "multiple of 10"),
        ({f"{LINE}[currency]": "isk", f"{LINE}[unit_amount]": "5050"}, "parameter_invalid_integer", "multiple of 100"),
        ({f"{LINE}[unit_amount]": "100000000"}, "amount_too_large", "no more than 99999999"),
        ({"payment_intent_data": "x"}, None, "Invalid object"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_page_that_stripe_would_refuse_is_refused_and_nothing_is_made(ask, sandbox, change, code, words):
    status, kind, got, message = error_of(ask("POST", SESSIONS, ORDER | change, key="k1"))
    assert (status, kind, got) == (400, "invalid_request_error", code)
    assert words in message
    assert sandbox.state()["sessions"] == []


@pytest.mark.parametrize("currency", sorted(limits.MINIMUM))
def test_every_currency_has_its_least_amount(ask, currency):
    least = limits.MINIMUM[currency]
    for amount, status in ((least - 1, 400), (least, 200)):
        told = {f"{LINE}[currency]": currency, f"{LINE}[unit_amount]": str(amount)}
        assert ask("POST", SESSIONS, ORDER | told).status_code == status


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "100000000"}, "amount_too_large"),
        ({"currency": "xyz"}, None),
        ({"currency": "kwd", "amount": "7001"}, "parameter_invalid_integer"),
        ({"amount": "7.5"}, "parameter_invalid_integer"),
        ({"description": "x" * 1001}, None),
        ({"metadata[reference]": "x" * 501}, None),
    ],
)
def test_a_charge_has_the_same_limits(ask, sandbox, stored, change, code):
    status, _kind, got, _message = error_of(ask("POST", INTENTS, stored() | change))
    assert (status, got) == (400, code)
    assert [row for row in sandbox.state()["intents"] if row["metadata"].get("reference") != "SP-A"] == []


def test_a_key_is_not_longer_than_stripes(ask, sandbox):
    assert error_of(ask("POST", SESSIONS, ORDER, key="k" * 256))[3] == "Idempotency keys are limited to 255 characters."
    assert ask("POST", SESSIONS, ORDER, key="k" * 255).status_code == 200


def test_we_send_no_third_decimal(people, sandbox, begin_payment):
    assert to_stripe(5120, "KWD") == 5120
    with pytest.raises(GatewayRefused):
        to_stripe(5124, "KWD")
    payment = begin_payment(people.dora, amount_minor=5124, currency="KWD")
    with pytest.raises(GatewayRefused):
        actions.start_checkout(payment.pk, now=NOW)
    payment.refresh_from_db()
    assert (payment.state, sandbox.state()["sessions"]) == (State.DECLINED, [])


@pytest.mark.parametrize(("fault", "times"), [("rate_limited", 1), ("key_in_use", 3)])
def test_too_many_requests_and_a_key_in_use_say_nothing_about_the_payment(people, sandbox, begin_payment, fault, times):
    payment = begin_payment(people.dora)
    sandbox.faults.arm(fault, times)
    with pytest.raises(GatewayUnavailable):
        actions.start_checkout(payment.pk, now=NOW)
    payment.refresh_from_db()
    assert payment.state == State.UNKNOWN
    payment = settle(payment, now=NOW + timedelta(minutes=2)).payment
    assert (payment.state, len(sandbox.state()["sessions"])) == (State.PENDING, 1)


def test_a_key_in_use_for_a_moment_is_made_good_by_the_sdk(people, sandbox, begin_payment):
    sandbox.faults.arm("key_in_use", 1)
    assert actions.start_checkout(begin_payment(people.dora).pk, now=NOW).state == State.PENDING


def test_the_bank_asks_the_holder_and_money_moves_only_behind_the_yes(people, sandbox, begin_payment):
    later = NOW + timedelta(minutes=2)
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    page = press(payment.checkout_url, "approve", card="asks-now")
    assert (page.status, "Your bank asks" in page.text) == (200, True)
    assert settle(payment, now=later).payment.state == State.ACTION_REQUIRED
    assert sandbox.state()["moved"] == {}
    page = press(payment.checkout_url, "refuse")
    assert "unable to authenticate" in page.text
    assert settle(payment, now=later).payment.state == State.PENDING
    assert press(payment.checkout_url, "confirm").status == 200  # nobody is asking any more
    assert "Your bank asks" in press(payment.checkout_url, "approve", card="asks-now").text
    assert "Your bank asks" in press(payment.checkout_url).text  # who comes back is asked again
    assert press(payment.checkout_url, "confirm").status == 303
    settled = settle(payment, now=later).payment
    assert (settled.state, settled.captured_minor) == (State.SUCCEEDED, 1250)
    assert [row["charges"] for row in sandbox.state()["moved"].values()] == [1]


def test_the_sandbox_can_be_ahead_or_behind_or_stand_still(sandbox):
    door = f"{sandbox.url}/sandbox/clock"
    with time_machine.travel(NOW, tick=False):
        before = requests.post(door, json={"ahead": -600}, timeout=5).json()
        assert before == {"fixed": int(NOW.timestamp()), "ahead": 0}
        assert sandbox.clock.now() == NOW.timestamp() - 600
        assert requests.post(door, json={"fixed": 5}, timeout=5).json() == {"fixed": None, "ahead": -600}
        assert sandbox.clock.now() == 5
        requests.post(door, json={}, timeout=5)
        assert sandbox.clock.now() == NOW.timestamp()
        assert requests.post(door, json={"at": "tomorrow"}, timeout=5).status_code == 400


def test_a_tick_of_another_day_is_that_day_at_the_sandbox_too(people, sandbox, settings, monkeypatch):
    seen = []

    def tick(*, now):
        seen.append((now, sandbox.clock.now()))
        return {}

    monkeypatch.setattr(jobs, "tick", tick)
    later = NOW + timedelta(days=27)
    call_command("tick", now=later.isoformat())
    [(now, theirs)] = seen
    assert now == later
    assert abs(theirs - later.timestamp()) <= 5
    assert sandbox.clock.now() == NOW.timestamp()  # and afterwards it is what it was


def test_only_an_address_on_this_machine_is_told_the_time(monkeypatch):
    monkeypatch.setattr("payments.sandbox.distance._set", lambda *told: pytest.fail(f"told {told}"))
    for address in ("", "https://api.stripe.com", "http://sandbox.example"):
        with clock_at(address, NOW):
            pass
