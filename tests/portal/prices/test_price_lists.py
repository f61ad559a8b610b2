"""The page of a price list: prices by project type and class, and what an empty one means."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from subscriptions.models import PriceList
from subscriptions.prices import PriceKey
from tests.people import People, Person
from tests.portal.html import assert_clean, form_in

pytestmark = pytest.mark.django_db
FORM = {"currency": "EUR", "valid_from": "2027-12-01", "note": "", "price-app-monitor": "1.50"}


@pytest.fixture
def olga(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Olga's browser."""
    return sign_in(people.olga)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def folds(page: str) -> list[bool]:
    """Of each part that can be folded, whether it is open."""
    return [" open" in tag for tag in re.findall(r'<details class="fold"[^>]*>', page)]


def test_prices_of_integration_and_of_houses_are_kept_shown_and_taken_over(olga: Client) -> None:
    made = olga.post(
        "/prices/new/",
        {**FORM, "price-app-monitor-integration": "1.20", "price-app-monitor-house": "1.70", "includes_tax": "on"},
    )
    price_list = PriceList.objects.get()
    assert {row.key: row.amount_minor for row in price_list.prices.all()} == {
        PriceKey("app", "monitor"): 150,
        PriceKey("app", "monitor", "community", "integration"): 120,
        PriceKey("app", "monitor", "house"): 170,
    }
    page = olga.get(made["Location"]).content.decode()
    assert_clean(page)
    shown = words(page)
    assert shown.index("€1.50") < shown.index("€1.20") < shown.index("€1.70")
    assert "Community, Integration" in shown
    assert "gross: tax is included" in shown
    opened = form_in(olga.get(f"/prices/new/?follows={price_list.pk}").content, "note")
    assert opened["price-app-monitor-integration"] == "1.20"
    assert opened["price-app-monitor-house"] == "1.70"
    assert opened["includes_tax"] == "on"


def test_what_is_left_empty_says_whose_price_counts(olga: Client) -> None:
    page = olga.get("/prices/new/").content.decode()
    assert_clean(page)
    assert folds(page) == [False, False]  # Integration and houses
    assert "What is left empty is sold at the Normal price." in words(page)
    assert "What is left empty is sold at the Normal price of communities." in words(page)
    made = olga.post("/prices/new/", FORM)
    shown = words(olga.get(made["Location"]).content.decode())
    assert shown.count("as the Normal price of communities") == 2
    assert "net: tax is added" in shown
    assert not PriceList.objects.get().includes_tax


def test_a_part_with_something_in_it_is_not_folded_away(olga: Client) -> None:
    answer = olga.post("/prices/new/", {**FORM, "price-app-monitor-house": "1,2.3"})
    assert answer.status_code == 422
    assert folds(answer.content.decode()) == [False, True]
    made = olga.post("/prices/new/", {**FORM, "price-premium-booking-integration": "0.20"})
    page = olga.get(f"/prices/new/?follows={PriceList.objects.get().pk}").content.decode()
    assert folds(page) == [True, False]
    shown = words(olga.get(made["Location"]).content.decode())
    assert "Booking Service €0.20 Everything else as the Normal price of communities" in shown


def test_a_list_in_credits_says_nothing_of_tax_and_includes_none(olga: Client) -> None:
    form = {"currency": "CREDITS", "valid_from": "2027-12-01", "price-door-each-commercial": "1"}
    answer = olga.post("/prices/new/", {**form, "includes_tax": "on"})
    assert answer.status_code == 422
    assert "a list in credits has no tax" in answer.content.decode()
    made = olga.post("/prices/new/", form)
    shown = words(olga.get(made["Location"]).content.decode())
    assert "tax is" not in shown


def test_the_price_book_is_sorted_by_its_heads_and_says_the_same_of_each_list(olga: Client) -> None:
    for currency, valid_from in (("EUR", "2027-12-01"), ("USD", "2028-01-01"), ("EUR", "2028-02-01")):
        assert olga.post("/prices/new/", {**FORM, "currency": currency, "valid_from": valid_from}).status_code == 302

    def shown(query: str) -> list[tuple[str, str]]:
        cells = olga.get(f"/prices/{query}").context["cells"]
        return [(f"{row.currency} {row.number}", state) for row, state in cells]

    own = shown("")
    assert [name for name, _state in own][-1].startswith("USD")
    for column in ("list", "for", "currency", "from"):
        up, down = shown(f"?sort={column}"), shown(f"?sort=-{column}")
        assert up == down[::-1]
        assert sorted(up) == sorted(own)
    assert shown("?sort=state") == own
