"""How a site stands at a glance is what its items and its apartments say, at every instant and whatever they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from communities import expiries, reports, site_status
from communities.models import Apartment, Entitlement, Mode, Site
from devices.reports import unit_progress
from smartplus.portal.sites.tags import pill_of
from tests.people import NOW, People
from tests.portal.places import pay

MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]
HOURS = (
    -40 * 24,
    -35 * 24,
    -8 * 24,
    -7 * 24,
    -31,
    -5,
    -1,
    0,
    1,
    5,
    31,
    6 * 24,
    7 * 24 - 1,
    7 * 24,
    7 * 24 + 9,
    8 * 24,
    40 * 24,
)
KEPT = ("apps", "apps_in_force", "items", "never", "lapsed", "in_grace", "unpaid", "renews")


@pytest.fixture
def site(people: People, make_site: MakeSite, make_apartment: MakeApartment) -> Site:
    """Three apartments of a place whose day is not UTC's, one of them without its monitor."""
    site = make_site(booking=True, time_zone="Pacific/Auckland")
    for number in ("1.01", "1.02", "1.03"):
        make_apartment(site, number, waits=number == "1.02")
    return site


def apps() -> list[Entitlement]:
    return list(Entitlement.objects.filter(service_type="app").order_by("pk"))


def assert_same(site: Site, now: datetime) -> None:
    status = site_status.status_of(site, now)
    exact = reports.paid_progress([site.pk], now)[site.pk]
    assert {name: getattr(status.progress, name) for name in KEPT} == {name: getattr(exact, name) for name in KEPT}
    assert status.progress.is_ending(now) == exact.is_ending(now)
    assert pill_of(status.progress, now) == pill_of(exact, now)
    units = unit_progress([site.pk])[site.pk]
    assert (status.places.units, status.places.missing) == (units.units, units.missing)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"mode": Mode.AUTO},
        {"mode": Mode.FAIL},
        {"variant": ""},
        {"paid_variant": "other"},
    ],
)
def test_it_is_what_the_items_say_at_every_instant(site: Site, change: dict[str, Any]) -> None:
    first, second, third = apps()
    assert_same(site, NOW)
    for hours in HOURS:
        until = NOW + timedelta(hours=hours)
        pay(first, until)
        Entitlement.objects.filter(pk=first.pk).update(**change)
        assert_same(site, NOW)
        pay(second, until + timedelta(hours=3))  # often on the same day
        assert_same(site, NOW)
    pay(third, NOW + timedelta(days=30))
    Entitlement.objects.exclude(service_type="app").delete()
    assert_same(site, NOW)
    expiries.fold(now=NOW)
    assert_same(site, NOW)


def test_one_statement_says_it_and_a_second_where_something_ends_today(site: Site) -> None:
    first, *_rest = apps()
    for until, statements in ((NOW + timedelta(days=30), 1), (NOW + timedelta(minutes=1), 2)):
        pay(first, until)
        with CaptureQueriesContext(connection) as asked:
            site_status.status_of(site, NOW)
        assert len(asked) == statements


def test_a_site_without_anything_has_nothing(make_site: MakeSite) -> None:
    empty = make_site()
    assert site_status.status_of(empty, NOW).places == site_status.Places()
    assert Site.objects.filter(pk=empty.pk).values_list(site_status.units()).get() == (0,)


def test_a_query_of_sites_says_how_many_apartments_they_have(site: Site) -> None:
    assert Site.objects.values_list(site_status.units()).get() == (3,)
    expiries.fold(now=NOW)
    assert Site.objects.values_list(site_status.units()).get() == (3,)
