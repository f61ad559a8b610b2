"""Discounts and tax of a quote: three tables of cases worked out by hand, and what holds for all of them (R41)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import money
from subscriptions import periods
from subscriptions.discounts import Amount, Discount, FreePeriods, Percent, Place, Scope
from subscriptions.periods import Cycles, Months, Rest, Term, Until
from subscriptions.prices import PriceKey, PriceTable
from subscriptions.pricing import quote
from subscriptions.quotes import Item
from subscriptions.taxes import UNTAXED, Buyer, Tax, TaxRule, TaxRules, Treatment, Untaxed

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NET = PriceTable(
    1, "Price list 1", "USD",
    {
        PriceKey("app", "monitor"): 150, PriceKey("pm_app", "plain"): 500, PriceKey("premium", "booking"): 30,
        PriceKey("premium", "landline"): 60,
    },
)  # fmt: skip
GROSS = replace(NET, includes_tax=True)
CREDITS = PriceTable(2, "Price list 2", money.CREDITS, {PriceKey("door", "each", "commercial"): 1})
APP = Item(1, "app", "monitor", site_id=1, installer_id=7)
PM_APP = Item(2, "pm_app", "plain", site_id=1, installer_id=7)
PREMIUM = Item(3, "premium", "booking", site_id=2, installer_id=8)
ALL = [APP, PM_APP, PREMIUM]  # three months: 450, 1500 and 90, together 2040
DOORS = Item(4, "door", "each", count=7, project_type="commercial")
ONLY_APP, ONLY_PM_APP = (Scope(service_types=frozenset({code})) for code in ("app", "pm_app"))
HALF = Percent(5000)


def off(items: Sequence[Item], term: Term, discounts: Sequence[Discount], prices: PriceTable = NET) -> list[int]:
    return [line.discount_minor for line in quote(items, term, NOON, prices, discounts).lines]


# --- discounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("discounts", "expected"),
    [
        ([], [0, 0, 0]),
        # one period of three: 150, 500, 30
        ([FreePeriods(1)], [150, 500, 30]),
        # five of three: no more than the three that are bought
        ([FreePeriods(5)], [450, 1500, 90]),
        ([FreePeriods(1, ONLY_APP)], [150, 0, 0]),
        # one of everything and one more of the App: 2 × 150, 500, 30
        ([FreePeriods(1), FreePeriods(1, ONLY_APP)], [300, 500, 30]),
        # two and two of three: three, not four
        ([FreePeriods(2, ONLY_APP), FreePeriods(2, ONLY_APP)], [450, 0, 0]),
        # 12.5 % of 2040 = 255: 56.25, 187.5, 11.25; the one left goes to .5
        ([Percent(1250)], [56, 188, 11]),
        # 0.01 % of 2040 = 0.204, rounded to nothing
        ([Percent(1)], [0, 0, 0]),
        # 0.5 % of 2040 = 10.2, so 10: 2.21, 7.35, 0.44; the one left goes to .44
        ([Percent(50)], [2, 7, 1]),
        ([Percent(10_000)], [450, 1500, 90]),
        # 10 % = 204: 45, 150, 9. 10 % of the 1836 left = 183.6, so 184, of 405, 1350 and 81: 40.59, 135.29, 8.12 → 41, 135, 8
        ([Percent(1000), Percent(1000)], [86, 285, 17]),
        # 50 % of the App's 450 = 225, then 10 % of 225 + 1500 + 90 = 181.5, so 182: 22.56, 150.41, 9.02 → 23, 150, 9
        ([Percent(5000, ONLY_APP), Percent(1000)], [248, 150, 9]),
        # 100 over 2040: 22.06, 73.53, 4.41; the one left goes to .53
        ([Amount(100, "USD")], [22, 74, 4]),
        # more than there is: nothing below 0, the rest is forfeited
        ([Amount(5000, "USD")], [450, 1500, 90]),
        ([Amount(5000, "USD", ONLY_APP)], [450, 0, 0]),
        # 400 of the App, then 100 over 50 + 1500 + 90: 3.05, 91.46, 5.49; the one left goes to .49
        ([Amount(400, "USD", ONLY_APP), Amount(100, "USD")], [403, 91, 6]),
        # free first: 300, 1000, 60 are left; half of 1360 = 680: 150, 500, 30; then 100 over 680: 22.06, 73.53, 4.41 → 22, 74, 4
        ([FreePeriods(1), HALF, Amount(100, "USD")], [322, 1074, 64]),
        # the same, however they are given
        ([Amount(100, "USD"), HALF, FreePeriods(1)], [322, 1074, 64]),
        # half of the PM App first, then 1000 of it: 750 are left to take
        ([Amount(1000, "USD", ONLY_PM_APP), Percent(5000, ONLY_PM_APP)], [0, 1500, 0]),
        # site 2 has the Premium Plan only
        ([Amount(50, "USD", Scope(sites=frozenset({2})))], [0, 0, 50]),
        # installer 7 has the App and the PM App: 100 over 1950: 23.08, 76.92 → 23, 77
        ([Amount(100, "USD", Scope(organizations=frozenset({7})))], [23, 77, 0]),
        # all that a scope asks has to be so
        ([Amount(50, "USD", Scope(sites=frozenset({2}), service_types=frozenset({"app"})))], [0, 0, 0]),
        ([Amount(50, "USD", Scope(project_types=frozenset({"house"})))], [0, 0, 0]),
    ],
)  # fmt: skip
def test_what_discounts_take_off_three_months(discounts: list[Discount], expected: list[int]) -> None:
    assert off(ALL, Months(3), discounts) == expected


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("item", "term", "free", "amount", "expected"),
    [
        (APP, Cycles(2), 1, 300, 150),
        # to a date, 45 days: 45 × 150 / 30 = 225, of which one whole period is free, however many are given
        (APP, Until(date(2027, 1, 6)), 1, 225, 150),
        (APP, Until(date(2027, 1, 6)), 2, 225, 150),
        # 29 days = 145: no whole period
        (APP, Until(date(2026, 12, 21)), 1, 145, 0),
        (APP, Until(date(2026, 12, 22)), 1, 150, 150),
        # three alike for two months: 3 × 2 × 150, of each one period
        (replace(APP, count=3), Months(2), 1, 900, 450),
        # the rest of a period of 45 days, Landline to Landline and Booking: 45 × 30 / 30 = 45, one period of the 30 more is free
        (
            Item(1, "premium", "booking+landline", NOON + timedelta(days=45), paid_variant="landline"), Rest(), 2, 45, 30,
        ),
        (Item(1, "premium", "booking+landline", NOON + timedelta(days=29), paid_variant="landline"), Rest(), 1, 29, 0),
    ],
)  # fmt: skip
def test_a_free_period_is_one_that_is_bought_whole(
    item: Item, term: Term, free: int, amount: int, expected: int
) -> None:
    (line,) = quote([item], term, NOON, NET, [FreePeriods(free)]).lines
    (plain,) = quote([item], term, NOON, NET).lines
    assert (line.amount_minor, line.discount_minor) == (amount, expected)
    assert (line.starts_at, line.ends_at) == (plain.starts_at, plain.ends_at)  # never extra time


def test_nothing_is_free_that_is_paid_in_credits() -> None:
    assert off([DOORS], Months(2), [FreePeriods(1)], CREDITS) == [0]
    assert off([DOORS], Months(1), [HALF], CREDITS) == [4]  # 3.5 of 7, whole credits
    assert off([DOORS], Months(1), [Amount(2, money.CREDITS)], CREDITS) == [2]


def test_an_amount_in_another_currency_is_no_discount() -> None:
    with pytest.raises(ValueError, match="an amount in EUR can't be taken off USD"):
        off(ALL, Months(1), [Amount(100, "EUR")])


@pytest.mark.parametrize(
    ("kind", "value"), [(FreePeriods, 0), (Percent, 0), (Percent, 10_001), (lambda n: Amount(n, "USD"), 0)]
)
def test_a_discount_of_nothing_or_of_more_than_everything_can_not_be_written_down(kind: Any, value: int) -> None:
    with pytest.raises(ValueError, match=r"discount|percentage"):
        kind(value)


# --- tax ----------------------------------------------------------------------------------------------------------------

RULES = TaxRules(
    (
        TaxRule("DE", 700, frozenset({"premium"})),
        TaxRule("DE", 1900),
        TaxRule("AT", 2000, is_reversed=True),
        TaxRule("CH", 0),
    )
)  # invented
GERMAN = Tax(RULES, Buyer("DE"))


def taxes(items: Sequence[Item], prices: PriceTable, tax: Tax, discounts: Sequence[Discount] = ()) -> list[int]:
    lines = quote(items, Months(3), NOON, prices, discounts, tax).lines
    return [line.included_tax_minor if prices.includes_tax else line.tax_minor for line in lines]


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("items", "prices", "expected", "total"),
    [
        # 19 % of 450 + 1500 = 370.5, so 371: 85.62, 285.38 → 86, 285. 7 % of 90 = 6.3
        (ALL, NET, [86, 285, 6], 2417),
        # in 1950 are 1950 × 19 / 119 = 311.34, so 311: 71.77, 239.23 → 72, 239. In 90 are 90 × 7 / 107 = 5.89; the price stays
        (ALL, GROSS, [72, 239, 6], 2040),
        # 13 × 450 × 19 % = 1111.5, so 1112, or 85.54 each: 7 of them 86. Rounded line by line it would be 13 × 86 = 1118
        ([replace(APP, key=n) for n in range(13)], NET, [86] * 7 + [85] * 6, 13 * 450 + 1112),
        # 13 × 450 × 19 / 119 = 934.03, so 934: 71.85 each, 11 of them 72
        ([replace(APP, key=n) for n in range(13)], GROSS, [72] * 11 + [71] * 2, 13 * 450),
        # the same two in one line of two: 900 × 19 % = 171
        ([replace(APP, count=2)], NET, [171], 1071),
    ],
)  # fmt: skip
def test_what_tax_is_added_to_net_and_contained_in_gross_prices(
    items: list[Item], prices: PriceTable, expected: list[int], total: int
) -> None:
    found = quote(items, Months(3), NOON, prices, (), GERMAN)
    assert taxes(items, prices, GERMAN) == expected
    assert found.total_minor == total
    sums = (found.tax_minor, found.included_tax_minor)
    assert sums == ((0, sum(expected)) if prices.includes_tax else (sum(expected), 0))
    assert {line.treatment.rate_bp for line in found.lines} <= {700, 1900}


@pytest.mark.parametrize(
    ("buyer", "treatment"),
    [
        (Buyer("DE"), Treatment(1900)),
        (Buyer("DE", "DE136695976", is_confirmed=True), Treatment(1900)),  # at home there is nothing to reverse
        (Buyer("AT"), Treatment(2000)),
        (Buyer("AT", "ATU13585627"), Treatment(2000)),  # well-formed, and that is all
        (Buyer("AT", "ATU13585627", is_confirmed=True), Treatment(reason=Untaxed.REVERSE_CHARGE)),
        (Buyer("AT", "", is_confirmed=True), Treatment(2000)),  # confirmed what was taken away since
        (Buyer("CH"), Treatment(reason=Untaxed.EXEMPT)),
        (Buyer("NO"), Treatment(reason=Untaxed.NO_RULE)),
        (Buyer(), Treatment(reason=Untaxed.NO_RULE)),
    ],
)
def test_tax_follows_the_country_and_a_confirmed_number(buyer: Buyer, treatment: Treatment) -> None:
    found = quote([APP], Months(3), NOON, NET, (), Tax(RULES, buyer))
    (line,) = found.lines
    assert line.treatment == treatment
    assert found.total_minor == 450 + half_up(450 * treatment.rate_bp, 10_000)


def test_what_is_paid_in_credits_was_taxed_before() -> None:
    (line,) = quote([DOORS], Months(2), NOON, CREDITS, (), GERMAN).lines
    assert (line.treatment, line.tax_minor) == (Treatment(reason=Untaxed.CREDITS), 0)


def test_a_line_has_a_rate_or_a_reason() -> None:
    for rate, reason in ((0, None), (1900, Untaxed.EXEMPT), (-1, None)):
        with pytest.raises(ValueError, match="a rate of tax, or a reason why not"):
            Treatment(rate, reason)
    with pytest.raises(ValueError, match="between 0 and 100 %"):
        TaxRule("DE", 10_001)


# --- both together ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    ("items", "term", "prices", "discounts", "discount", "tax", "total"),
    [
        # free: 300, 1000, 60 left of 2040. 10 % of 1360 = 136: 30, 100, 6. 100 over 1224: 22.06, 73.53, 4.41 → 22, 74, 4.
        # left 248, 826, 50 = 1124. 19 % of 1074 = 204.06, so 204: 47.11, 156.89 → 47, 157. 7 % of 50 = 3.5, so 4
        (
            ALL, Months(3), NET, [FreePeriods(1), Percent(1000), Amount(100, "USD")],
            [202, 674, 40], [47, 157, 4], 1124 + 208,
        ),
        # the same in gross: in 1074 are 171.48, so 171: 39.49, 131.51 → 39, 132; in 50 are 3.27, so 3
        (
            ALL, Months(3), GROSS, [FreePeriods(1), Percent(1000), Amount(100, "USD")],
            [202, 674, 40], [39, 132, 3], 1124,
        ),
        # everything free: no tax on nothing
        (ALL, Months(3), NET, [FreePeriods(3)], [450, 1500, 90], [0, 0, 0], 0),
        (ALL, Months(3), GROSS, [Percent(10_000)], [450, 1500, 90], [0, 0, 0], 0),
        # 45 days: 225, 750, 45; one period free: 75, 250, 15 left. 19 % of 325 = 61.75, so 62: 14.31, 47.69 → 14, 48.
        # 7 % of 15 = 1.05, so 1
        (ALL, Until(date(2027, 1, 6)), NET, [FreePeriods(2)], [150, 500, 30], [14, 48, 1], 340 + 63),
        # only the App is discounted: 225 off; 19 % of 225 + 1500 = 327.75, so 328: 42.78, 285.22 → 43, 285. 7 % of 90 = 6.3
        (ALL, Months(3), NET, [Percent(5000, ONLY_APP)], [225, 0, 0], [43, 285, 6], 1815 + 334),
        # 14 credits, of which no period is free and half is taken; no tax on credits
        ([DOORS], Months(2), CREDITS, [FreePeriods(1), HALF], [7], [0], 7),
    ],
)  # fmt: skip
def test_discounts_come_off_before_tax(
    items: list[Item], term: Term, prices: PriceTable, discounts: list[Discount], discount: list[int], tax: list[int],
    total: int,
) -> None:  # fmt: skip
    found = quote(items, term, NOON, prices, discounts, GERMAN)
    assert [line.discount_minor for line in found.lines] == discount
    assert [line.included_tax_minor if prices.includes_tax else line.tax_minor for line in found.lines] == tax
    assert found.total_minor == total
    assert found.total_minor == found.subtotal_minor - found.discount_minor + found.tax_minor


# --- what holds for all of them -----------------------------------------------------------------------------------------

scopes = st.builds(
    Scope,
    service_types=st.frozensets(st.sampled_from(["app", "pm_app", "premium"]), max_size=2),
    sites=st.frozensets(st.integers(1, 3), max_size=2),
)
discounts = st.one_of(
    st.builds(FreePeriods, st.integers(1, 70), scopes),
    st.builds(Percent, st.integers(1, 10_000), scopes),
    st.builds(Amount, st.integers(1, 20_000), st.just("USD"), scopes),
)
items = st.builds(
    replace,
    st.sampled_from(ALL),
    site_id=st.integers(1, 3),
    count=st.integers(1, 4),
    expires_at=st.sampled_from([None, NOON + timedelta(days=3), NOON - timedelta(days=3)]),
)
terms = st.one_of(
    st.integers(1, 59).map(Months),
    st.integers(1, 60).map(Cycles),
    st.dates(date(2026, 11, 22), date(2030, 1, 1)).map(Until),
    st.just(Rest()),
)


def half_up(numerator: int, denominator: int) -> int:
    return int((Decimal(numerator) / denominator).quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.rule("R41")
@given(
    chosen=st.lists(items, min_size=1, max_size=25),
    term=terms,
    given_off=st.lists(discounts, max_size=5),
    rates=st.tuples(st.integers(0, 3000), st.integers(0, 3000)),
    prices=st.sampled_from([NET, GROSS]),
)
def test_every_quote_adds_up(
    chosen: list[Item], term: Term, given_off: list[Discount], rates: tuple[int, int], prices: PriceTable
) -> None:
    rules = TaxRules((TaxRule("DE", rates[0], frozenset({"premium"})), TaxRule("DE", rates[1])))
    found = quote(chosen, term, NOON, prices, given_off, Tax(rules, Buyer("DE")))
    plain = quote(chosen, term, NOON, prices)
    amounts = [line.amount_minor for line in found.lines]
    assert amounts == [line.amount_minor for line in plain.lines]
    assert found.total_minor == sum(amounts) - found.discount_minor + found.tax_minor >= 0
    assert all(0 <= line.discount_minor <= line.amount_minor for line in found.lines)
    assert 0 in (found.tax_minor, found.included_tax_minor)
    rests: Counter[int] = Counter()
    within: Counter[int] = Counter()
    for line in found.lines:
        rest, rate = line.amount_minor - line.discount_minor, line.treatment.rate_bp
        tax = line.included_tax_minor if prices.includes_tax else line.tax_minor
        rests[rate] += rest
        within[rate] += tax
        exact = Decimal(rest * rate) / (10_000 + rate if prices.includes_tax else 10_000)
        assert abs(tax - exact) < Decimal(
            "1.5"
        )  # half a unit of the whole rate's rounding, less than one of sharing out
    for rate, rest in rests.items():
        assert within[rate] == half_up(rest * rate, 10_000 + rate if prices.includes_tax else 10_000)
    kinds = [FreePeriods, Percent, Amount]
    sorted_off = sorted(given_off, key=lambda one: kinds.index(type(one)))
    assert quote(chosen, term, NOON, prices, sorted_off, Tax(rules, Buyer("DE"))) == found


@pytest.mark.rule("R40")
def test_the_fingerprint_tells_what_comes_off_and_what_tax_is_in_it() -> None:
    def printed(prices: PriceTable = NET, off: Sequence[Discount] = (), tax: Tax = UNTAXED) -> str:
        return quote(ALL, Months(3), NOON, prices, off, tax).fingerprint()

    found = {
        printed(), printed(off=[Amount(90, "USD")]), printed(off=[Amount(90, "USD", ONLY_APP)]), printed(tax=GERMAN),
        printed(GROSS, tax=GERMAN), printed(GROSS, tax=Tax(RULES, Buyer("AT"))),
    }  # fmt: skip
    assert len(found) == 6
    assert printed(GROSS) == printed()  # nobody is taxed: gross is net


def test_ten_thousand_items_share_what_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()

    def counting(name: str, function: Any) -> Any:
        def wrapped(*args: Any) -> Any:
            asked[name] += 1
            return function(*args)

        return wrapped

    monkeypatch.setattr(periods, "span", counting("span", periods.span))
    monkeypatch.setattr(PriceTable, "change_parts", counting("price", PriceTable.change_parts))
    monkeypatch.setattr(TaxRules, "treatment", counting("treatment", TaxRules.treatment))
    monkeypatch.setattr(Scope, "covers", counting("covers", Scope.covers))
    ends = [None, NOON + timedelta(days=1)]
    many = [replace(ALL[n % 3], key=n, expires_at=ends[n % 2]) for n in range(10_000)]
    found = quote(many, Months(3), NOON, NET, [FreePeriods(1), Percent(1250), Amount(100, "USD")], GERMAN)
    assert len(found.lines) == 10_000
    assert asked == {"span": 2, "price": 3, "treatment": 3, "covers": 9}


def test_a_scope_is_asked_by_place() -> None:
    house = Scope(project_types=frozenset({"house", "community"}), organizations=frozenset({7}))
    assert house.covers(APP.place)
    assert not house.covers(Place("commercial", "app", 1, 7))
    assert not house.covers(Place("house", "app"))  # a draft belongs to nobody yet
