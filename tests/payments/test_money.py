"""Money in whole units: rounded in one place, shared out without a remainder (R41)."""

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import money

AMOUNTS = st.integers(-(10**12), 10**12)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=40)


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(0, 30, 0), (1, 2, 1), (-1, 2, -1), (149, 100, 1), (150, 100, 2), (-150, 100, -2), (5, -2, -3), (7 * 150, 30, 35)],
)
def test_halves_are_rounded_away_from_zero(numerator, denominator, rounded):
    assert money.divide_half_up(numerator, denominator) == rounded


@pytest.mark.rule("R41")
@given(AMOUNTS, st.integers(1, 10**6))
def test_division_agrees_with_the_decimals_own_half_up(numerator, denominator):
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert money.divide_half_up(numerator, denominator) == exact


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),  # ties go to the earlier one
        (-100, [1, 1, 1], [-34, -33, -33]),
        (5, [0, 10, 0], [0, 5, 0]),
        (1000, [150, 250, 500], [167, 278, 555]),  # 166.67 277.78 555.56
        (7, [0, 0], [7, 0]),
        (0, [], []),
    ],
)
def test_what_is_shared_out_by_largest_remainder(total, weights, shares):
    assert money.allot(total, weights) == shares


def test_what_cannot_be_shared_out_is_refused():
    with pytest.raises(ValueError, match="nothing to allot to"):
        money.allot(1, [])
    with pytest.raises(ValueError, match="negative"):
        money.allot(1, [2, -1])


@pytest.mark.rule("R41")
@given(AMOUNTS, WEIGHTS)
def test_shares_sum_up_to_the_total_and_none_is_a_unit_off(total, weights):
    shares = money.allot(total, weights)
    assert sum(shares) == total
    if whole := sum(weights):
        assert all(abs(share * whole - total * weight) < whole for share, weight in zip(shares, weights, strict=True))


@pytest.mark.rule("R41")
@given(AMOUNTS, WEIGHTS)
def test_equal_weights_never_differ_by_more_than_one_unit(total, weights):
    pairs = sorted(zip(weights, money.allot(total, weights), strict=True))
    if sum(weights):
        assert all(abs(a[1] - b[1]) <= 1 for a, b in pairwise(pairs) if a[0] == b[0])


@given(AMOUNTS, st.sampled_from(["USD", "EUR", "JPY", "KWD", "CREDITS"]))
def test_minor_units_survive_the_way_through_decimals(minor, currency):
    assert money.to_decimal(minor, currency).scaleb(money.exponent(currency)) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "language", "shown"),
    [
        (1250, "USD", "en", "US$12.50"),
        (-1250, "USD", "en", "-US$12.50"),
        (123_456_700, "EUR", "de", "1.234.567,00\xa0€"),
        (1250, "JPY", "en", "¥1,250"),
        (1250, "CAD", "en", "CA$12.50"),
        (1, "CREDITS", "en", "1 credit"),
        (1250, "CREDITS", "en", "1,250 credits"),
        (1250, "CREDITS", "de", "1.250 Credits"),
    ],
)
def test_an_amount_is_shown_in_the_readers_manner(minor, currency, language, shown):
    assert money.show(minor, currency, language=language) == shown


def test_a_currency_is_known_by_its_code_and_its_signs():
    assert {"EUR", "€"} <= money.marks("EUR")  # read in any case
    assert {"USD", "$", "US$"} - money.marks("USD") <= {"US$"}
    assert money.marks("CREDITS") == frozenset()
