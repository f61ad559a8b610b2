"""The summary by day is what the entitlements say, whatever changed them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from accounts.typed import zones
from communities import expiries, expiry_triggers
from communities.models import Apartment, Entitlement, ExpiryDay, Mode, Site
from subscriptions import dashboard, dashboard_lists, summary
from subscriptions.models import PriceList
from tests.people import NOW, People
from tests.portal.places import pay

MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]


@pytest.fixture
def site(people: People, make_site: MakeSite, make_apartment: MakeApartment) -> Site:
    """Three apartments, one paid."""
    site = make_site(booking=True)
    for number in ("1.01", "1.02", "1.03"):
        make_apartment(site, number, indoor_monitor=False)
    pay(Entitlement.objects.get(target__number="1.01", service_type="app"), NOW + timedelta(days=10))
    return site


def assert_right() -> None:
    """As it stands, and folded, twice."""
    for _again in range(3):
        assert list(expiries.faults()) == []
        expiries.fold(now=NOW)
    assert not ExpiryDay.objects.filter(stage=0).exists()
    assert not ExpiryDay.objects.filter(count=0).exists()


def test_what_is_configured_and_paid_is_counted(site: Site) -> None:
    assert_right()
    rows = ExpiryDay.objects.filter(stage=1, service_type="app").order_by("day")
    assert {(row.count, row.day and str(row.day), row.variant, row.mode) for row in rows} == {
        (1, "2026-12-02", "no_monitor", "manual"),
        (2, None, "no_monitor", "manual"),
    }
    assert {row.site_id for row in ExpiryDay.objects.filter(stage=2)} == {None}


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update(variant=""),
        lambda rows: rows.update(paid_variant="booking"),
        lambda rows: rows.update(mode=Mode.AUTO),
        lambda rows: rows.pay_until(NOW + timedelta(days=70)),
        lambda rows: rows.update(expires_at=None, works_until=None),
        lambda rows: rows.update(reserved_by=7),
        lambda rows: rows.delete(),
        lambda rows: Site.objects.update(time_zone="Pacific/Auckland"),
        lambda rows: Apartment.objects.filter(number="1.02").update(monitor_pending=True),
    ],
)
@pytest.mark.parametrize("is_folded", [True, False])
def test_every_change_is_followed(site: Site, change: Callable[..., object], is_folded: bool) -> None:
    if is_folded:
        expiries.fold(now=NOW)
    change(Entitlement.objects.all())
    assert_right()


def test_a_migration_counts_what_changed_while_nobody_followed(site: Site) -> None:
    def execute(sql: str, _none: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    run: Any = SimpleNamespace(connection=connection, execute=execute, collect_sql=False)
    expiry_triggers.DropTriggers().database_forwards("communities", run, run, run)
    assert not expiry_triggers.installed(connection)
    Entitlement.objects.filter(service_type="app").pay_until(NOW + timedelta(days=70))
    Apartment.objects.filter(number="1.02").update(monitor_pending=True)
    assert list(expiries.faults()) != []
    expiry_triggers.CreateTriggers().database_forwards("communities", run, run, run)
    assert expiry_triggers.installed(connection) == set(expiry_triggers.TRIGGERS)
    assert_right()


def test_what_nobody_changed_writes_nothing(site: Site) -> None:
    expiries.fold(now=NOW)
    Entitlement.objects.update(last_charged_at=NOW, reserved_by=7)
    assert not ExpiryDay.objects.filter(stage=0).exists()


@pytest.mark.parametrize("what", [summary.What.DUE, summary.What.PAID])
def test_a_list_forgets_the_old_day_at_once(people: People, site: Site, what: summary.What) -> None:
    expiries.fold(now=NOW)
    Entitlement.objects.exclude(expires_at=None).pay_until(NOW + timedelta(days=25))
    [line] = dashboard_lists.lines_of(people.dora.actor, what, now=NOW, zone=UTC, prices=None)
    assert (line.count, str(line.day)) == (1, "2026-12-17")


def test_a_site_that_went_to_somebody_else_meanwhile_is_left_out(
    people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the statement that counts and the one that reads names."""
    counts = dashboard_lists._by_first_day

    def and_then_it_goes(*args: Any) -> list[tuple[Any, ...]]:
        found = counts(*args)
        monkeypatch.setattr(Site.objects.__class__, "visible_to", lambda *_: Site.objects.none())
        return found

    monkeypatch.setattr(dashboard_lists, "_by_first_day", and_then_it_goes)
    assert dashboard_lists.lines_of(people.dora.actor, summary.What.DUE, now=NOW, zone=UTC, prices=None) == []


def test_what_was_changed_needs_no_price_any_more(people: People, site: Site, price_list: PriceList) -> None:
    Entitlement.objects.filter(service_type="app").update(variant="gone")
    expiries.fold(now=NOW)
    Entitlement.objects.filter(service_type="app").update(variant="no_monitor")
    prices = summary.prices_for(people.dora.firm.pk, at=NOW)
    [standing] = dashboard.standings(people.dora.actor, now=NOW, prices=prices).values()
    assert standing.due_minor


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite asks Python, which has them all")
@pytest.mark.parametrize(
    ("every", "named"), [(zones.every(), []), (("UTC", "Atlantis/Poseidonis"), ["communities.W001"])]
)
def test_a_zone_that_the_database_does_not_know_is_named(
    db: None, monkeypatch: pytest.MonkeyPatch, every: tuple[str, ...], named: list[str]
) -> None:
    monkeypatch.setattr(zones, "every", lambda: every)
    assert [problem.id for problem in expiry_triggers.check_zones(databases=["default"])] == named


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite asks Python, which has them all")
def test_a_site_in_a_zone_that_the_database_does_not_know_stops_a_deployment(site: Site) -> None:
    assert expiry_triggers.check_zones(databases=["default"]) == []

    def older(execute: Any, sql: str, *rest: Any) -> Any:
        return execute(sql.replace("pg_timezone_names", f"pg_timezone_names WHERE name <> '{site.time_zone}'"), *rest)

    with connection.execute_wrapper(older):
        stops, warns = expiry_triggers.check_zones(databases=["default"])
    assert (stops.id, stops.is_serious(), warns.id) == ("communities.E002", True, "communities.W001")
    assert site.time_zone in stops.msg
