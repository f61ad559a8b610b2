"""Every service type of S2's three tables is configured by the pages of its project type, and then waits on Subscription to be activated."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from communities import catalogue
from communities.catalogue import ServiceType
from communities.models import Apartment, Building, Kind, PaymentMode, Site
from devices import actions
from devices.actions import LibraryRow
from subscriptions.models import PriceList
from tests.people import NOW, People, Person
from tests.portal.places import apartment_form, create_site, site_form
from tests.sites import ADDRESS

Configure = Callable[[Client, Site, People], None]
SENSOR = "0C:11:05:4C:00:12"
TYPES = [(kind, entry.code) for kind in Kind for entry in catalogue.ENTRIES if kind.value in entry.projects]
ON: dict[str, dict[str, str]] = {  # what the form of a new site switches on for a type
    ServiceType.PREMIUM: {"dynamic_qr": "on"},
    ServiceType.TIME_ATTENDANCE: {"attendance_plan": "on"},
    ServiceType.ELEVATOR_CONTROL: {"elevator_control": "on"},
    ServiceType.ADDITIONAL_APP: {"free_members": "0"},
}


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


def sent(client: Client, path: str, form: dict[str, Any]) -> None:
    """Send a form that is taken."""
    answer = client.post(path, form)
    assert answer.status_code == 302, answer.content.decode()[-2000:]


def create(client: Client, kind: Kind, on: dict[str, str]) -> Site:
    """A site of the project type, by the page that adds one; of a community with an apartment too."""
    if kind is Kind.COMMUNITY:
        assert create_site(client, site_form("New Site", indoor_monitor=None, **on)).status_code == 302
    else:
        form = {"name": "New Site", **ADDRESS, "free_members": "4", "retention_days": "30", "camera_residents": "on"}
        monitor = {"monitor-mac": "", "monitor-name": ""}
        sent(client, f"/sites/new/{kind.value}/", {**form, **monitor, **on})
    site = Site.objects.get(name="New Site", kind=kind)
    if kind is Kind.COMMUNITY:
        sent(client, f"/sites/{site.pk}/buildings/new/", {"name": "Quay House", "mode": "none"})
        building = Building.objects.get(site=site)
        sent(client, f"/sites/{site.pk}/apartments/new/", apartment_form(building, indoor_monitor=None))
    return site


def residents(n: int) -> Configure:
    def configure(client: Client, site: Site, people: People) -> None:
        unit = Apartment.objects.get(site=site)
        for number in range(n):
            form = {"name": f"Person {number}", "email": f"person{number}@example.org", "mobile": "", "language": "en"}
            sent(client, f"/apartments/{unit.pk}/residents/new/", form)

    return configure


def manager(client: Client, site: Site, people: People) -> None:
    petra = people.petra.membership.pk
    site.refresh_from_db()
    sent(client, f"/sites/{site.pk}/managers/", {"managers": petra, "pm_app": petra, "version": site.version})


def piece(kind: str, *forms: dict[str, str]) -> Configure:
    def configure(client: Client, site: Site, people: People) -> None:
        for form in forms:
            sent(client, f"/sites/{site.pk}/equipment/new/{kind}/", form)

    return configure


def account(kind: str) -> Configure:
    def configure(client: Client, site: Site, people: People) -> None:
        form = {"kind": kind, "name": "Amira Benali", "email": "amira@example.org", "mobile": "", "intercom": "on"}
        sent(client, f"/sites/{site.pk}/accounts/new/", form)

    return configure


def nothing(client: Client, site: Site, people: People) -> None:
    """What the form of the site said is all."""


CONFIGURE: dict[str, Configure] = {
    ServiceType.APP: residents(1),
    ServiceType.PM_APP: manager,
    ServiceType.ADDITIONAL_APP: residents(2),
    ServiceType.THIRD_PARTY_LOCK: piece("lock", {"name": "Entrance", "maker": "iTec", "serial": "IT-1"}),
    ServiceType.PREMIUM: nothing,
    ServiceType.SENSOR_ALERT: piece("sensor", {"name": "Lobby", "mac": SENSOR}),
    ServiceType.DOOR: piece("door", {"name": "Gate", "mac": ""}, {"name": "Yard", "mac": ""}),
    ServiceType.PERSONNEL_APP: account("personnel"),
    ServiceType.ADMIN_APP: account("admin"),
    ServiceType.TIME_ATTENDANCE: nothing,
    ServiceType.ELEVATOR_CONTROL: nothing,
}


def waiting(client: Client, site: Site) -> list[str]:
    """The rows of what waits for its activation, as text."""
    answer = client.get(f"/subscription/?installer={site.installer_id}&kind={site.kind}&site={site.pk}")
    assert answer.status_code == 200
    rows = re.findall(r"<tr[ >].*?</tr>", answer.content.decode().replace("\n", " "))
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


@pytest.mark.parametrize(("kind", "code"), TYPES)
@pytest.mark.rule("R28")
def test_it_is_configured_by_pages_and_then_waits_to_be_activated(
    people: People, sign_in: Callable[[Person], Client], price_list: PriceList, kind: Kind, code: str
) -> None:
    rows = [LibraryRow(SENSOR, model="MR01")]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    ivan, dora = sign_in(people.ivan), sign_in(people.dora)
    label = str(catalogue.SERVICE_TYPE_LABELS[code])
    site = create(ivan, kind, ON.get(code, {}))
    if code not in ON or code == ServiceType.ADDITIONAL_APP:
        assert not [row for row in waiting(dora, site) if label in row]
    CONFIGURE[code](ivan, site, people)
    found = [row for row in waiting(dora, site) if label in row]
    assert len(found) == 1
    if kind is Kind.COMMERCIAL:
        assert "paid with credits" in found[0]
        Site.objects.filter(pk=site.pk).update(payment_mode=PaymentMode.REGULAR)  # as those from before the credits
        found = [row for row in waiting(dora, site) if label in row]
        assert len(found) == 1 and "paid with credits" not in found[0]


def test_every_service_type_is_tried() -> None:
    assert set(CONFIGURE) == {entry.code for entry in catalogue.ENTRIES}
    assert {kind: sum(1 for one, _code in TYPES if one is kind) for kind in Kind} == {
        Kind.COMMUNITY: 6, Kind.HOUSE: 5, Kind.COMMERCIAL: 6,
    }  # fmt: skip
