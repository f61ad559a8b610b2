"""What was ticked and is not as it was when the page was opened."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from communities.models import Entitlement, Site
from subscriptions.actions import carts
from subscriptions.models import Cart, PriceList
from tests.people import NOW, People
from tests.portal.html import everything


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


def test_what_fell_out_since_the_page_was_opened_is_said_on_the_next_one_by_number_and_name(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    everything_there_was = everything(dora)
    rows = {str(row): row.pk for row in Entitlement.objects.select_related("target")}
    app = Entitlement.objects.filter(pk=rows["App, Quay House 1.01"])
    app.pay_until(NOW)
    Entitlement.objects.filter(pk=rows["Premium Plan, Quay House 1.02"]).update(variant="")
    Entitlement.objects.filter(pk=rows["App, Quay House 1.02"]).update(reserved_by=10**6)
    answer = dora.post("/subscription/", {"all": everything_there_was, "months": 1, "action": "next"}, follow=True)
    assert answer.redirect_chain == [(f"/subscription/carts/{Cart.objects.get().pk}/", 302)]
    page = " ".join(answer.content.decode().split())
    assert (
        "3 of the ticked items are left out: App, Quay House 1.01 (activated already); "
        "Premium Plan, Quay House 1.02 (switched off); App, Quay House 1.02 (in an open order)."
    ) in page
    assert "1000000" not in page
    assert {str(row) for row in carts.contents(Cart.objects.get())} == {
        "Premium Plan, Quay House 1.01",
        "PM App, Petra Holm",
    }


def test_many_that_fell_out_are_counted_beyond_the_first_five(
    people: People, harbour_view: Site, price_list: PriceList, make_apartment: Callable[..., object], dora: Client
) -> None:
    for number in range(3, 10):
        make_apartment(harbour_view, f"1.0{number}")
    gone = Entitlement.objects.filter(service_type="app")
    ids = list(Entitlement.objects.values_list("pk", flat=True))
    gone.update(variant="")
    page = dora.post("/subscription/", {"item": ids, "months": 1, "action": "next"}, follow=True).content.decode()
    assert "9 of the ticked items are left out: App, Quay House 1.01 (switched off); " in page
    assert "; and 4 more." in page


def test_when_nothing_is_left_the_list_is_shown_again_and_says_why(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    app = Entitlement.objects.get(service_type="app", target__number="1.01")
    Entitlement.objects.filter(pk=app.pk).update(variant="")
    answer = dora.post("/subscription/", {"item": app.pk, "months": 1, "action": "next"})
    assert answer.status_code == 422
    assert "1 of the ticked items is left out: App, Quay House 1.01 (switched off)." in answer.content.decode()
    assert not Cart.objects.exists()


@pytest.mark.rule("R1")
def test_foreign_ids_are_refused_like_absent_ones_and_nothing_changes(
    people: People, harbour_view: Site, price_list: PriceList, make_site, make_apartment, dora: Client
) -> None:
    foreign = make_site("Elsewhere", by=people.igor)
    make_apartment(foreign, by=people.igor)
    theirs = Entitlement.objects.get(site=foreign, service_type="app").pk
    mine = Entitlement.objects.get(site=harbour_view, service_type="app", target__number="1.01").pk
    posted: dict[str, dict[str, object]] = {
        "foreign": {"item": [mine, theirs]},
        "absent": {"item": [mine, 999_999]},
        "no number": {"item": [mine, "x"]},
        "a foreign range": {"all": f"{theirs}"},
        "an endless range": {"all": "1-99999999999999"},
        "no range": {"all": "5-"},
        "backwards": {"all": "9-5"},
    }
    answers = {
        value: dora.post("/subscription/", {"months": 1, "action": "next", "item": mine, **sent})
        for value, sent in posted.items()
    }
    for value, answer in answers.items():
        assert answer.status_code == 422, value
        assert "1 of the ticked items is not there any more. Nothing was done" in answer.content.decode(), value
    assert not Cart.objects.exists()
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_what_came_into_the_list_meanwhile_is_not_ordered_by_select_all(
    people: People, harbour_view: Site, price_list: PriceList, make_apartment, dora: Client
) -> None:
    seen = everything(dora)
    make_apartment(harbour_view, "1.03")
    page = dora.post("/subscription/", {"all": seen, "months": 1, "action": "price"}).content.decode()
    assert not re.search(r'name="all" value="[^"]+"[^>]* checked', page)
    assert len(re.findall(r'name="item" value="[0-9]+"[^>]* checked', page)) == 5
    dora.post("/subscription/", {"all": seen, "months": 1, "action": "next"})
    assert carts.contents(Cart.objects.get()).count() == 5


def test_a_filter_in_the_address_does_not_take_ticks_away(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    ids = list(Entitlement.objects.values_list("pk", flat=True))
    dora.post("/subscription/?service=app&q=1.01", {"item": ids, "months": 1, "action": "next"})
    assert carts.contents(Cart.objects.get()).count() == len(ids)
