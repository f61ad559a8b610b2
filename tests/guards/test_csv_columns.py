"""Every table that can be taken away as a file says in each column what its head promises, in rows where no two columns are alike."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import Acceptance, AuditEvent, Organization, User
from communities import catalogue
from communities.actions.targets import relabel
from communities.models import Apartment, CommercialAccount, Entitlement, Equipment, Resident, Site
from devices.models import Device, LibraryEntry
from subscriptions.models import Order
from tests import spreadsheets
from tests.guards import routes as addresses
from tests.guards.browser import Answer, Browser
from tests.guards.planted import unguarded
from tests.guards.walker import WALKERS, Walker
from tests.people import NOW

pytestmark = [pytest.mark.walk, pytest.mark.django_db, pytest.mark.xdist_group("csv")]
Row = dict[str, str]
SEEN = datetime(2026, 11, 20, 7, 5, tzinfo=UTC)
FILE = "?format="
# Route, who asks, and the query of the file; the test of its columns is below by the same name.
FILES = {
    "firms": ("user-list", "dora", "&tab=installer"),
    "people": ("user-list", "ivan", "&tab=people"),
    "audit": ("audit-list", "dora", "&days=all"),
    "holdings": ("site-billing", "dora", ""),
    "sites": ("site-list", "dora", ""),
    "differences": ("differences", "dora", ""),
    "site-differences": ("site-differences", "ivan", ""),
    "equipment": ("equipment-list", "ivan", ""),
    "accounts": ("commercial-site", "ivan", ""),
    "library": ("library-list", "dora", ""),
    "orders": ("order-list", "dora", ""),
    "apartments": ("site-detail", "ivan", ""),
    "residents": ("site-residents", "ivan", ""),
    "bulk": ("bulk-change-file", "ivan", "&landline=off"),
    "changed": ("change-detail", "ivan", ""),
    "import": ("import-file", "ivan", ""),
    "failed": ("job-failed-rows", "ivan", ""),
    "accepted": ("setup-terms-accepted", "olga", ""),
    "missing": ("setup-privacy-accepted", "olga", "&show=missing"),
}
MADE_BY_A_JOB = {("job-file", "csv")}  # the file of another list, made later
SAME_FILE = {"setup-terms-accepted", "setup-privacy-accepted"}  # one view for both texts


def file(browser: Browser, name: str, kind: str) -> Answer:
    """The file of this kind."""
    route_name, person, query = FILES[name]
    walker = Walker(browser, addresses.routes())
    route = next(route for route in walker.routes if route.name == route_name)
    answer = browser.ask(person, "GET", walker.addresses(person, route)[0][0] + FILE + kind + query)
    assert answer.status == 200
    assert answer.headers["Content-Disposition"].endswith(f'.{kind}"')
    return answer


def table(browser: Browser, name: str) -> list[Row]:
    """The file, read as a spreadsheet reads it; its heads differ from each other."""
    head, *rows = csv.reader(io.StringIO(file(browser, name, "csv").raw.decode("utf-8-sig")))
    assert len(set(head)) == len(head)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize("name", FILES)
def test_the_excel_file_says_the_same_in_typed_cells(browser: Browser, name: str) -> None:
    Organization.objects.filter(kind="installer").update(name="=2+3 Söhne")
    head, *rows = csv.reader(io.StringIO(file(browser, name, "csv").raw.decode("utf-8-sig")))
    sheet = spreadsheets.sheet(file(browser, name, "xlsx").raw)
    cells = list(sheet.iter_rows())
    assert [cell.value for cell in cells[0]] == head
    assert sheet.freeze_panes == "A2"
    assert [[spreadsheets.as_csv(cell) for cell in row] for row in cells[1:]] == rows
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "d"}  # no formula
    for column in zip(*cells[1:], strict=True):
        kinds = {(cell.data_type, cell.number_format.split(" ")[0]) for cell in column if cell.value is not None}
        assert len(kinds) <= 1, f"{name}: a column holds {kinds}"


@pytest.mark.parametrize("name", FILES)
def test_a_german_reader_gets_what_a_german_spreadsheet_reads(browser: Browser, name: str) -> None:
    person = FILES[name][1]
    User.objects.filter(pk=browser.world.person(person).membership.user_id).update(language="de")
    text = file(browser, name, "csv").raw.decode("utf-8")
    assert text.startswith("\ufeff")
    head, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";")
    assert len(head) > 2
    assert {len(row) for row in rows} <= {len(head)}
    told = [cell for row in rows for cell in row]
    assert not [cell for cell in told if re.fullmatch(r"\d+\.\d\d|\d{4}-\d\d-\d\d( .*)?", cell)]
    if name == "holdings":
        assert [cell for cell in told if re.fullmatch(r"\d+,\d\d", cell)]
        assert [cell for cell in told if re.fullmatch(r"\d\d\.\d\d\.\d{4}", cell)]
    sheet = spreadsheets.sheet(file(browser, name, "xlsx").raw)
    assert [cell.value for cell in sheet[1]] == head
    days = {cell.number_format.split(" ")[0] for row in sheet for cell in row if cell.data_type == "d"}
    assert days <= {"DD.MM.YYYY"}


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
                for kind, type in (("csv", "text/csv"), ("xlsx", "application/vnd")):
                    answer = browser.ask(person, "GET", walker.addresses(person, route)[0][0] + FILE + kind)
                    if answer.headers.get("Content-Type", "").startswith(type):
                        found.add((route.name, kind))
    routes = {route for route, _person, _query in FILES.values()} | SAME_FILE
    assert found == {(route, kind) for route in routes for kind in ("csv", "xlsx")} | MADE_BY_A_JOB


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
            "Two-factor": "Not demanded", "Sites": "7", "People": "4", "Last sign-in": "2026-11-20 08:05:00", "Status": "Active",
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
            "Last sign-in": "2026-11-20 08:05:00",
        },
    )  # fmt: skip


def test_bill(browser: Browser) -> None:
    site, dora = browser.world.sites["hafen"], browser.world.cast.dora
    paid = Entitlement.objects.filter(site=site, target__number="1", service_type="premium")
    paid.update(paid_variant="booking+package_room")
    Apartment.objects.filter(site=site, number="1").update(number="A-1")
    relabel(site)
    row = next(row for row in table(browser, "holdings") if (row["For"], row["Item"]) == ("A-1", "Premium Plan"))
    proved(
        row,
        {
            "Item": "Premium Plan", "For": "A-1", "Count": "1", "Status": "Not all paid",
            "Switched on": "Landline Service (For Residents), Booking Service",
            "Paid for": "Booking Service, Package Room",
            "Paid, not used": "Package Room", "Does not work yet": "Landline Service (For Residents)", "Expires": "2026-12-22",
            "Who pays": dora.membership.organization.name, "How": "auto", "Paid, every 30 days": "0.60",
            "Not paid, every 30 days": "0.30", "Next 30 days": "0.90", "Currency": "USD",
        },
    )  # fmt: skip


def test_audit(browser: Browser) -> None:
    event = AuditEvent.objects.filter(action="request.refused").earliest("pk")
    rows = {row["Entry"]: row for row in table(browser, "audit")}
    parts = {entry: whole for entry, row in rows.items() if (whole := row.pop("Part of entry"))}
    assert parts
    assert set(parts.values()) <= set(rows)
    assert str(event.pk) not in parts
    row = rows[str(event.pk)]
    proved(
        row,
        {
            "Entry": str(event.pk), "Time": "2026-11-22 10:00:00", "Time (UTC)": "2026-11-22T09:00:00+00:00", "Who": "Dora NORDLYSMARK",
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
            "Version": "1", "Accepted": "2026-11-22 09:00:00", "Accepted (UTC)": "2026-11-22T09:00:00+00:00", "Address": "84.17.x.x",
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


def test_sites(browser: Browser) -> None:
    site = browser.world.sites["hafen"]
    Site.objects.filter(pk=site.pk).update(
        street="Kai 1", city="Kiel", postal_code="24103", country="DE", time_zone="Pacific/Auckland"
    )
    flats = Apartment.objects.filter(site=site)
    flats.filter(number="1").update(indoor_monitor=False)
    flats.filter(number__in=["2", "3"]).update(monitor_pending=True)
    apps = Entitlement.objects.filter(site=site, service_type="app", target__number__in=["6", "7"])
    apps.update(variant="")
    row = next(row for row in table(browser, "sites") if row["Site"] == "HAFENMARK View")
    proved(
        row,
        {
            "Site": "HAFENMARK View", "Installer": browser.world.cast.ivan.firm.name, "Type": "Community", "Address": "Kai 1, 24103 Kiel",
            "Country": "DE", "Time zone": "Pacific/Auckland", "Apartments": "7", "Required monitors": "6", "Monitors there": "4",
            "Apps": "5", "Paid Apps": "2", "Next expiry": "2026-12-22",
        },
    )  # fmt: skip


def test_equipment(browser: Browser) -> None:
    site = browser.world.sites["hafen"]
    lock, device = Equipment.objects.get(site=site), Device.objects.filter(site=site).earliest("pk")
    Equipment.objects.filter(pk=lock.pk).update(address="rtsp://10.4.0.21")
    Device.objects.filter(pk=device.pk).update(equipment=lock)
    Entitlement.objects.filter(target__equipment=lock).pay_until(NOW + timedelta(days=30), paid_variant=catalogue.EACH)
    (row,) = table(browser, "equipment")
    proved(
        row,
        {
            "Kind": "Third-party lock", "Name": "HAFENMARK lock", "Make or model": "iTec", "MAC": str(device.address),
            "Serial number": "HAFENMARK", "Address": "rtsp://10.4.0.21", "Place": "HAFENMARK House", "Works": "Yes",
            "Paid until": "2026-12-22",
        },
    )  # fmt: skip


def test_accounts(browser: Browser) -> None:
    account = CommercialAccount.objects.get(name="Porter HAFENMARK")
    CommercialAccount.objects.filter(pk=account.pk).update(mobile="+49401234567")
    Entitlement.objects.filter(target__account=account).pay_until(NOW + timedelta(days=30), paid_variant=catalogue.EACH)
    (row,) = table(browser, "accounts")
    proved(
        row,
        {
            "Name": "Porter HAFENMARK", "Account": "Personnel", "Email": "porter@hafenmark.example", "Mobile": "'+49 40 1234567",
            "Intercom": "Yes", "Paid until": "2026-12-22",
        },
    )  # fmt: skip


def test_library(browser: Browser) -> None:
    entry = LibraryEntry.objects.get(mac=0x0C1105A10001)
    LibraryEntry.objects.filter(pk=entry.pk).update(note="Box 7")
    row = next(row for row in table(browser, "library") if row["MAC"] == "0C:11:05:A1:00:01")
    proved(
        row,
        {
            "MAC": "0C:11:05:A1:00:01", "Model": "C313", "Type": "Indoor monitor", "Serial number": "HAFENMARK-A10001", "Note": "Box 7",
            "Installer": browser.world.cast.ivan.firm.name, "Status": "Registered", "Where": "HAFENMARK House 1", "Site": "HAFENMARK View",
        },
    )  # fmt: skip


def test_orders(browser: Browser) -> None:
    order = Order.objects.filter(lines__site=browser.world.sites["pine"], state="processing").distinct().get()
    Order.objects.filter(pk=order.pk).update(reference="PO 7")
    row = next(row for row in table(browser, "orders") if row["Order"] == order.number)
    proved(
        row,
        {
            "Order": order.number, "Type": "Activation", "Site": "PINEMARK View", "Installer": browser.world.cast.ivan.firm.name,
            "Items": "2", "Status": "Processing", "Created": "2026-11-22 10:00:00", "Total": "2.40", "Currency": "USD",
            "Your reference": "PO 7",
        },
    )  # fmt: skip


def test_apartments(browser: Browser) -> None:
    flats, switches = (
        Apartment.objects.filter(site=browser.world.sites["hafen"]),
        ("indoor_monitor", "landline", "video_storage"),
    )
    heads = ("With Indoor Monitor", "Landline", "Video Storage")
    for number, on in enumerate(switches, start=1):
        flats.filter(number=str(number)).update(**{switch: switch == on for switch in switches})
    flats.filter(number="1").update(floor="-2", name="Penthouse", number="01")
    rows = table(browser, "apartments")
    told = {row["Apartment"]: [row.pop(head) for head in heads] for row in rows}
    assert [told[number] for number in ("01", "2", "3")] == [
        ["Yes", "No", "No"],
        ["No", "Yes", "No"],
        ["No", "No", "Yes"],
    ]
    row = next(row for row in rows if row["Apartment"] == "01")
    proved(
        row,
        {
            "Building": "HAFENMARK House", "Floor": "'-2", "Apartment": "01", "Name": "Penthouse", "Family master": "master HAFENMARK",
            "Indoor monitor": "0C:11:05:A1:00:01", "Other residents": "1",
            "Model": "C313", "Monitor pending": "No", "App": "Auto-renew", "Paid until": "2026-12-22",
        },
    )  # fmt: skip


def test_residents(browser: Browser) -> None:
    member = Resident.objects.get(site=browser.world.sites["hafen"], email="member7@hafenmark.example")
    days = {"lease_from": date(2026, 10, 1), "lease_until": date(2027, 9, 30)}
    Resident.objects.filter(pk=member.pk).update(name="Kim", mobile="+49401234567", language="de", **days)
    row = next(row for row in table(browser, "residents") if row["Name"] == "Kim")
    proved(
        row,
        {
            "Building": "HAFENMARK House", "Apartment": "7", "Name": "Kim", "Family master": "No", "Email": "member7@hafenmark.example",
            "Mobile": "'+49 40 1234567", "Language": "de", "Remark": "HAFENMARK", "Status": "Lives here", "First day": "2026-10-01",
            "Last day": "2027-09-30",
        },
    )  # fmt: skip


def test_bulk(browser: Browser) -> None:
    flats = Apartment.objects.filter(site=browser.world.sites["hafen"])
    flats.filter(number="1").update(floor="-2")
    row = next(row for row in table(browser, "bulk") if row["Number"] == "1")
    assert row == {
        "Building": "HAFENMARK House", "Floor": "'-2", "Number": "1", "With Indoor Monitor before": "On",
        "With Indoor Monitor after": "On", "Landline before": "On", "Landline after": "Off",
    }  # fmt: skip
    assert len(table(browser, "bulk")) == flats.filter(landline=True).count()


def test_import(browser: Browser) -> None:
    (row,) = table(browser, "import")
    assert {name: value for name, value in row.items() if value} == {
        "Row": "3", "Building": "HAFENMARK House", "Floor": "9", "Number": "92", "Family master": "Guest HAFENMARK",
        "Email": "guest@hafenmark.example", "Monitor": "Hall", "What is wrong": "MAC is missing: a monitor is required",
    }  # fmt: skip


def test_failed(browser: Browser) -> None:
    assert table(browser, "failed") == [{"Row": "7", "What": "HAFENMARK row", "Why": "taken"}]


def test_changed(browser: Browser) -> None:
    assert table(browser, "changed") == [
        {
            "Building": "HAFENMARK House", "Floor": "1", "Number": "7", "With Indoor Monitor before": "On",
            "With Indoor Monitor after": "On", "Landline before": "Off", "Landline after": "On",
        }
    ]  # fmt: skip
