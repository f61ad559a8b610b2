"""`quote()` prices everything."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities import catalogue
from communities.catalogue import PREMIUM_COMPONENTS, ServiceType
from payments import money
from smartplus.demo import INVENTED_CREDITS, INVENTED_PRICES
from subscriptions.discounts import Amount
from subscriptions.periods import Cycles, Months, Rest, Term, Until
from subscriptions.prices import MissingPrice, PriceKey, PriceTable, price_keys
from subscriptions.pricing import TooFarAhead, quote
from subscriptions.quotes import Item
from subscriptions.taxes import Buyer, Tax, TaxRule, TaxRules
from tests.people import NOW

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PRICES = PriceTable(1, "Price list 1, from 1 Nov 2026", "USD", INVENTED_PRICES)


@pytest.mark.parametrize(
    ("service_type", "variant", "thirty_days"),
    [
        (ServiceType.APP, "monitor", 150),
        (ServiceType.APP, "no_monitor", 250),
        (ServiceType.PM_APP, "plain", 500),
        (ServiceType.PM_APP, "landline", 600),
        (ServiceType.PREMIUM, "booking", 30),
        (ServiceType.PREMIUM, "booking+dynamic_qr+landline", 140),
        (ServiceType.PREMIUM, "video_storage_30", 80),
        (ServiceType.PREMIUM, "video_storage_90+booking", 130),
    ],
)
@pytest.mark.rule("R27")
def test_each_variant_has_its_own_price(service_type: str, variant: str, thirty_days: int) -> None:
    found = quote([Item(1, service_type, variant)], Months(3), NOON, PRICES)
    (line,) = found.lines
    assert (line.unit_minor, line.amount_minor, found.total_minor) == (thirty_days, 3 * thirty_days, 3 * thirty_days)
    assert (line.starts_at, line.ends_at) == (NOON, datetime(2027, 2, 22, 12, tzinfo=UTC))


def test_the_why_says_what_the_price_is_made_of() -> None:
    (line,) = quote([Item(1, ServiceType.PREMIUM, "landline+booking")], Months(2), NOON, PRICES).lines
    assert line.why.named_parts == [("Landline Service (For Residents)", 60), ("Booking Service", 30)]
    assert line.why.formula == "2 months × US$0.90"
    assert line.why.price_list == "Price list 1, from 1 Nov 2026"
    assert line.why.amount_minor == line.amount_minor == 180


def test_a_missing_price_refuses_and_names_what_is_missing() -> None:
    poor = PriceTable(
        2, "Price list 2", "USD", {key: value for key, value in INVENTED_PRICES.items() if key[1] != "booking"}
    )
    with pytest.raises(MissingPrice, match=r"Price list 2 has no price for Premium Plan, Booking Service"):
        quote([Item(1, ServiceType.PREMIUM, "booking+landline")], Months(1), NOON, poor)


def test_everything_that_is_missing_is_named_at_once() -> None:
    poor = PriceTable(2, "Price list 2", "USD", {PriceKey(ServiceType.APP, "monitor"): 150})
    items = [
        Item(1, ServiceType.APP, "monitor"),
        Item(2, ServiceType.PREMIUM, "booking+landline"),
        Item(3, ServiceType.APP, "no_monitor"),
    ]
    with pytest.raises(MissingPrice) as refusal:
        quote(items, Months(1), NOON, poor)
    assert str(refusal.value) == (
        "Price list 2 has no prices for Premium Plan, Booking Service; Premium Plan, Landline Service (For Residents); "
        "App, without indoor monitor. Ask the operator to add them."
    )


@pytest.mark.rule("R41")
def test_a_list_in_credits_prices_in_whole_credits() -> None:
    credits = PriceTable(3, "Price list 3", money.CREDITS, INVENTED_CREDITS)
    found = quote(
        [Item("doors", ServiceType.DOOR, catalogue.EACH, count=7, project_type="commercial")], Months(2), NOON, credits
    )
    assert (found.currency, found.total_minor) == ("CREDITS", 14)
    assert found.lines[0].why.formula == "2 months × 1 credit"
    half = quote(
        [Item(1, ServiceType.DOOR, catalogue.EACH, project_type="commercial")], Until(date(2026, 12, 7)), NOON, credits
    )
    assert half.total_minor == 1  # 15 of 30 days: half a credit, rounded half up


@pytest.mark.parametrize(
    ("day", "days", "amount"),
    [
        (date(2026, 11, 22), 0, 0),  # it ends where it starts
        (date(2026, 11, 23), 1, 5),  # 1 × 150 / 30
        (date(2026, 12, 22), 30, 150),
        (date(2026, 12, 8), 16, 80),
    ],
)
def test_a_common_day_is_priced_by_the_day(day: date, days: int, amount: int) -> None:
    (line,) = quote([Item(1, ServiceType.APP, "monitor")], Until(day), NOON, PRICES).lines
    assert (line.days, line.amount_minor) == (days, amount)


def test_a_day_of_a_price_that_does_not_divide_is_rounded_half_up_once() -> None:
    odd = PriceTable(3, "odd", "USD", {PriceKey(ServiceType.APP, "monitor"): 15})
    (line,) = quote([Item(1, ServiceType.APP, "monitor")], Until(date(2026, 11, 23)), NOON, odd).lines
    assert line.amount_minor == 1  # 0.5 up
    (line,) = quote([Item(1, ServiceType.APP, "monitor")], Until(date(2026, 11, 25)), NOON, odd).lines
    assert line.amount_minor == 2  # 3 × 15 / 30 = 1.5 up


def test_running_items_extend_from_their_expiry() -> None:
    expiry = NOON + timedelta(days=11)
    (line,) = quote([Item(1, ServiceType.APP, "monitor", expiry)], Cycles(), NOON, PRICES).lines
    assert (line.starts_at, line.ends_at, line.amount_minor) == (expiry, expiry + timedelta(days=30), 150)


def half_up(numerator: int, denominator: int) -> int:
    return int((Decimal(numerator) / denominator).quantize(Decimal(1), ROUND_HALF_UP))


variants = st.one_of(
    st.sampled_from(
        [
            (ServiceType.APP, "monitor"),
            (ServiceType.APP, "no_monitor"),
            (ServiceType.PM_APP, "plain"),
            (ServiceType.PM_APP, "landline"),
        ]
    ),
    st.sets(st.sampled_from(PREMIUM_COMPONENTS), min_size=1).map(
        lambda parts: (ServiceType.PREMIUM, "+".join(sorted(parts)))
    ),
)
terms = st.one_of(
    st.integers(1, 60).map(Months), st.just(Cycles()), st.dates(date(2026, 11, 22), date(2031, 1, 1)).map(Until)
)


@pytest.mark.rule("R41")
@given(
    chosen=st.lists(variants, min_size=1, max_size=30),
    term=terms,
    discount=st.integers(0, 100_000),
    rate=st.integers(1, 5000),
    is_gross=st.booleans(),
)
def test_lines_less_discount_plus_tax_are_the_total(chosen, term, discount, rate, is_gross) -> None:
    items = [Item(key, *variant) for key, variant in enumerate(chosen)]
    plain = quote(items, term, NOON, PRICES)
    tax = Tax(TaxRules((TaxRule("DE", rate),)), Buyer("DE"))
    off = [Amount(discount, "USD")] if discount else []
    found = quote(items, term, NOON, replace(PRICES, includes_tax=is_gross), off, tax)
    rest = plain.subtotal_minor - min(discount, plain.subtotal_minor)
    added, contained = (0, half_up(rest * rate, 10_000 + rate)) if is_gross else (half_up(rest * rate, 10_000), 0)
    assert found.subtotal_minor == plain.subtotal_minor
    assert sum(line.discount_minor for line in found.lines) == plain.subtotal_minor - rest
    assert sum(line.tax_minor for line in found.lines) == added
    assert sum(line.included_tax_minor for line in found.lines) == contained
    assert found.total_minor == rest + added >= 0
    assert all(0 <= line.discount_minor <= line.amount_minor for line in found.lines)
    assert sum(group.amount_minor for group in found.groups()) == found.subtotal_minor
    assert sum(group.count for group in found.groups()) == len(items)


def test_the_fingerprint_changes_with_anything_that_was_shown() -> None:
    one = quote([Item(1, ServiceType.APP, "monitor"), Item(2, ServiceType.PM_APP, "plain")], Months(1), NOON, PRICES)
    same = quote(
        [Item(2, ServiceType.PM_APP, "plain"), Item(1, ServiceType.APP, "monitor")],
        Months(1),
        NOON + timedelta(hours=1),
        PRICES,
    )
    other_item = quote(
        [Item(3, ServiceType.APP, "monitor"), Item(2, ServiceType.PM_APP, "plain")], Months(1), NOON, PRICES
    )
    longer = quote([Item(1, ServiceType.APP, "monitor"), Item(2, ServiceType.PM_APP, "plain")], Months(2), NOON, PRICES)
    assert one.fingerprint() == same.fingerprint()
    assert len({one.fingerprint(), other_item.fingerprint(), longer.fingerprint()}) == 3


def test_every_switch_that_can_be_billed_has_an_invented_price() -> None:
    priced = set(INVENTED_PRICES) | set(INVENTED_CREDITS)
    assert priced <= set(price_keys())
    everywhere = PriceTable(1, "all", "USD", dict.fromkeys(priced, 1))
    assert all(everywhere.amount_of(key) for key in price_keys())


DOOR_TO = datetime(2031, 11, 22, 9, 0, tzinfo=UTC)  # 60 months from NOW


@pytest.mark.rule("R45")
@pytest.mark.parametrize(
    ("expires_at", "term", "is_refused"),
    [
        (None, Months(60), False),
        (NOW + timedelta(days=1), Months(59), False),
        (NOW + timedelta(days=1), Months(60), True),
        (datetime(2031, 10, 22, 9, 0, tzinfo=UTC), Months(1), False),  # to the very instant
        (datetime(2031, 10, 22, 9, 1, tzinfo=UTC), Months(1), True),
        (NOW - timedelta(days=6), Months(60), False),  # in grace: from the expiry
        (NOW - timedelta(days=60), Months(60), False),  # lapsed: from now
        (NOW + timedelta(days=90), Until(date(2031, 11, 22)), False),
        (NOW + timedelta(days=90), Until(date(2031, 11, 23)), True),
        (
            DOOR_TO,
            Cycles(1),
            False,
        ),  # what renews by itself is never so far ahead; the retry schedule is not stopped by it
    ],
)
def test_what_counts_is_where_the_paid_time_ends_not_the_months_of_one_order(
    expires_at: datetime | None, term: Term, is_refused: bool
) -> None:
    items = [Item(1, ServiceType.APP, "monitor", expires_at), Item(2, ServiceType.APP, "monitor")]
    if isinstance(term, Until):
        items = items[:1]
    if not is_refused:
        assert quote(items, term, NOW, PRICES).lines[0].ends_at <= DOOR_TO or term == Cycles(1)
        return
    with pytest.raises(
        TooFarAhead, match=r"^1 item would be paid until .*At most 60 months ahead .* until 22 Nov 2031"
    ):
        quote(items, term, NOW, PRICES)


@pytest.mark.rule("R45")
@pytest.mark.parametrize(("hours", "is_refused"), [(1, False), (0, False), (-1, True)])
def test_sixty_months_are_sold_in_grace_also_where_the_items_day_is_later_in_the_last_month(
    hours: int, is_refused: bool
) -> None:
    end = datetime(2027, 2, 28, 9, tzinfo=UTC)
    day = datetime(2027, 1, 31, 9, tzinfo=UTC)
    item = Item(1, ServiceType.APP, "monitor", end, anchor_at=day, works_until=end + timedelta(days=7))
    if is_refused:  # paid for another hour, and 60 months after it
        with pytest.raises(TooFarAhead):
            quote([item], Months(60), end + timedelta(hours=hours), PRICES)
        return
    (line,) = quote([item], Months(60), end + timedelta(hours=hours), PRICES).lines
    assert line.ends_at == datetime(2032, 2, 29, 9, tzinfo=UTC)


OLD = {
    PriceKey(ServiceType.PREMIUM, "landline"): 60,
    PriceKey(ServiceType.PREMIUM, "booking"): 30,
}


@pytest.mark.parametrize(
    ("paid", "variant", "amount"),
    [
        ("landline", "booking+landline", 30),  # the old part stands on both sides
        ("landline", "booking", 0),  # 30 for 60: nothing is given back
        ("booking+landline", "dynamic_qr", 0),
        ("landline", "dynamic_qr+package_room", 20),  # 80 for 60
        ("landline", "landline", 0),
    ],
)
def test_an_upgrade_prices_the_old_part_though_it_left_the_list(paid: str, variant: str, amount: int) -> None:
    left = {key: minor for key, minor in INVENTED_PRICES.items() if key != PriceKey(ServiceType.PREMIUM, "landline")}
    prices = PriceTable(2, "Price list 2", "USD", left, former=OLD)
    item = Item(1, ServiceType.PREMIUM, variant, NOW + timedelta(days=30), paid_variant=paid)
    (line,) = quote([item], Rest(), NOW, prices).lines
    assert line.amount_minor == line.why.amount_minor == amount


def test_what_left_the_list_is_not_sold_again() -> None:
    prices = PriceTable(2, "Price list 2", "USD", {PriceKey(ServiceType.PREMIUM, "booking"): 30}, former=OLD)
    item = Item(1, ServiceType.PREMIUM, "booking+landline", NOW + timedelta(days=30), paid_variant="booking")
    for term in (Months(1), Cycles(1), Rest()):
        with pytest.raises(MissingPrice, match="has no price for Premium Plan, Landline"):
            quote([item], term, NOW, prices)
