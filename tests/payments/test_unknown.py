"""Nobody knows what became of a payment: in time or too late, found at the gateway or not, each ends in one state and is charged once at most."""

from datetime import timedelta

import pytest

from payments import actions
from payments.errors import GatewayUnavailable
from payments.models import Payment, State
from tests.payments.pay_page import settle
from tests.payments.renewing import DUE, RENEWS, charged
from tests.people import NOW

REFERENCE = "SP-261122-AAAAAAAA"
SOON, LATE = timedelta(minutes=2), timedelta(days=1)
ONCE = {RENEWS: {"amount": 700, "charges": 1}}
# The fault that hides the answer, when one looks, the state then, and how many objects of it the gateway has.
PAGES = [
    ("create_times_out_after", SOON, State.PENDING, 1),  # found: the same page
    ("create_times_out_after", LATE, State.EXPIRED, 1),  # found, and over: nobody was told its address
    ("unavailable", SOON, State.PENDING, 1),  # not there: opened now, under the same key
    ("unavailable", LATE, State.EXPIRED, 0),  # not there, and too late to open one
]
CHARGES = [
    ("charge_times_out_after", SOON, State.SUCCEEDED, ONCE),  # found: the money is there
    ("charge_times_out_after", LATE, State.SUCCEEDED, ONCE),  # money that moved is never too late
    ("intent_times_out_after", SOON, State.SUCCEEDED, ONCE),  # prepared, not charged: charged now, once
    ("intent_times_out_after", LATE, State.EXPIRED, {}),  # prepared, and too late
    ("unavailable", SOON, State.SUCCEEDED, ONCE),  # never left the house: charged now
    ("unavailable", LATE, State.EXPIRED, {}),  # and too late: never charged
]


@pytest.mark.parametrize(("fault", "after", "state", "pages"), PAGES)
def test_a_page_of_which_nothing_was_heard(people, sandbox, settings, begin_payment, fault, after, state, pages):
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm(fault, 3)
    payment = begin_payment(people.dora)
    with pytest.raises(GatewayUnavailable):
        actions.start_checkout(payment.pk, now=NOW)
    assert Payment.objects.get(pk=payment.pk).state == State.UNKNOWN
    sandbox.faults.clear()
    settings.STRIPE_TIMEOUT_S = 20
    sandbox.clock.freeze(NOW + after)
    for _twice in range(2):
        settle(Payment.objects.get(pk=payment.pk), now=NOW + after)
        assert Payment.objects.get(pk=payment.pk).state == state
        assert len(sandbox.state()["sessions"]) == pages
    assert sandbox.state()["moved"] == {}
    assert Payment.objects.filter(subject=REFERENCE).count() == 1


@pytest.mark.parametrize(("fault", "after", "state", "moved"), CHARGES)
def test_a_charge_of_which_nothing_was_heard(
    people, sandbox, settings, store_card, create_charge_payment, fault, after, state, moved
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm(fault, 3)
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    assert Payment.objects.get(pk=begun.pk).state == State.UNKNOWN
    sandbox.faults.clear()
    settings.STRIPE_TIMEOUT_S = 20
    sandbox.clock.freeze(DUE + after)
    for _twice in range(2):
        settle(Payment.objects.get(pk=begun.pk), now=DUE + after)
        assert Payment.objects.get(pk=begun.pk).state == state
        assert charged(sandbox) == moved
    assert Payment.objects.filter(subject=RENEWS).count() == 1
