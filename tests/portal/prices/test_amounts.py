"""Prices as people type them, and in which currency."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from subscriptions.models import PriceList
from tests.people import People, Person
from tests.portal.html import assert_clean, form_in

pytestmark = pytest.mark.django_db
FORM = {"currency": "EUR", "valid_from": "2027-12-01", "note": ""}
FIELD = "price-app-monitor"


@pytest.fixture
def olga(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Olga's browser."""
    return sign_in(people.olga)


def published(currency: str) -> list[int]:
    """The amounts of the lists in a currency."""
    return list(
        PriceList.objects.filter(currency=currency).order_by("pk").values_list("prices__amount_minor", flat=True)
    )


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [
        ("EUR", "12,50", 1250), ("EUR", "12.50", 1250), ("EUR", "1.234,50", 123450), ("EUR", "1 234,50 €", 123450),
        ("JPY", "1,234", 1234), ("USD", "$1,234.50", 123450), ("CREDITS", "2", 2), ("NOK", "NOK 5", 500),
    ],
)  # fmt: skip
def test_a_price_is_read_with_comma_and_point(olga: Client, currency: str, typed: str, minor: int) -> None:
    assert olga.post("/prices/new/", {**FORM, "currency": currency, FIELD: typed}).status_code == 302
    assert published(currency) == [minor]


@pytest.mark.parametrize("typed", ["1.234", "1,234", "12,505", "-1", "twelve", "$5", "1,2.3"])
def test_a_price_that_is_unsure_or_wrong_is_refused_and_stays(olga: Client, typed: str) -> None:
    answer = olga.post("/prices/new/", {**FORM, FIELD: typed})
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert form_in(answer.content, FIELD)[FIELD] == typed
    assert published("EUR") == []


@pytest.mark.parametrize(("language", "shown"), [("en", "1234.50"), ("de", "1234,50")])
def test_a_price_is_filled_in_as_the_reader_writes_it(people: People, olga: Client, language: str, shown: str) -> None:
    olga.post("/prices/new/", {**FORM, FIELD: "1234,50"})
    User.objects.filter(pk=people.olga.membership.user_id).update(language=language)
    first = PriceList.objects.get(currency="EUR")
    page = olga.get(f"/prices/new/?follows={first.pk}").content
    opened = form_in(page, FIELD)
    assert (opened[FIELD], opened["currency"], opened["typed_in"]) == (shown, "EUR", "EUR")
    assert olga.post("/prices/new/", opened).status_code == 302
    assert published("EUR") == [123450, 123450]


def test_every_amount_says_its_currency(olga: Client) -> None:
    page = olga.post("/prices/new/", {**FORM, "currency": "JPY", FIELD: "1.5"}).content.decode()
    labels = re.findall(r'<label for="id_price-[^"]+">(.*?)</label>', page, re.DOTALL)
    assert len(labels) > 5
    assert all('<span class="opt-l" data-follows="id_currency">JPY</span>' in label for label in labels)
    assert "The currency has no such fraction." in page


def test_without_script_another_currency_is_asked_about_once(olga: Client) -> None:
    opened = form_in(olga.get("/prices/new/").content, FIELD)
    assert opened["typed_in"] == "USD"
    answer = olga.post("/prices/new/", opened | {"currency": "EUR", FIELD: "12,50"})
    assert answer.status_code == 422
    assert "The amounts were typed as USD. Are they right as EUR? Then publish." in answer.content.decode()
    assert olga.post("/prices/new/", form_in(answer.content, FIELD)).status_code == 302
    assert published("EUR") == [1250]


def test_amounts_of_another_currency_are_not_carried_over(olga: Client) -> None:
    olga.post("/prices/new/", {**FORM, FIELD: "12,50"})
    first = PriceList.objects.get(currency="EUR")
    opened = form_in(olga.get(f"/prices/new/?follows={first.pk}&currency=JPY").content, FIELD)
    assert (opened["currency"], opened[FIELD]) == ("JPY", "")


def test_no_form_reads_numbers_with_a_point_only() -> None:
    """Django's own fields take 1,5 for nothing or for 15, as the settings have it."""
    root = Path(settings.BASE_DIR) / "smartplus"
    found = [
        str(path) for path in sorted(root.rglob("*.py")) if re.search(r"\b(?:Decimal|Float)Field\b", path.read_text())
    ]
    assert found == []
