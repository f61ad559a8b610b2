"""Two who order the same renewal or upgrade in the same instant: one order (R48)."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection

from communities.models import Entitlement, Site
from payments.models import Payment
from subscriptions.actions import extending
from subscriptions.errors import NotBillable
from subscriptions.models import Order, OrderLine
from subscriptions.periods import Months, Rest, Term
from tests.people import People
from tests.races import together
from tests.subscriptions.lookups import BASE
from tests.subscriptions.upgrades.scenes import SOON, Fill, Place, only

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time"),
]


@pytest.mark.rule("R48")
@pytest.mark.parametrize("term", [Rest(), Months(1)])
def test_the_same_request_twice_at_once_is_one_order(
    people: People, harbour_view: Site, plan: Entitlement, fill_cart: Fill, place: Place, term: Term
) -> None:
    shown = extending.priced(only(plan), term, upgrades=True, distributor=people.dora.firm, now=SOON).fingerprint()
    go = partial(
        extending.place_extension,
        people.dora.actor,
        installer_id=people.ivan.firm.pk,
        site_kind="community",
        entitlement_ids=[plan.pk],
        term=term,
        fingerprint=shown,
        terms_version="1",
        return_base=BASE,
        now=SOON,
    )
    before = Order.objects.count()
    outcomes = together(go, go, go)
    assert all(isinstance(outcome, Order) for outcome in outcomes), outcomes
    assert len({outcome.pk for outcome in outcomes if isinstance(outcome, Order)}) == 1
    assert Order.objects.count() == before + 1
    order = Order.objects.latest("pk")
    assert Payment.objects.filter(subject=order.number).count() == 1
    assert OrderLine.objects.filter(order=order).count() == order.line_count
    assert list(order.events.values_list("kind", flat=True)) == ["created"]


@pytest.mark.rule("R48")
def test_of_two_that_differ_one_gets_the_item(
    people: People, harbour_view: Site, plan: Entitlement, fill_cart: Fill, place: Place
) -> None:
    def go(term: Term) -> Order:
        shown = extending.priced(only(plan), term, upgrades=True, distributor=people.dora.firm, now=SOON)
        return extending.place_extension(
            people.dora.actor, installer_id=people.ivan.firm.pk, site_kind="community", entitlement_ids=[plan.pk],
            term=term, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=SOON,
        )  # fmt: skip

    outcomes = together(partial(go, Rest()), partial(go, Months(1)))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [NotBillable.__name__, Order.__name__]
