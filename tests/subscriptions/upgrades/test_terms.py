"""Terms that people choose: until a date, and cycles of 30 days (R28, R45)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from subscriptions.actions import transitions
from subscriptions.errors import NotBillable
from subscriptions.models import Order
from subscriptions.periods import Cycles, Months, Until
from subscriptions.pricing import TooFarAhead
from tests.people import NOW, SYSTEM
from tests.subscriptions.lookups import entitlement
from tests.subscriptions.upgrades.scenes import DAY, SOON, agree, fresh, only, pay

pytestmark = pytest.mark.django_db


def test_what_is_paid_beyond_the_date_already_is_refused_before_it_is_paid(
    harbour_view: Site, plan: Entitlement, extend
) -> None:
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    pay(extend(app, term=Months(5), now=SOON), SOON)
    only(plan).update(variant="landline")
    assert plan.expires_at is not None
    term = Until((plan.expires_at + 20 * DAY).date())
    with pytest.raises(NotBillable, match="1 item can't be ordered"):
        extend(plan, app, term=term, now=SOON)
    assert pay(extend(plan, term=term, now=SOON), SOON).state == "succeed"


@pytest.mark.rule("R52")
@pytest.mark.parametrize("stands", [timedelta(days=20), timedelta(days=-60)], ids=["running", "lapsed"])
def test_late_money_for_a_term_to_a_date_brings_as_many_days_as_were_paid(
    plan: Entitlement, extend, stands: timedelta
) -> None:
    only(plan).update(variant="landline")
    ends = SOON + stands
    only(plan).pay_until(ends)
    day, late = (max(ends, SOON) + 60 * DAY).date(), SOON + 3 * DAY
    order = extend(plan, term=Until(day), now=SOON)
    assert order.lines.get().amount_minor == 2 * order.lines.get().unit_minor
    transitions.close(order, Order.State.TIMEOUT, now=SOON, actor=SYSTEM)
    if stands > timedelta():
        assert pay(extend(plan, term=Cycles(1), now=SOON), SOON).state == "succeed"
    before = max(late, fresh(plan).expires_at or late)
    assert pay(order, late).state == "succeed"
    assert fresh(plan).expires_at == before + 60 * DAY


@pytest.mark.rule("R40", "R52")
@pytest.mark.parametrize("waits", [timedelta(minutes=40), DAY], ids=["while it is paid", "a day later"])
def test_a_day_that_begins_before_it_is_paid_costs_no_day(
    harbour_view: Site, plan: Entitlement, extend, waits: timedelta
) -> None:
    Site.objects.filter(pk=harbour_view.pk).update(time_zone="UTC")
    only(plan).update(variant="landline")
    only(plan).pay_until(NOW - 60 * DAY)
    night = SOON.replace(hour=23, minute=40)
    day = (night + 20 * DAY).date()
    order = extend(plan, term=Until(day), now=night)
    assert pay(order, night + waits).state == "succeed"
    ends = fresh(plan).expires_at
    assert order.lines.get().ends_at == night + 20 * DAY
    assert ends == (night + 20 * DAY if waits < DAY else night + waits + 20 * DAY)
    agree()


@pytest.mark.rule("R45")
def test_cycles_reach_no_further_ahead_than_months(plan: Entitlement, extend) -> None:
    only(plan).update(variant="landline")
    with pytest.raises(TooFarAhead):
        extend(plan, term=Cycles(61), now=SOON)
    only(plan).pay_until(NOW - 60 * DAY)
    with pytest.raises(TooFarAhead):
        extend(plan, term=Cycles(61), now=SOON)
    for count in (0, -1):
        with pytest.raises(ValueError, match="no term"):
            Cycles(count)
