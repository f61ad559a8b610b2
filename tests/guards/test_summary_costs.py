"""What dashboards and their lists read of the summary by day: of the operator a page and not all of it, though everything is its own, of a
property manager what the sites have that it is assigned to (ADR 15, ADR 24)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from accounts.scope import Role
from communities.models import ExpiryDay, ManagerAssignment, Site, Target
from tests.guards.browser import Browser
from tests.guards.costs import NobodyLooks, measured
from tests.guards.crowd import FIRST, multiply, vacuum, written_at_once
from tests.guards.walker import WALKERS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("list-costs"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="what pages cost is measured on PostgreSQL"),
]
SITES, ROWS, DAYS = 8_000, 40_000, 350
MANAGED = 400  # sites of the property manager
FEW = 2_000  # pages: whoever walks through all rows reads 40,000
GROWTH = 1.3  # as DESIGN §9 wants it
PATHS = ("/dashboard/", "/dashboard/items/?show=due", "/dashboard/items/?show=all")


def test_the_operator_reads_no_more_for_what_ends_later(browser: Browser) -> None:
    vacuum()
    browser = replace(browser, ledger=NobodyLooks(browser.world))
    grow(browser, FIRST, from_day=0, of_firm=False)
    before = {path: pages_read(browser, Role.OPERATOR, path) for path in PATHS}
    grow(browser, 2 * FIRST, from_day=DAYS, of_firm=False)
    after = {path: pages_read(browser, Role.OPERATOR, path) for path in PATHS}
    assert all(after[path] <= GROWTH * before[path] for path in PATHS), (before, after)


def test_a_manager_reads_nothing_of_other_firms(browser: Browser) -> None:
    vacuum()
    browser = replace(browser, ledger=NobodyLooks(browser.world))
    grow(browser, FIRST, from_day=0, sites=MANAGED)
    managed = ManagerAssignment.objects.filter(site=browser.world.sites["hafen"]).get()
    with written_at_once():
        multiply(Target, managed.target_id, MANAGED, first=3 * FIRST)
        multiply(ManagerAssignment, managed.pk, MANAGED, first=FIRST, site_id="{id}", target_id=f"{3 * FIRST} + g")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE communities_managerassignment")
    before = {path: pages_read(browser, Role.MANAGER, path) for path in PATHS}
    grow(browser, 2 * FIRST, from_day=0, estate="zephyr")
    after = {path: pages_read(browser, Role.MANAGER, path) for path in PATHS}
    assert all(after[path] <= before[path] + FEW for path in PATHS), (before, after)


def grow(
    browser: Browser, first: int, *, from_day: int, estate: str = "hafen", sites: int = SITES, of_firm: bool = True
) -> None:
    """More sites, with items that end on each of many days, of the firm of an estate or of the first one there is."""
    site = browser.world.sites[estate]
    patterns = ExpiryDay.objects.filter(service_type="app").exclude(variant="")
    if of_firm:
        patterns = patterns.filter(installer_id=site.installer_id)
    pattern, rows = patterns.earliest("pk").pk, sites * ROWS // SITES
    with written_at_once():
        multiply(
            Site,
            site.pk,
            sites,
            first=first,
            name="{name}",
            name_key="{name}",
            name_order="{name}",
        )
        multiply(
            ExpiryDay, pattern, rows, first=first, stage="1", site_id=f"{first} + 1 + g % {sites}",
            day=f"current_date + CAST({from_day} + g % {DAYS} AS integer)",
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE communities_site, communities_expiryday")


def pages_read(browser: Browser, role: Role, path: str) -> int:
    """How many pages of 8 KiB the statements of a page read."""
    browser.ask(WALKERS[role], "GET", path)
    with measured(reading=True) as cost:
        answer = browser.ask(WALKERS[role], "GET", path)
    assert answer.status == 200
    return sum(cost.reads.values())
