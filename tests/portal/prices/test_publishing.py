"""The operator publishes price lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.errors import Refused
from payments import money
from subscriptions.actions import prices
from subscriptions.models import PriceList
from subscriptions.prices import PriceKey
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


def test_the_operator_publishes_a_price_list_and_reads_it_back(
    people: People, price_list: PriceList, sign_in: Callable[[Person], Client]
) -> None:
    olga = sign_in(people.olga)
    form = {
        "currency": "EUR",
        "valid_from": "2026-12-01",
        "note": "Winter",
        "price-app-monitor": "1.60",
        "price-app-no_monitor": "2.605",
    }
    answer = olga.post("/prices/new/", form)
    assert answer.status_code == 422
    assert "2.605 can be read as 2605.00 or as 2.60. Write one of them." in answer.content.decode()
    answer = olga.post("/prices/new/", {**form, "price-app-no_monitor": "2.60"})
    made = PriceList.objects.get(currency="EUR")
    assert answer["Location"] == f"/prices/{made.pk}/"
    page = olga.get(f"/prices/{made.pk}/").content.decode()
    assert_clean(page)
    assert "€1.60" in page
    assert "no price: can&#x27;t be sold" in page or "no price: can't be sold" in page
    assert "Upcoming" in olga.get("/prices/").content.decode()
    for person in (people.dora, people.ivan, people.petra):
        assert sign_in(person).get("/prices/").status_code == 403


@pytest.mark.rule("R41")
def test_a_price_list_may_be_in_credits_and_in_nothing_that_is_no_currency(
    people: People, sign_in: Callable[[Person], Client]
) -> None:
    olga = sign_in(people.olga)
    form = {"currency": "CREDITS", "valid_from": "2026-12-01", "price-door-each-commercial": "1.5"}
    assert "Credits are whole." in olga.post("/prices/new/", form).content.decode()
    assert olga.post("/prices/new/", {**form, "currency": "XQZ"}).status_code == 422
    with pytest.raises(Refused, match="XQZ is no currency"):
        prices.publish_price_list(
            people.olga.actor,
            currency="XQZ",
            amounts={PriceKey("door", "each", "commercial"): 1},
            valid_from=NOW,
            now=NOW,
        )
    assert not PriceList.objects.exists()
    made = olga.post("/prices/new/", {**form, "price-door-each-commercial": "2"})
    page = olga.get(made["Location"]).content.decode()
    assert "2 credits" in page
    assert "Credits" in olga.get("/prices/").content.decode()
    assert (
        money.show(PriceList.objects.get().prices.get().amount_minor, PriceList.objects.get().currency) == "2 credits"
    )
