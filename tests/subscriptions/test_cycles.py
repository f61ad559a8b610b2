"""What 30 days cost, by the price of the project type and price class, with the tax of whoever is billed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from communities import catalogue
from communities.catalogue import ApartmentConfiguration, Configuration, ServiceType
from subscriptions import cycles, switch_prices
from subscriptions.discounts import Percent, Scope
from subscriptions.periods import Cycles, Months
from subscriptions.price_preview import preview_of
from subscriptions.prices import PriceKey, PriceTable, Product
from subscriptions.pricing import quote
from subscriptions.quotes import Item
from subscriptions.saved_items import Saved
from subscriptions.taxes import Buyer, Tax, TaxRule, TaxRules

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
APP, LANDLINE = PriceKey("app", "monitor"), PriceKey("premium", "landline")
PRICES = PriceTable(
    1,
    "any",
    "USD",
    {
        APP: 151, APP._replace(project_type="house"): 171, APP._replace(price_class="integration"): 121,
        PriceKey("app", "no_monitor"): 251, PriceKey("app", "no_monitor", "house"): 271,
        LANDLINE: 60, LANDLINE._replace(project_type="house"): 40,
        PriceKey("premium", "third_party_camera"): 30, PriceKey("premium", "third_party_camera", "house"): 90,
    },
)  # fmt: skip
TAX = Tax(TaxRules((TaxRule("NO", 1200, frozenset({"premium"})), TaxRule("NO", 2500))), Buyer("NO"))
IN_51_DAYS = NOON + timedelta(days=51)


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("tax", "is_gross", "total"),
    [
        ((), False, 3 * 151 + 2 * 171 + 121 + 60),  # 976
        ((TAX,), False, 976 + 229 + 7),  # 25 % of 916 is 229, 12 % of 60 is 7.2
        ((TAX,), True, 976),  # they contain it
    ],
)
def test_products_cost_by_project_type_and_price_class_and_with_the_tax_of_who_is_billed(
    tax: tuple[Tax, ...], is_gross: bool, total: int
) -> None:
    kinds = [
        (Product("app", "monitor"), 3),
        (Product("app", "monitor", "house"), 2),
        (Product("app", "monitor", "community", "integration"), 1),
        (Product("premium", "landline", "community", "integration"), 1),  # of which the list has the Normal price only
    ]
    prices = replace(PRICES, includes_tax=is_gross)
    found = cycles.recurring_total(kinds, prices, NOON, *tax)
    assert [line.amount_minor for line in found.lines] == [453, 342, 121, 60]
    assert found.total_minor == found.each_cycle_minor == total
    assert cycles.list_amounts(kinds, prices, NOON) == [453, 342, 121, 60]


@pytest.mark.rule("R41")
@pytest.mark.parametrize("is_gross", [False, True])
@pytest.mark.parametrize("count", [1, 3, 7])
def test_what_renews_costs_each_time_what_30_days_of_it_are_charged(count: int, is_gross: bool) -> None:
    prices = replace(PRICES, includes_tax=is_gross)
    items = [
        Item(1, "app", "monitor", site_id=1).of_all(range(1, count + 1)),
        Item(90, "app", "no_monitor", site_id=1),
        Item(91, "premium", "landline", site_id=1, project_type="house"),
    ]
    bought = quote(items, Months(3), NOON, prices, [Percent(2500, Scope())], TAX)
    charged = quote(items, Cycles(1), NOON, prices, (), TAX)  # no discount counts for what comes later
    assert bought.each_cycle_minor == charged.each_cycle_minor == charged.total_minor
    assert (bought.tax_minor == 0) is is_gross


def test_one_without_a_price_leaves_all_unknown() -> None:
    kinds = [(Product("app", "monitor"), 3), (Product("pm_app", "plain"), 1)]
    assert cycles.list_amounts(kinds, PRICES, NOON) == cycles.list_amounts(kinds, None, NOON) == [None, None]
    assert cycles.total_of([1, None]) is None
    assert cycles.unpaid_amounts([(product, "", n) for product, n in kinds], PRICES) == [None, None]


@pytest.mark.parametrize(("project_type", "amounts"), [("community", [200, 0, 302]), ("house", [200, 0, 342])])
def test_what_is_not_paid_costs_the_difference_at_the_price_of_its_project_type(
    project_type: str, amounts: list[int]
) -> None:
    app = Product("app", "no_monitor", project_type)
    rows = [
        (app, "monitor", 2),
        (app._replace(variant="monitor"), "no_monitor", 5),
        (app._replace(variant="monitor"), "", 2),
    ]
    assert cycles.unpaid_amounts(rows, PRICES) == amounts


def house(*, has_master: bool = True, **switches: bool) -> Configuration:
    home = ApartmentConfiguration(key=1, indoor_monitor=True, landline=True, video_storage=False, has_master=has_master)
    return Configuration({**catalogue.DEFAULTS, "landline": True, **switches}, apartments=(home,), project="house")


@pytest.mark.rule("R27")
def test_a_house_is_billed_at_the_prices_of_houses() -> None:
    found = preview_of(house(), [], PRICES, as_of=NOON, zone="UTC")
    assert found.every_30_days.total_minor == found.per_apartment_minor == found.activation.total_minor == 171 + 40
    assert [(row.variant, row.amount_minor) for row in found.rows] == [("monitor", 171), ("landline", 40)]


@pytest.mark.rule("R27")
def test_what_a_house_lacks_and_had_is_billed_at_the_prices_of_houses() -> None:
    paid = [Saved(catalogue.Target.APARTMENT, 1, ServiceType.PREMIUM, "landline", "landline", IN_51_DAYS, IN_51_DAYS)]
    found = preview_of(house(third_party_camera=True), paid, PRICES, as_of=NOON, zone="UTC")
    assert (found.before_minor, found.every_30_days.total_minor) == (40, 171 + 40 + 90)
    assert [(row.was_minor, row.amount_minor) for row in found.rows] == [(0, 171), (40, 130)]
    assert found.upgrade.total_minor == 153  # 51 days × 90 ÷ 30; at a community's price it were 51
    assert found.activation.total_minor == 171


def test_what_of_a_house_waits_for_a_family_master_is_said_at_the_prices_of_houses() -> None:
    found = preview_of(house(has_master=False), [], PRICES, as_of=NOON, zone="UTC")
    assert "US$1.71" in found.notes[0]


@pytest.mark.parametrize(("project", "amounts"), [("community", (151, 251, 60)), ("house", (171, 271, 40))])
def test_each_switch_has_the_price_of_the_project_type(project: str, amounts: tuple[int, int, int]) -> None:
    found = switch_prices.switch_prices(PRICES, retention_days=30, project=project)
    assert (found["indoor_monitor"].minor, found["indoor_monitor"].other_minor, found["landline"].minor) == amounts
