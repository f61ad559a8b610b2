"""What the stories of site pages share: forms as a browser sends them, a stocked library, paid services."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from accounts.models import AuditEvent
from communities.actions import sites
from communities.models import Apartment, Building, Entitlement, ManagerAssignment, Resident, Site, SiteDraft
from devices import actions
from devices.actions import LibraryRow
from devices.models import Device, LibraryEntry
from tests.people import NOW, People, Person

MAC, OTHER_MAC, THIRD_MAC = "0C:11:05:2A:11:5E", "0C:11:05:2A:11:60", "0C:11:05:2A:7F:31"


def site_form(name: str = "Harbour View", **changes: Any) -> dict[str, Any]:
    """Add Community Site as the browser sends it with the defaults; None leaves a field out."""
    form: dict[str, Any] = {
        "name": name, "street": "Kaistraße 14", "city": "Hamburg", "state": "", "postal_code": "20457", "country": "DE",
        "time_zone": "Europe/Berlin", "free_members": "4", "indoor_monitor": "on", "camera_residents": "on",
        "camera_administrators": "on", "retention_days": "30",
    }  # fmt: skip
    return {field: value for field, value in (form | changes).items() if value is not None}


def basics_form(name: str = "Harbour View", **changes: Any) -> dict[str, Any]:
    """The first step of Add Community Site as the browser sends it."""
    form = site_form(name, **changes)
    return {field: form[field] for field in (*sites.BASICS, "free_members") if field in form}


def create_site(client: Client, form: dict[str, Any]) -> Any:
    """Go through Add Community Site with the values of `site_form`, without a building. Returns the answer that refused something, or the
    last one."""
    answer = client.post("/sites/new/", form)
    if answer.status_code != 302:
        return answer
    draft = SiteDraft.objects.latest("pk")
    address = f"/sites/drafts/{draft.pk}"
    for step, sent in (("structure", {}), ("services", form if "retention_days" in form else site_form())):
        answer = client.post(f"{address}/{step}/", sent)
        if answer.status_code != 302:
            return answer
    draft.refresh_from_db()
    return client.post(f"{address}/review/", {"version": draft.version})


def apartment_form(building: Building | None, *monitors: tuple[str, str], **changes: Any) -> dict[str, Any]:
    """The apartment form as the browser sends it: each monitor is (MAC, name)."""
    form: dict[str, Any] = {
        "building": building.pk if building else None, "floor": "9", "number": "9.01", "name": "", "indoor_monitor": "on",
        "monitors-TOTAL_FORMS": str(len(monitors)), "monitors-INITIAL_FORMS": "0",
    }  # fmt: skip
    for row, (mac, name) in enumerate(monitors):
        form |= {f"monitors-{row}-mac": mac, f"monitors-{row}-name": name}
    return {field: value for field, value in (form | changes).items() if value is not None}


def stock(people: People, *macs: str, to: Person | None = None) -> list[LibraryEntry]:
    """Put indoor monitors into Dora's library."""
    rows = [LibraryRow(mac, model="C313") for mac in macs]
    return actions.add_to_library(
        people.dora.actor, macs=rows, installer_id=to.firm.pk if to else None, now=NOW
    )  # fmt: skip


def building(people: People, site: Site, name: str = "Quay House", *, by: Person | None = None) -> Building:
    """Add a building as Ivan."""
    return sites.add_building((by or people.ivan).actor, site_id=site.pk, name=name, now=NOW)


def pay(entitlement: Entitlement, until: datetime = NOW + timedelta(days=112)) -> Entitlement:
    """Write what an applied payment writes."""
    Entitlement.objects.filter(pk=entitlement.pk).pay_until(until, paid_variant=entitlement.variant)
    entitlement.refresh_from_db()
    return entitlement


def everything() -> tuple[int, ...]:
    """How many rows there are of what site pages write: none may come or go on a refusal."""
    tables = (Site, Building, Apartment, Resident, ManagerAssignment, Entitlement, Device, LibraryEntry, AuditEvent)
    return tuple(table.objects.count() for table in tables)
