"""Items that are alike are priced together, and each of them costs what it costs alone (R41)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import money
from subscriptions.discounts import Amount, Discount, FreePeriods, Percent, Scope
from subscriptions.periods import Months
from subscriptions.prices import PriceKey, PriceTable
from subscriptions.pricing import quote
from subscriptions.quotes import Item, Line, Quote
from subscriptions.taxes import Buyer, Tax, TaxRule, TaxRules

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PRICES = PriceTable(
    1, "Price list 1", "USD",
    {PriceKey("app", "monitor"): 151, PriceKey("app", "no_monitor"): 250, PriceKey("pm_app", "plain"): 499},
)  # fmt: skip
LIKE = [
    ("app", "monitor", None, 1), ("app", "monitor", NOON + timedelta(days=9), 1), ("app", "no_monitor", None, 1),
    ("app", "monitor", None, 2), ("pm_app", "plain", None, 2),
]  # fmt: skip
SCOPES = [Scope(), Scope(service_types=frozenset({"app"})), Scope(sites=frozenset({2}))]
DISCOUNTS = st.one_of(
    st.builds(FreePeriods, st.integers(1, 3), st.sampled_from(SCOPES)),
    st.builds(Percent, st.integers(1, 9_999), st.sampled_from(SCOPES)),
    st.builds(Amount, st.integers(1, 3_000), st.just("USD"), st.sampled_from(SCOPES)),
)
TAXES = Tax(TaxRules((TaxRule("NO", 2500, frozenset({"app"})), TaxRule("NO", 1190))), Buyer("NO"))


def by_item(found: Quote) -> list[tuple[int, int, int, int, int]]:
    """What each item costs, whichever line it is in."""

    def each(line: Line) -> tuple[int, int, int, int]:
        sums = (line.amount_minor, line.discount_minor, line.tax_minor, line.included_tax_minor)
        assert not any(minor % line.item.count for minor in sums)
        a, b, c, d = (minor // line.item.count for minor in sums)
        return a, b, c, d

    return [(int(key), *each(line)) for line in found.lines for key in line.item.keys or (line.item.key,)]


@pytest.mark.rule("R41")
@given(
    st.lists(st.integers(1, 9), min_size=len(LIKE), max_size=len(LIKE)),
    st.lists(DISCOUNTS, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_alike_items_cost_together_what_they_cost_one_by_one(
    sizes: list[int], discounts: list[Discount], is_gross: bool, is_taxed: bool
) -> None:
    together, alone, key = [], [], 1
    for (service, variant, expires, site), size in zip(LIKE, sizes, strict=True):
        keys = tuple(range(key, key + size))
        key += size
        like = Item(0, service, variant, expires, site_id=site)
        together.append(like.of_all(keys))
        alone += [replace(like, key=pk) for pk in keys]
    prices = replace(PRICES, includes_tax=is_gross)
    tax = (TAXES,) if is_taxed else ()
    plain = quote(alone, Months(2), NOON, prices, discounts, *tax)
    found = quote(together, Months(2), NOON, prices, discounts, *tax)
    assert by_item(found) == by_item(plain)
    assert (found.count, found.total_minor, found.each_cycle_minor, found.fingerprint()) == (
        plain.count, plain.total_minor, plain.each_cycle_minor, plain.fingerprint(),
    )  # fmt: skip
    assert len(found.lines) <= len(LIKE) * 6


@given(st.integers(-500, 500), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), min_size=1, max_size=6))
def test_shares_of_the_alike_are_those_of_each_alone(total: int, weights: list[tuple[int, int]]) -> None:
    alone = money.allot(total, [weight for weight, count in weights for _ in range(count)])
    runs = money.allot_runs(total, weights)
    assert [share for found in runs for share, count in found for _ in range(count)] == alone
    assert [sum(count for _share, count in found) for found in runs] == [count for _weight, count in weights]
