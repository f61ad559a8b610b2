"""Every table that can be taken away as a file says in each column what its head promises, in rows where no two columns are alike."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from accounts.models import Acceptance, AuditEvent, Organization, User
from communities.models import Apartment, Entitlement
from tests.guards import routes as addresses
from tests.guards.browser import Browser
from tests.guards.planted import unguarded
from tests.guards.walker import WALKERS, Walker

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("csv")]
Row = dict[str, str]
SEEN = datetime(2026, 11, 20, 7, 5, tzinfo=UTC)
FILE = "?format=csv"
# Route, who asks, and the query of the file; the test of its columns is below by the same name.
FILES = {
    "firms": ("user-list", "dora", "&tab=installer"),
    "people": ("user-list", "ivan", "&tab=people"),
    "audit": ("audit-list", "dora", "&days=all"),
    "bill": ("site-billing", "dora", ""),
    "accepted": ("setup-terms-accepted", "olga", ""),
    "missing": ("setup-privacy-accepted", "olga", "&show=missing"),
}
SAME_FILE = {"setup-terms-accepted", "setup-privacy-accepted"}  # one view for both texts


def table(browser: Browser, name: str) -> list[Row]:
    """The file, read as a spreadsheet reads it; its heads differ from each other."""
    route_name, person, query = FILES[name]
    walker = Walker(browser, addresses.routes())
    route = next(route for route in walker.routes if route.name == route_name)
    answer = browser.ask(person, "GET", walker.addresses(person, route)[0][0] + FILE + query)
    assert answer.status == 200
    head, *rows = csv.reader(io.StringIO(answer.raw.decode("utf-8-sig")))
    assert len(set(head)) == len(head)
    return [dict(zip(head, row, strict=True)) for row in rows]


def proved(row: Row, expected: Row) -> None:
    """The row says what it should, and would not say so with two columns exchanged."""
    assert row == expected
    assert len(set(expected.values())) == len(expected)
    assert all(expected.values())


def test_every_file_is_looked_at(browser: Browser) -> None:
    found = set()
    for role, person in WALKERS.items():
        walker = Walker(browser, addresses.routes())
        for route in walker.routes:
            if route.policy and not route.policy.is_api and role in route.policy.roles and None not in route.kinds:
                answer = browser.ask(person, "GET", walker.addresses(person, route)[0][0] + FILE)
                if "csv" in answer.headers.get("Content-Type", ""):
                    found.add(route.name)
    assert found == {route for route, _person, _query in FILES.values()} | SAME_FILE


def test_firms(browser: Browser) -> None:
    dora, ivan = browser.world.cast.dora, browser.world.cast.ivan
    Organization.objects.filter(pk=ivan.firm.pk).update(city="Kiel", country="SE", pays_regular=True, pays_credits=True)
    User.objects.filter(pk=ivan.membership.user_id).update(last_login=SEEN)
    User.objects.filter(memberships__organization=ivan.firm).exclude(pk=ivan.membership.user_id).update(last_login=None)
    firm = Organization.objects.get(pk=ivan.firm.pk)
    row = next(row for row in table(browser, "firms") if row["Firm"] == firm.name)
    proved(
        row,
        {
            "Firm": firm.name, "Kind": "Installer", "City": "Kiel", "Country": "SE", "Under": dora.firm.name,
            "Contact": "Ivan HAFENMARK", "Email": "ivan@hafenmark.example", "Pay by Installer": "Regular, Credits",
            "Two-factor": "Not demanded", "Sites": "2", "People": "4", "Last sign-in": "20 Nov 2026, 08:05", "Status": "Active",
        },
    )  # fmt: skip


def test_people(browser: Browser) -> None:
    ivan = browser.world.cast.ivan
    User.objects.filter(pk=ivan.membership.user_id).update(last_login=SEEN)
    (row,) = table(browser, "people")
    proved(
        row,
        {
            "Person": "Ivan HAFENMARK", "Email": "ivan@hafenmark.example", "Role": "Administrator", "Status": "Active", "Sites": "0",
            "Last sign-in": "20 Nov 2026, 08:05",
        },
    )  # fmt: skip


def test_bill(browser: Browser) -> None:
    site, dora = browser.world.sites["hafen"], browser.world.cast.dora
    paid = Entitlement.objects.filter(site=site, apartment__number="1", service_type="premium")
    paid.update(paid_variant="booking+package_room")
    Apartment.objects.filter(site=site, number="1").update(number="A-1")
    row = next(row for row in table(browser, "bill") if (row["For"], row["Item"]) == ("A-1", "Premium Plan"))
    proved(
        row,
        {
            "Item": "Premium Plan", "For": "A-1", "Count": "1", "Status": "Not all paid",
            "Switched on": "Landline Service (For Residents), Booking Service",
            "Paid for": "Booking Service, Package Room",
            "Paid, not used": "Package Room", "Does not work yet": "Landline Service (For Residents)", "Expires": "2026-12-22T09:00:00Z",
            "Who pays": dora.membership.organization.name, "How": "auto", "Paid, every 30 days": "0.60",
            "Not paid, every 30 days": "0.30", "Next 30 days": "0.90", "Currency": "USD",
        },
    )  # fmt: skip


def test_audit(browser: Browser) -> None:
    event = AuditEvent.objects.filter(action="request.refused").earliest("pk")
    row = next(row for row in table(browser, "audit") if row["Entry"] == str(event.pk))
    proved(
        row,
        {
            "Entry": str(event.pk), "Time": "2026-11-22T09:00:00+00:00", "Who": "Dora NORDLYSMARK",
            "Organization": browser.world.person("dora").firm.name, "What": f"Request {event.subject_id} refused",
            "Subject": f"Request {event.subject_id}", "Where": browser.world.person("ivan").firm.name,
            "Before": "Status: Open", "After": "Status: Refused; Reason: Too early HAFENMARK", "Action": "request.refused",
        },
    )  # fmt: skip


def test_accepted(browser: Browser) -> None:
    with unguarded(Acceptance):
        Acceptance.objects.filter(user__email_key="paul@zephyrmark.example").update(address="84.17.x.x")
    row = next(row for row in table(browser, "accepted") if row["Person"] == "Paul ZEPHYRMARK")
    proved(
        row,
        {
            "Person": "Paul ZEPHYRMARK", "Email": "paul@zephyrmark.example", "Organizations": browser.world.person("paul").firm.name,
            "Version": "1", "Accepted": "22 Nov 2026, 09:00", "Accepted (UTC)": "2026-11-22T09:00:00+00:00", "Address": "84.17.x.x",
        },
    )  # fmt: skip


def test_missing(browser: Browser) -> None:
    row = next(row for row in table(browser, "missing") if row["Person"] == "Technician ZEPHYRMARK")
    proved(
        row,
        {
            "Person": "Technician ZEPHYRMARK", "Email": "technician@zephyrmark.example",
            "Organization": browser.world.person("igor").firm.name, "Version not accepted yet": "1",
        },
    )  # fmt: skip
