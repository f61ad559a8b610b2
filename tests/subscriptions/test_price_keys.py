"""What a price of a list is for, and whose price counts where there is none."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.errors import Refused
from payments import money
from subscriptions import tables, words
from subscriptions.actions import prices
from subscriptions.actions.opening import frozen_why
from subscriptions.models import Price, PriceList
from subscriptions.periods import Cycles, Months, Rest, Until
from subscriptions.prices import MissingPrice, PriceKey, PriceTable, Product, price_keys
from subscriptions.pricing import quote
from subscriptions.quotes import Item
from tests.people import NOW, SYSTEM, People

APP = PriceKey("app", "monitor")
IN_HOUSE, INTEGRATED = APP._replace(project_type="house"), APP._replace(price_class="integration")


@pytest.mark.parametrize(
    ("amounts", "project_type", "price_class", "expected"),
    [
        ({APP: 150}, "community", "normal", 150),
        ({APP: 150}, "community", "integration", 150),
        ({APP: 150}, "house", "normal", 150),
        ({APP: 150, INTEGRATED: 120, IN_HOUSE: 170}, "community", "normal", 150),
        ({APP: 150, INTEGRATED: 120, IN_HOUSE: 170}, "community", "integration", 120),
        ({APP: 150, INTEGRATED: 120, IN_HOUSE: 170}, "house", "normal", 170),
        ({APP: 150, IN_HOUSE: 0}, "house", "normal", 0),  # for nothing is a price
        ({INTEGRATED: 120, IN_HOUSE: 170}, "community", "normal", None),  # never the other way round
        ({INTEGRATED: 120}, "house", "normal", None),
        ({APP: 150}, "commercial", "normal", None),
    ],
)
def test_integration_falls_back_to_normal_and_a_house_to_the_community(
    amounts: dict[PriceKey, int], project_type: str, price_class: str, expected: int | None
) -> None:
    table = PriceTable(1, "Price list 1", "USD", amounts)
    item = Item(1, "app", "monitor", project_type=project_type, price_class=price_class)
    if expected is None:
        with pytest.raises(MissingPrice, match="Price list 1 has no price for App, with indoor monitor"):
            quote([item], Months(1), NOW, table)
        return
    assert quote([item], Months(2), NOW, table).total_minor == 2 * expected


def test_the_classes_of_one_order_have_their_own_prices_and_reasons() -> None:
    table = PriceTable(1, "Price list 1", "USD", {APP: 150, INTEGRATED: 120})
    found = quote(
        [Item(1, "app", "monitor"), Item(2, "app", "monitor", price_class="integration")], Months(1), NOW, table
    )
    assert [group.each_minor for group in found.groups()] == [150, 120]
    assert frozen_why(found) == {
        "app:monitor": {"parts": [["monitor", 150]], "days": 30},
        "app:monitor:integration": {"parts": [["monitor", 120]], "days": 30},
    }


def test_a_price_that_falls_back_has_not_left_the_list() -> None:
    booking, landline = PriceKey("premium", "booking"), PriceKey("premium", "landline")
    integrated = booking._replace(price_class="integration")
    table = PriceTable(1, "Price list 1", "USD", {booking: 30, landline: 60}, former={integrated: 10})
    paid = table.as_paid()
    assert paid.parts(Product("premium", "booking", price_class="integration")) == (("booking", 30),)
    item = Item(
        1,
        "premium",
        "booking+landline",
        NOW + timedelta(days=30),
        paid_variant="booking",
        price_class="integration",
    )
    assert quote([item], Rest(), NOW, table).total_minor == 60
    gone = PriceTable(2, "Price list 2", "USD", {landline: 60}, former={integrated: 10})
    assert gone.as_paid().parts(Product("premium", "booking", price_class="integration")) == (("booking", 10),)


def test_a_list_names_what_is_sold_at_each_project_type_and_only_communities_have_two_classes() -> None:
    keys = set(price_keys())
    assert len(keys) == len(list(price_keys()))
    assert {key.project_type for key in keys} == {"community", "house", "commercial"}
    assert {key.project_type for key in keys if key.price_class == "integration"} == {"community"}
    assert PriceKey("premium", "booking", "house") not in keys  # nothing to book in a house (R28)
    assert PriceKey("premium", "video_storage_30", "house") in keys
    assert PriceKey("door", "each", "commercial") in keys
    assert PriceKey("door", "each") not in keys


def publish(amounts: dict[PriceKey, int], **options: object) -> PriceList:
    return prices.publish_price_list(SYSTEM, amounts=amounts, valid_from=NOW, now=NOW, **{"currency": "USD", **options})  # type: ignore[arg-type]


def test_a_list_is_read_back_with_its_keys_and_whether_it_is_gross(people: People) -> None:
    amounts = {APP: 150, INTEGRATED: 120, IN_HOUSE: 170, PriceKey("door", "each", "commercial"): 90}
    table = tables.table_of(publish(amounts, includes_tax=True))
    assert (table.amounts, table.includes_tax) == (amounts, True)
    publish({APP: 160})
    later = tables.table_for(people.dora.firm, at=NOW, with_former=True)
    assert (later.amounts, later.includes_tax) == ({APP: 160}, False)
    assert later.former == {key: amount for key, amount in amounts.items() if key != APP}


@pytest.mark.parametrize(
    "key", [PriceKey("door", "each"), INTEGRATED._replace(project_type="house"), PriceKey("app", "roof")]
)
def test_a_price_of_what_is_not_sold_there_is_refused(people: People, key: PriceKey) -> None:
    with pytest.raises(Refused, match="Unknown prices"):
        publish({key: 100})
    assert not PriceList.objects.exists()


def test_credits_have_no_tax(people: People) -> None:
    door = PriceKey("door", "each", "commercial")
    with pytest.raises(Refused, match="a list in credits has no tax"):
        publish({door: 1}, currency=money.CREDITS, includes_tax=True)
    assert not PriceList.objects.exists()
    publish({door: 1}, currency=money.CREDITS)


def test_a_key_has_one_price_in_a_list(people: People) -> None:
    made = publish({APP: 150})
    Price.objects.create(price_list=made, **INTEGRATED._asdict(), amount_minor=120)
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(price_list=made, **INTEGRATED._asdict(), amount_minor=130)
    assert (
        quote([Item(1, "app", "monitor", price_class="integration")], Cycles(1), NOW, tables.table_of(made)).total_minor
        == 120
    )


@pytest.mark.parametrize(
    ("language", "label", "term"),
    [
        ("en", "Price list 1, from 21 Nov 2026", "until 21 Nov 2026"),
        ("de", "Preisliste 1, ab 21. Nov. 2026", "bis 21. Nov. 2026"),
    ],
)
def test_days_are_written_in_the_readers_language(people: People, language: str, label: str, term: str) -> None:
    day = date(2026, 11, 21)
    published = prices.publish_price_list(
        SYSTEM, currency="USD", amounts={APP: 150}, valid_from=datetime.combine(day, time(9), UTC), now=NOW
    )
    with translation.override(language):
        assert tables.table_of(published).label == label
        assert words.of_term(Until(day)) == term
