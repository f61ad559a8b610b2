"""What is read of the audit: one's own newest changes, however much strangers did after them (ADR 15)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from django.db import connection

from accounts.models import AuditEvent, Membership
from accounts.scope import Role
from tests.guards.browser import Browser
from tests.guards.costs import NobodyLooks, visit
from tests.guards.crowd import FIRST, multiply, vacuum, written_at_once

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("list-costs"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="what pages cost is measured on PostgreSQL"),
]
OWN, STRANGE = 10_000, 60_000  # so many own ones that a walk through the table backwards seems short
MOST = 400  # pages: the strangers' rows are on more than 4,000
READERS = (Role.INSTALLER, Role.SUBDISTRIBUTOR, Role.DISTRIBUTOR)
PATHS = ("/dashboard/", "/settings/audit/", "/settings/audit/?days=all")


def test_what_strangers_did_later_is_not_read(browser: Browser) -> None:
    vacuum()
    with written_at_once():
        for number, (estate, count) in enumerate({"hafen": OWN, "norden": OWN, "zephyr": STRANGE}.items(), start=1):
            rows = AuditEvent.objects.filter(site_id=browser.world.sites[estate].pk, subject_type="site", batch=None)
            multiply(AuditEvent, rows.earliest("pk").pk, count, first=number * FIRST)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_auditevent")
    browser, faults = replace(browser, ledger=NobodyLooks(browser.world)), []
    for sees_orders in (True, False):
        Membership.objects.update(sees_invoices=sees_orders)
        for role, path in product(READERS, PATHS):
            status, cost = visit(browser, role, path, reading=True)
            sql, read = cost.dearest
            if status != 200 or read > MOST:
                faults.append(f"{role} {path}: {status}, {read} by {sql[:600]}")
    assert not faults, "\n".join(faults)
