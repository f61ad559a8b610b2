"""What the operator's lists read: a page of the summary and not all of it, though everything is the operator's own (ADR 15, ADR 24)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from accounts.scope import Role
from communities.models import ExpiryDay, Site
from tests.guards.browser import Browser
from tests.guards.crowd import FIRST, multiply, written_at_once
from tests.guards.test_list_costs import NobodyLooks, measured
from tests.guards.walker import WALKERS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("list-costs"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="what pages cost is measured on PostgreSQL"),
]
SITES, ROWS, DAYS = 8_000, 40_000, 350
GROWTH = 1.3  # as DESIGN §9 wants it
PATHS = ("/dashboard/", "/dashboard/items/?show=due", "/dashboard/items/?show=all")


def test_the_operator_reads_no_more_for_what_ends_later(browser: Browser) -> None:
    browser = replace(browser, ledger=NobodyLooks(browser.world))
    grow(browser, FIRST, from_day=0)
    before = {path: pages_read(browser, path) for path in PATHS}
    grow(browser, 2 * FIRST, from_day=DAYS)
    after = {path: pages_read(browser, path) for path in PATHS}
    assert all(after[path] <= GROWTH * before[path] for path in PATHS), (before, after)


def grow(browser: Browser, first: int, *, from_day: int) -> None:
    """More sites, with items that end on each of many days."""
    pattern = ExpiryDay.objects.filter(service_type="app").exclude(variant="").earliest("pk").pk
    with written_at_once():
        multiply(
            Site,
            browser.world.sites["hafen"].pk,
            SITES,
            first=first,
            name="{name}",
            name_key="{name}",
            name_order="{name}",
        )
        multiply(
            ExpiryDay, pattern, ROWS, first=first, stage="1", site_id=f"{first} + 1 + g % {SITES}",
            day=f"current_date + CAST({from_day} + g % {DAYS} AS integer)",
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE communities_site, communities_expiryday")


def pages_read(browser: Browser, path: str) -> int:
    """How many pages of 8 KiB the statements of a page read."""
    browser.ask(WALKERS[Role.OPERATOR], "GET", path)
    with measured(reading=True) as cost:
        answer = browser.ask(WALKERS[Role.OPERATOR], "GET", path)
    assert answer.status == 200
    return sum(cost.reads.values())
