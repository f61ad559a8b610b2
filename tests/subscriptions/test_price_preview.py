"""The price preview: every 30 days, per apartment, today, and what changes against what is saved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities import catalogue
from communities.catalogue import ApartmentConfiguration, Configuration, ManagerConfiguration, ServiceType
from smartplus.demo import INVENTED_PRICES
from subscriptions import switch_prices, tables
from subscriptions.actions import prices
from subscriptions.periods import Months, Rest
from subscriptions.price_preview import PricePreview, preview_of
from subscriptions.prices import MissingPrice, PriceKey, PriceTable
from subscriptions.pricing import quote
from subscriptions.quotes import Item
from subscriptions.saved_items import Saved
from tests.people import NOW, SYSTEM, People

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
IN_51_DAYS = NOON + timedelta(days=51)
PRICES = PriceTable(1, "Price list 1, from 1 Nov 2026", "USD", INVENTED_PRICES)
BOOKING = {**catalogue.DEFAULTS, "booking": True}


def community(apartments: int = 2, *, without_monitor: int = 0, managers: int = 0, **switches: bool) -> Configuration:
    """A community whose last `without_monitor` apartments have none; landline and video as the community has them."""
    on = {**catalogue.DEFAULTS, **switches}
    return Configuration(
        switches=on,
        apartments=tuple(
            ApartmentConfiguration(
                key=number,
                indoor_monitor=number < apartments - without_monitor,
                landline=on["landline"],
                video_storage=on["video_storage"],
            )
            for number in range(apartments)
        ),
        managers=tuple(ManagerConfiguration(key=f"m{number}", pm_app=True) for number in range(managers)),
    )


def saved(configuration: Configuration, *, until: datetime | None = None) -> list[Saved]:
    """The entitlements of a saved configuration, all paid as configured until an instant, or never activated."""
    return [
        Saved(
            item.target_kind,
            item.target,
            item.service_type,
            code,
            code if until else "",
            until,
            catalogue.works_until(item.service_type, until),
        )
        for item in catalogue.billables(configuration)
        for code in [item.variant.code]
        if not isinstance(item.target, tuple)
    ]


def preview(draft: Configuration, was: list[Saved] | None = None, prices: PriceTable = PRICES) -> PricePreview:
    return preview_of(draft, was or [], prices, as_of=NOON, zone="Europe/Berlin")


# --- the rest of a running period ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service_type", "paid", "variant", "days", "amount"),
    [
        (
            ServiceType.PREMIUM,
            "booking+dynamic_qr",
            "landline+booking+package_room+dynamic_qr",
            51,
            153,
        ),  # 51 × 90 / 30
        (ServiceType.APP, "monitor", "no_monitor", 51, 170),  # 51 × 100 / 30
        (ServiceType.APP, "no_monitor", "monitor", 51, 0),  # cheaper: nothing is given back
        (ServiceType.PM_APP, "plain", "landline", 10, 33),  # 33.33
        (ServiceType.PM_APP, "plain", "landline", 1, 3),
        (ServiceType.PREMIUM, "landline", "booking", 30, 0),  # 30 for 60
        (ServiceType.PREMIUM, "booking", "landline", 30, 30),  # 60 for 30
        (ServiceType.PREMIUM, "", "booking", 30, 30),
        (ServiceType.PREMIUM, "booking", "booking", 51, 0),
    ],
)
def test_the_rest_of_a_running_period_costs_the_difference_by_the_day(
    service_type, paid, variant, days, amount
) -> None:
    item = Item(1, service_type, variant, NOON + timedelta(days=days), paid_variant=paid)
    (line,) = quote([item], Rest(), NOON, PRICES).lines
    assert (line.starts_at, line.ends_at, line.days) == (NOON, NOON + timedelta(days=days), days)
    assert line.amount_minor == line.why.amount_minor == amount


@pytest.mark.parametrize(
    ("price", "days", "amount"),
    [(1, 14, 0), (1, 15, 1), (15, 1, 1), (29, 1, 1), (100, 29, 97), (100, 31, 103)],  # 0.47 0.5 0.5 0.97 96.67 103.33
)
def test_the_rest_is_rounded_half_up_once_for_each_item(price: int, days: int, amount: int) -> None:
    odd = PriceTable(
        3, "odd", "USD", {PriceKey(ServiceType.APP, "monitor"): 10, PriceKey(ServiceType.APP, "no_monitor"): 10 + price}
    )
    item = Item(1, ServiceType.APP, "no_monitor", NOON + timedelta(days=days), paid_variant="monitor", count=3)
    (line,) = quote([item], Rest(), NOON, odd).lines
    assert (line.each_minor, line.amount_minor) == (amount, 3 * amount)


def test_a_begun_day_counts_and_a_period_that_is_over_has_no_rest() -> None:
    half = Item(1, ServiceType.APP, "no_monitor", NOON + timedelta(hours=1), paid_variant="monitor")
    over = Item(2, ServiceType.APP, "no_monitor", NOON - timedelta(days=1), paid_variant="monitor")
    never = Item(3, ServiceType.APP, "no_monitor")
    lines = quote([half, over, never], Rest(), NOON, PRICES).lines
    assert [(line.days, line.amount_minor) for line in lines] == [(1, 3), (0, 0), (0, 0)]


def test_the_why_of_the_rest_names_what_is_new_and_what_was_paid_for() -> None:
    item = Item(1, ServiceType.PREMIUM, "landline+dynamic_qr", IN_51_DAYS, paid_variant="booking+dynamic_qr")
    (line,) = quote([item], Rest(), NOON, PRICES).lines
    assert line.why.named_parts == [("Landline Service (For Residents)", 60), ("Booking Service, paid already", -30)]
    assert line.why.unit_minor == 30
    assert line.why.formula == "51 days × US$0.30 ÷ 30"


variants = st.sets(st.sampled_from(catalogue.PREMIUM_COMPONENTS)).map(lambda parts: "+".join(sorted(parts)))


@given(paid=variants, variant=variants, days=st.integers(0, 400), count=st.integers(1, 50))
def test_the_rest_never_costs_less_than_nothing_nor_more_than_the_variant_itself(paid, variant, days, count) -> None:
    item = Item(1, ServiceType.PREMIUM, variant, NOON + timedelta(days=days), paid_variant=paid, count=count)
    found = quote([item], Rest(), NOON, PRICES)
    from_nothing = quote([replace(item, paid_variant="")], Rest(), NOON, PRICES)
    assert 0 <= found.total_minor <= from_nothing.total_minor
    if set(paid.split("+")) >= set(variant.split("+")):
        assert found.total_minor == 0


@given(
    kinds=st.lists(
        st.sampled_from([("app", "monitor"), ("app", "no_monitor"), ("premium", "booking+landline")]), min_size=1
    ),
    months=st.integers(1, 60),
)
def test_items_counted_first_cost_what_they_cost_one_by_one(kinds, months) -> None:
    singly = quote([Item(key, *kind) for key, kind in enumerate(kinds)], Months(months), NOON, PRICES)
    counted = quote(
        [Item(":".join(kind), kind[0], kind[1], count=kinds.count(kind)) for kind in set(kinds)],
        Months(months),
        NOON,
        PRICES,
    )
    assert counted.total_minor == singly.total_minor
    assert {(g.variant, g.count, g.each_minor, g.amount_minor) for g in counted.groups()} == {
        (g.variant, g.count, g.each_minor, g.amount_minor) for g in singly.groups()
    }


# --- the price preview -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R27")
@pytest.mark.parametrize(
    ("draft", "every", "per_apartment"),
    [
        (community(10), 1500, 150),
        (community(10, without_monitor=3), 1800, 180),
        (
            community(84, without_monitor=3, managers=2, booking=True, dynamic_qr=True),
            20620,
            234,
        ),  # 19620 / 84 = 233.57
        (community(2, managers=1, pm_app=True, pm_landline=True), 900, 150),
        (community(0), 0, 0),
        (community(3, without_monitor=1, video_storage=True), 790, 263),  # 263.33
        (community(0, managers=1, pm_app=True), 500, 0),
    ],
)
def test_every_30_days_and_per_apartment(draft: Configuration, every: int, per_apartment: int) -> None:
    found = preview(draft)
    assert (found.every_30_days.total_minor, found.per_apartment_minor) == (every, per_apartment)
    assert sum(row.amount_minor for row in found.rows) == every
    assert found.today_minor == every  # nothing was ever activated: a month of everything
    assert found.upgrade.lines == ()


def test_per_apartment_is_rounded_half_up() -> None:
    odd = PriceTable(3, "odd", "USD", INVENTED_PRICES | {PriceKey(ServiceType.APP, "no_monitor"): 151})
    assert preview(community(2, without_monitor=1), prices=odd).per_apartment_minor == 151  # 301 / 2 = 150.5


def test_the_picture_landline_and_package_room_switched_on_in_the_middle_of_a_paid_period() -> None:
    was = community(84, without_monitor=3, managers=2, booking=True, dynamic_qr=True, pm_app=True)
    draft = community(
        84, without_monitor=3, managers=2, booking=True, dynamic_qr=True, pm_app=True, landline=True, package_room=True
    )
    found = preview(draft, saved(was, until=IN_51_DAYS))
    assert (found.every_30_days.total_minor, found.before_minor, found.difference_minor) == (28180, 20620, 7560)
    assert (found.per_apartment_minor, found.per_apartment_difference_minor) == (324, 90)
    assert (found.to_upgrade, found.to_activate) == (84, 0)
    assert found.upgrade.total_minor == found.today_minor == 84 * 153  # 51 days × 0.90 ÷ 30
    rows = [
        (row.service_label, row.variant, row.count, row.amount_minor, row.was_minor, row.is_changed)
        for row in found.rows
    ]
    assert rows == [
        ("App", "monitor", 81, 12150, 12150, False),
        ("App", "no_monitor", 3, 750, 750, False),
        ("Premium Plan", "landline+booking+package_room+dynamic_qr", 84, 14280, 6720, True),
        ("PM App", "plain", 2, 1000, 1000, False),
    ]
    premium = found.rows[2]
    assert premium.new_labels == ["Landline Service (For Residents)", "Package Room"]
    assert premium.difference_minor == 7560


def test_switching_off_costs_nothing_today_and_says_what_is_not_used_any_more() -> None:
    was = community(3, booking=True)
    found = preview(community(3), saved(was, until=IN_51_DAYS))
    assert (found.today_minor, found.difference_minor) == (0, -90)
    gone = found.rows[-1]
    assert (gone.service_label, gone.count, gone.amount_minor, gone.was_minor, gone.is_changed) == (
        "Premium Plan",
        0,
        0,
        90,
        True,
    )
    assert found.notes == ("3 items are paid and would not be used any more; their paid time stays.",)


@pytest.mark.rule("R27")
def test_the_difference_runs_to_the_own_expiry_of_each_item() -> None:
    was = [row for row in saved(community(2, booking=True), until=IN_51_DAYS) if row.service_type == "premium"]
    later = was[1]._replace(expires_at=NOON + timedelta(days=9), works_until=NOON + timedelta(days=16))
    found = preview(community(2, booking=True, landline=True), [was[0], later])
    assert [(line.days, line.amount_minor) for line in found.upgrade.lines] == [(51, 102), (9, 18)]


def test_the_difference_runs_to_the_end_of_what_was_paid_for_now_where_a_later_period_paid_for_more() -> None:
    was = [row for row in saved(community(1, booking=True), until=IN_51_DAYS) if row.service_type == "premium"]
    renewed = was[0]._replace(variant_until=NOON + timedelta(days=2))
    found = preview(community(1, booking=True, landline=True), [renewed])
    assert [(line.days, line.amount_minor) for line in found.upgrade.lines] == [(2, 4)]


@pytest.mark.rule("R27")
def test_a_running_app_goes_on_at_its_paid_variant_and_the_price_follows_at_its_renewal() -> None:
    found = preview(community(2, without_monitor=2), saved(community(2), until=IN_51_DAYS))
    assert (found.upgrade.lines, found.today_minor, found.difference_minor) == ((), 0, 200)
    in_grace = preview(community(2, without_monitor=2), saved(community(2), until=NOON - timedelta(days=3)))
    assert in_grace.today_minor == 0
    back = preview(community(2), saved(community(2, without_monitor=2), until=IN_51_DAYS))
    assert (back.today_minor, back.difference_minor) == (0, -200)


@pytest.mark.parametrize(
    ("expires", "paid", "activation", "upgrade"),
    [
        (None, "", 30, 0),  # never activated: a month
        (timedelta(days=15), "booking", 0, 0),  # runs and is paid for
        (timedelta(days=15), "dynamic_qr", 0, 0),  # paid for something dearer that is off now: 30 − 50 is not below 0
        (timedelta(days=15), "", 0, 15),  # 15 × 30 / 30
        (-timedelta(days=3), "booking", 0, 0),  # in grace: still works
        (-timedelta(days=3), "dynamic_qr", 30, 0),  # in grace, and not what was paid: nothing is left to upgrade
        (-timedelta(days=7), "booking", 30, 0),  # lapsed
    ],
)
def test_what_it_takes_to_have_an_item_work_today(expires, paid: str, activation: int, upgrade: int) -> None:
    draft = Configuration(switches=BOOKING, apartments=(ApartmentConfiguration("a", True, False, False),))
    until = NOON + expires if expires else None
    was = [
        Saved("apartment", "a", "premium", "booking", paid, until, catalogue.works_until("premium", until)),
        Saved("apartment", "a", "app", "monitor", "monitor", NOON + timedelta(days=15), NOON + timedelta(days=22)),
    ]
    found = preview(draft, was)
    assert (found.activation.total_minor, found.upgrade.total_minor) == (activation, upgrade)


def test_a_new_apartment_among_paid_ones_costs_a_month_and_leaves_the_others_alone() -> None:
    found = preview(community(3), saved(community(2), until=IN_51_DAYS))
    assert (found.to_activate, found.to_upgrade, found.today_minor, found.difference_minor) == (1, 0, 150, 150)
    (row,) = found.rows
    assert (row.count, row.amount_minor, row.was_minor, row.is_changed) == (3, 450, 300, True)


def test_a_service_that_no_apartment_has_and_apartments_without_master_are_said() -> None:
    draft = Configuration(
        switches={**catalogue.DEFAULTS, "landline": True},
        apartments=(ApartmentConfiguration(1, True, False, False, has_master=False),),
    )
    found = preview(draft)
    assert [(row.service_type, row.amount_minor) for row in found.rows] == [("app", 150)]
    assert found.notes == (
        "1 apartment has no family master yet: its App, US$1.50 of the sum, can be activated once it has one.",
        "Landline Service (For Residents): no apartment has it on, so it adds nothing yet.",
    )


def test_a_missing_price_refuses_the_bill_and_names_it() -> None:
    poor = PriceTable(
        2, "Price list 2", "USD", {key: value for key, value in INVENTED_PRICES.items() if key[1] != "booking"}
    )
    with pytest.raises(MissingPrice, match="Price list 2 has no price for Premium Plan, Booking Service"):
        preview(community(1, booking=True), prices=poor)


switch_sets = st.sets(st.sampled_from([code for code in catalogue.SWITCHES if code != "pm_landline"]))


@given(
    before=switch_sets,
    after=switch_sets,
    apartments=st.integers(1, 6),
    without=st.integers(0, 6),
    days=st.integers(1, 90),
)
def test_the_rows_add_up_to_the_figures_whatever_is_toggled(before, after, apartments, without, days) -> None:
    was = community(apartments, **dict.fromkeys(before, True))
    draft = community(apartments, without_monitor=min(without, apartments), **dict.fromkeys(after, True))
    found = preview(draft, saved(was, until=NOON + timedelta(days=days)))
    assert sum(row.amount_minor for row in found.rows) == found.every_30_days.total_minor
    assert sum(row.was_minor for row in found.rows) == found.before_minor == preview(was).every_30_days.total_minor
    assert sum(row.difference_minor for row in found.rows) == found.difference_minor
    assert found.today_minor == found.activation.total_minor + found.upgrade.total_minor >= 0
    same = preview(was, saved(was, until=NOON + timedelta(days=days)))
    assert (same.today_minor, same.difference_minor, [row for row in same.rows if row.is_changed]) == (0, 0, [])


def test_a_distributors_own_list_comes_before_the_default_even_when_it_is_older(people: People) -> None:
    def publish(distributor_id: int | None, days_ago: int, amount: int) -> None:
        prices.publish_price_list(
            SYSTEM, currency="USD", amounts={PriceKey(ServiceType.APP, "monitor"): amount}, distributor_id=distributor_id,
            valid_from=NOW - timedelta(days=days_ago), now=NOW,
        )  # fmt: skip

    dora = people.dora.firm
    publish(None, 30, 150)
    assert tables.table_for(dora, at=NOW).amounts == {PriceKey("app", "monitor"): 150}
    publish(dora.pk, 20, 140)
    publish(None, 10, 160)
    publish(dora.pk, -5, 130)
    assert tables.table_for(dora, at=NOW).amounts == {PriceKey("app", "monitor"): 140}
    assert tables.table_for(dora, at=NOW + timedelta(days=6)).amounts == {PriceKey("app", "monitor"): 130}
    assert tables.table_for(dora, at=NOW - timedelta(days=25)).amounts == {PriceKey("app", "monitor"): 150}


def test_each_switch_has_its_price_as_far_as_the_list_has_one() -> None:
    found = switch_prices.switch_prices(PRICES, retention_days=90, project="community")
    assert {code: price.minor for code, price in found.items()} == {
        "indoor_monitor": 150, "landline": 60, "pm_app": 500, "pm_landline": 100, "third_party_camera": 40, "booking": 30,
        "video_storage": 100, "package_room": 30, "dynamic_qr": 50, "elevator_control": 80, "smart_parking": 50,
    }  # fmt: skip
    assert {code for code, price in found.items() if str(price.per).startswith("per manager")} == {
        "pm_app",
        "pm_landline",
    }
    assert [code for code, price in found.items() if price.is_surcharge] == ["pm_landline"]
    assert str(found["pm_landline"].per) == "per manager, on top of the PM App"
    assert [code for code, price in found.items() if price.other_minor is not None] == ["indoor_monitor"]
    assert found["indoor_monitor"].other_minor == 250
    poor = PriceTable(4, "poor", "USD", {PriceKey(ServiceType.PREMIUM, "booking"): 30})
    assert list(switch_prices.switch_prices(poor, retention_days=30, project="community")) == ["booking"]
