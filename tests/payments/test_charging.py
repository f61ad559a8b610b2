"""Ivan's card is charged while he is away: once, whatever happens on the way, and never after he removed it."""

from datetime import timedelta

import pytest

from payments import actions
from payments.models import Kind, State
from tests.payments.fixtures import settle
from tests.people import NOW

SAVES, RENEWS = "SP-261122-SAVES", "SP-261222-RENEWS"
DUE = NOW + timedelta(days=27)
LATER = DUE + timedelta(minutes=5)


@pytest.fixture
def begin_charge(begin_payment):
    """Begin the renewal of a month later over US$7.00 with a stored card."""

    def begin(payer, method, reference=RENEWS, *, now=DUE, **fields):
        told = {"method": method, "amount_minor": 700, "customer_email": "", "return_url": "", "cancel_url": ""}
        return begin_payment(payer, reference, now=now, **told | fields)

    return begin


@pytest.fixture(autouse=True)
def a_month_later(sandbox):
    """The gateway's calendar moves along once a card is stored."""
    return lambda: sandbox.clock.freeze(DUE)


def charged(sandbox):
    return {name: row for name, row in sandbox.state()["moved"].items() if name != SAVES}


def test_a_stored_card_is_charged_while_its_holder_is_away(people, sandbox, store_card, begin_charge):
    card = store_card(people.ivan)
    begun = begin_charge(people.ivan, card)
    assert (begun.kind, begun.method, begun.gateway_customer) == (Kind.OFF_SESSION, card, card.gateway_customer)
    payment = actions.charge(begun.pk, now=DUE)
    assert (payment.state, payment.captured_minor) == (State.PENDING, 0)  # noting success is the settlement's
    assert payment.gateway_ref.startswith("pi_")
    settled = settle(payment, now=LATER)
    assert (settled.payment.state, settled.payment.captured_minor) == (State.SUCCEEDED, 700)
    assert settled.remote is not None
    assert actions.matches(settled.payment, settled.remote) is None
    assert settled.method is None
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


def test_settling_alone_sends_a_charge_that_never_left_the_house(people, sandbox, store_card, begin_charge):
    begun = begin_charge(people.ivan, store_card(people.ivan))
    settled = settle(begun, now=LATER)
    assert (settled.payment.state, settled.payment.captured_minor) == (State.SUCCEEDED, 700)
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}
