"""What differs between on, paid and installed: each kind, what it is worth, and that the tiles count the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.scope import Actor
from communities import expiries
from communities.actions import residents
from communities.models import Apartment, Entitlement, Resident, Site
from subscriptions import dashboard, difference_pages, summary
from subscriptions.difference_lines import Empty, Line, Missing, Unpaid, Unused
from subscriptions.differences import Kind, Scope, Total, alike, number, totals
from subscriptions.models import PriceList
from tests.people import NOW, People
from tests.portal.places import pay

ZONE = ZoneInfo("UTC")


def scope_of(people: People, actor: Actor | None = None, **fields: object) -> Scope:
    """Everything that Ivan sees, with prices."""
    prices = summary.prices_for(people.dora.firm.pk, at=NOW)
    return Scope(actor or people.ivan.actor, NOW, UTC, prices, **fields)  # type: ignore[arg-type]


def lines(scope: Scope, *kinds: Kind, size: int = 50) -> list[Line]:
    """All rows, read in pages of this size."""
    found: list[Line] = []
    after, items = None, alike(scope)
    while True:
        units, after = difference_pages.page(scope, items, kinds or list(Kind), after=after, size=size)
        found += [line for _place, rows in units for line in rows]
        if after is None:
            return found


def item(number: str, service: str) -> Entitlement:
    """The item of an apartment."""
    return Entitlement.objects.get(target__number=number, service_type=service)


@pytest.fixture
def world(
    people: People, price_list: PriceList, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]
) -> Site:
    """Harbour View: 1.01 is paid and agrees; 1.02 has a landline that is paid and off; 1.03 was never activated; 1.04 has lapsed; 2.01 waits
    for its monitor; in 3.01 nobody lives any more, and all of it is paid for 30 days."""
    site = make_site(booking=True, landline=True)
    for number_ in ("1.01", "1.02", "1.03", "1.04", "3.01"):
        make_apartment(site, number_, indoor_monitor=False)
    make_apartment(site, "2.01", waits=True)
    for number_ in ("1.01", "1.02", "3.01"):
        for service in ("app", "premium"):
            pay(item(number_, service), NOW + timedelta(days=30))
    pay(item("1.04", "app"), NOW - timedelta(days=20))
    pay(item("1.04", "premium"), NOW - timedelta(days=20))
    Apartment.objects.filter(number="1.02").update(landline=False)
    Entitlement.objects.filter(pk=item("1.02", "premium").pk).update(variant="booking")
    [tenant] = Resident.objects.filter(apartment__number="3.01")
    residents.remove_resident(people.ivan.actor, resident_id=tenant.pk, now=NOW)
    return site


def test_each_kind_is_counted_and_worth_what_its_rows_say(people: People, world: Site) -> None:
    scope = scope_of(people)
    found = totals(scope, alike(scope))
    assert {kind: total.count for kind, total in found.items()} == {
        Kind.UNPAID: 6, Kind.UNUSED: 2, Kind.MONITORS: 1, Kind.EMPTY: 1,
    }  # fmt: skip
    assert number(scope) == number(scope_of(people, site_id=world.pk)) == 10
    rows = lines(scope)
    assert sum(row.count for row in rows if isinstance(row, Unpaid)) == 6
    assert sum(row.amount_minor or 0 for row in rows if isinstance(row, Unpaid)) == found[Kind.UNPAID].amount_minor
    assert sum(row.amount_minor or 0 for row in rows if isinstance(row, Unused)) == found[Kind.UNUSED].amount_minor
    assert sum(row.amount_minor or 0 for row in rows if isinstance(row, Empty)) == found[Kind.EMPTY].amount_minor


def test_what_was_never_activated_has_lapsed_or_waits_is_said_apart(people: People, world: Site) -> None:
    new, lapsed = [row for row in lines(scope_of(people), Kind.UNPAID) if isinstance(row, Unpaid)]
    assert (new.count, new.waiting, new.has_ended) == (4, 2, False)
    assert (lapsed.count, lapsed.has_ended, lapsed.runs) == (2, True, False)
    assert dict(new.counts) == {"app": 2, "premium": 2}


def test_the_rest_of_what_is_paid_and_off_is_counted_by_the_day(people: People, world: Site) -> None:
    rows = [row for row in lines(scope_of(people), Kind.UNUSED) if isinstance(row, Unused)]
    by_service = {row.service_type: row for row in rows}
    landline = by_service["premium"]
    prices = summary.prices_for(people.dora.firm.pk, at=NOW)
    assert prices is not None
    of_landline = next(
        amount for key, amount in prices.amounts.items() if key.part == "landline" and key.service_type == "premium"
    )
    assert landline.amount_minor == of_landline  # 30 days of 30
    assert (landline.switches, landline.names, landline.lacks_household) == (("landline",), ("Quay House 1.02",), False)
    assert [home.number for home in landline.apartments] == ["1.02"]
    app = by_service["app"]
    assert (app.switches, app.names, app.lacks_household) == ((), ("Quay House 3.01",), True)


def test_an_empty_apartment_pays_for_what_is_on_but_not_for_its_app(people: People, world: Site) -> None:
    [row] = [row for row in lines(scope_of(people), Kind.EMPTY) if isinstance(row, Empty)]
    assert (row.apartment.number, [one.service_type for one in row.items], row.renews) == ("3.01", ["premium"], False)
    assert row.amount_minor == totals(scope_of(people), [])[Kind.EMPTY].amount_minor


def test_a_missing_monitor_says_who_waits_and_that_nothing_can_be_activated(people: People, world: Site) -> None:
    [row] = [row for row in lines(scope_of(people), Kind.MONITORS) if isinstance(row, Missing)]
    assert (row.apartment.number, row.master, row.is_new, row.more_minor) == ("2.01", "Resident 2.01", True, None)
    pay(item("2.01", "app"), NOW + timedelta(days=9))
    Entitlement.objects.filter(pk=item("2.01", "app").pk).update(paid_variant="no_monitor")
    [row] = [row for row in lines(scope_of(people), Kind.MONITORS) if isinstance(row, Missing)]
    assert row.more_minor == 100  # 2.50 instead of 1.50


def test_the_tiles_count_the_same_items(people: People, world: Site) -> None:
    for _round in range(2):
        scope = scope_of(people)
        [standing] = dashboard.standings(people.ivan.actor, now=NOW, prices=scope.prices).values()
        found = totals(scope, alike(scope))
        assert (standing.unpaid, standing.unused) == (found[Kind.UNPAID].count, found[Kind.UNUSED].count)
        expiries.fold(now=NOW)


def test_pages_of_every_size_have_the_same_rows(
    people: People, world: Site, make_site: Callable[..., Site], make_apartment
) -> None:
    for name in ("Älster", "Brook", "Elbe"):
        other = make_site(name, landline=True)
        make_apartment(other, "5.01", indoor_monitor=False)
        make_apartment(other, "5.02", waits=True)
    every = lines(scope_of(people))
    assert len(every) == 6 + 3 * 2
    for size in (1, 2, 3):
        assert lines(scope_of(people), size=size) == every
    units = list(difference_pages.every(scope_of(people), list(Kind)))
    assert [line for _place, rows in units for line in rows] == every


def test_a_scope_has_no_row_of_others(people: People, world: Site) -> None:
    for person in (people.mallory, people.igor):
        assert lines(scope_of(people, person.actor)) == []
    assert number(scope_of(people, people.dora.actor, installer_id=people.ivan.firm.pk)) == 10
    assert number(scope_of(people, people.dora.actor, installer_id=people.igor.firm.pk)) == 0
    assert number(scope_of(people, people.petra.actor)) == 0  # no site is assigned to her


def test_without_prices_nothing_is_worth_anything(people: People, world: Site) -> None:
    scope = Scope(people.ivan.actor, NOW, UTC, None)
    assert {total.amount_minor for total in totals(scope, alike(scope)).values()} == {None}
    assert {getattr(row, "amount_minor", None) for row in lines(scope)} == {None}


def test_a_number_beyond_the_counted_ones_says_so() -> None:
    assert Total(1_001).shown == "1,000+"
    assert Total(1_001, 5).shown == "1001"
