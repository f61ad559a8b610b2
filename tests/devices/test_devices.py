"""Single devices: added, renamed, removed, swapped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities.actions import assignments
from communities.errors import NameTaken
from communities.models import Apartment, Building, Site, keys_of
from devices import actions
from devices.actions.registration import last_fence
from devices.errors import LastMonitor, MacInUse, MacNotUsable, TypeDisagrees
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, counts, monitor
from tests.people import NOW, People

Stock = Callable[..., list[LibraryEntry]]


@pytest.fixture
def hall(flat: Apartment) -> Device:
    """The one monitor of Quay House 2.04."""
    return Device.objects.get()


def door_phone(flat: Apartment, **fields: Any) -> Device:
    """A door phone in the apartment, beside the monitors."""
    facts = {"mac": 0x0C11050000D0, "name": "Door", "type": "door_phone", "created_at": NOW}
    return Device.objects.create(
        **keys_of(flat.site), apartment=flat, building=flat.building, **{**facts, **fields}
    )  # fmt: skip


def state(device: Device) -> tuple[Any, ...]:
    """What a refusal must leave as it was."""
    device.refresh_from_db()
    return (
        device.mac, device.name, device.removed_at, device.version, counts(),
        list(LibraryEntry.objects.order_by("pk").values_list("status", "version")),
    )  # fmt: skip


@pytest.mark.rule("R19")
@pytest.mark.rule("R74")
def test_the_last_required_monitor_stays(people: People, flat: Apartment, hall: Device) -> None:
    door = door_phone(flat)  # does not count
    before = state(hall)
    with pytest.raises(LastMonitor) as refusal:
        actions.remove_device(people.ivan.actor, device_id=hall.pk, now=NOW)
    assert str(refusal.value) == (
        "Quay House 2.04 requires an indoor monitor and this is its last one. Swap it for another, or switch With Indoor "
        "Monitor off first."
    )
    assert state(hall) == before
    actions.remove_device(people.ivan.actor, device_id=door.pk, now=NOW)
    actions.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=monitor(SECOND, "Attic"), now=NOW)
    actions.remove_device(people.ivan.actor, device_id=hall.pk, now=NOW)
    assert Device.objects.active().get().name == "Attic"


@pytest.mark.rule("R20")
def test_a_monitor_that_is_not_required_may_go(people: People, flat: Apartment, hall: Device) -> None:
    Apartment.objects.filter(pk=flat.pk).update(indoor_monitor=False)
    actions.remove_device(people.ivan.actor, device_id=hall.pk, now=NOW)
    assert not Device.objects.active().exists()


@pytest.mark.rule("R73")
@pytest.mark.rule("R9")
def test_removing_a_device_frees_its_mac_and_keeps_its_history(people: People, flat: Apartment, hall: Device) -> None:
    actions.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=monitor(SECOND, "Attic"), now=NOW)
    later = NOW + timedelta(days=3)
    actions.remove_device(people.ivan.actor, device_id=hall.pk, now=later)
    hall.refresh_from_db()
    entry = LibraryEntry.objects.get(mac=hall.mac)
    assert (hall.removed_at, entry.status, entry.installer) == (later, "assigned", people.ivan.firm)
    audit = AuditEvent.objects.get(action="device.removed")
    assert audit.before == {"mac": "0C:11:05:00:00:01", "place": "Quay House 2.04"}
    again = actions.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=monitor(FIRST, "Hall"), now=later)
    assert (again.pk != hall.pk, again.mac) == (True, hall.mac)
    with pytest.raises(ObjectDoesNotExist):
        actions.remove_device(people.ivan.actor, device_id=hall.pk, now=later)


@pytest.mark.rule("R68")
def test_the_database_itself_holds_one_active_device_per_mac(people: People, flat: Apartment, hall: Device) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        door_phone(flat, mac=hall.mac)
    door_phone(flat, mac=hall.mac, removed_at=NOW)  # history does not count
    assert Device.objects.active().get(mac=hall.mac) == hall


@pytest.mark.rule("R68")
def test_the_databases_refusal_of_a_mac_becomes_the_neutral_one_and_no_other_does(
    people: People, flat: Apartment, hall: Device
) -> None:
    with pytest.raises(MacNotUsable), last_fence():
        door_phone(flat, mac=hall.mac)
    with pytest.raises(IntegrityError), last_fence():
        door_phone(flat, name="Hall")
    assert Device.objects.get() == hall


@pytest.mark.rule("R68")
def test_a_mac_written_another_way_is_the_same_mac(people: People, flat: Apartment, hall: Device) -> None:
    before = state(hall)
    for text in ("0c:11:05:00:00:01", "0C-11-05-00-00-01", "0c11.0500.0001"):
        with pytest.raises(MacInUse):
            actions.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=monitor(text, "Attic"), now=NOW)
    assert state(hall) == before


@pytest.mark.rule("R19")
def test_a_swap_keeps_place_name_and_history_under_another_mac(people: People, flat: Apartment, hall: Device) -> None:
    swapped = actions.swap_device(
        people.ivan.actor, device_id=hall.pk, entry=monitor(SECOND, "ignored"), reason="Display broken", now=NOW
    )
    assert (swapped.pk, str(swapped.address), swapped.name, swapped.apartment, swapped.created_at, swapped.version) == (
        hall.pk, "0C:11:05:00:00:02", "Hall", flat, hall.created_at, 2,
    )  # fmt: skip
    statuses = dict(LibraryEntry.objects.values_list("mac", "status"))
    assert statuses == {0x0C1105000001: "retired", 0x0C1105000002: "registered", 0x0C1105000003: "in_stock"}
    audit = AuditEvent.objects.get(action="device.swapped")
    assert (audit.before["mac"], audit.after["mac"], audit.after["reason"]) == (
        "0C:11:05:00:00:01", "0C:11:05:00:00:02", "Display broken",
    )  # fmt: skip
    actions.swap_device(
        people.ivan.actor, device_id=hall.pk, entry=monitor(THIRD), reason="Colour", retire_old=False, now=NOW
    )
    assert LibraryEntry.objects.get(mac=0x0C1105000002).status == "assigned"


@pytest.mark.rule("R19")
def test_a_swap_needs_a_reason_and_a_usable_mac_of_the_same_type(people: People, hall: Device, stock: Stock) -> None:
    stock("0C1105000009", model="R20")
    before = state(hall)
    for mac, reason, error in [
        (SECOND, " ", Refused),
        (FIRST, "Broken", MacInUse),
        ("0C11050000FF", "Broken", MacNotUsable),
        ("0C1105000009", "Broken", TypeDisagrees),
    ]:
        with pytest.raises(error):
            actions.swap_device(people.ivan.actor, device_id=hall.pk, entry=monitor(mac), reason=reason, now=NOW)
    assert state(hall) == before


@pytest.mark.rule("R77")
def test_a_device_is_renamed_within_its_apartment(people: People, flat: Apartment, hall: Device) -> None:
    attic = actions.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=monitor(SECOND, "Attic"), now=NOW)
    before = state(hall)
    for name, version, error in [("ATTIC", 1, NameTaken), (" ", 1, Refused), ("Loft", 7, Conflict)]:
        with pytest.raises(error):
            actions.rename_device(people.ivan.actor, device_id=hall.pk, version=version, name=name, now=NOW)
    assert state(hall) == before
    renamed = actions.rename_device(people.ivan.actor, device_id=hall.pk, version=1, name=" HALL ", now=NOW)
    assert (renamed.name, renamed.name_key, renamed.version) == ("HALL", "hall", 2)
    actions.remove_device(people.ivan.actor, device_id=attic.pk, now=NOW)
    actions.rename_device(people.ivan.actor, device_id=hall.pk, version=2, name="Attic", now=NOW)  # free again
    audit = AuditEvent.objects.filter(action="device.renamed").order_by("-pk")[0]
    assert (audit.before, audit.after) == ({"name": "HALL"}, {"name": "Attic", "place": "Quay House 2.04"})


@pytest.mark.rule("R1")
def test_devices_are_seen_and_touched_by_their_own_people_only(people: People, flat: Apartment, hall: Device) -> None:
    assignments.set_managers(
        people.ivan.actor, site_id=flat.site_id, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    seen = {
        who: Device.objects.visible_to(getattr(people, who).actor).exists()
        for who in ("olga", "dora", "sam", "ivan", "tess", "petra", "ines", "mallory", "igor", "paul")
    }
    assert seen == {
        "olga": True, "dora": True, "sam": False, "ivan": True, "tess": False, "petra": True,
        "ines": False, "mallory": False, "igor": False, "paul": False,
    }  # fmt: skip
    before = state(hall)
    for who, error in [
        ("petra", NotPermitted),
        ("dora", NotPermitted),
        ("igor", ObjectDoesNotExist),
        ("tess", ObjectDoesNotExist),
    ]:
        actor = getattr(people, who).actor
        for attempt in (
            lambda actor=actor: actions.remove_device(actor, device_id=hall.pk, now=NOW),
            lambda actor=actor: actions.rename_device(actor, device_id=hall.pk, version=1, name="Mine", now=NOW),
            lambda actor=actor: actions.add_monitor(actor, apartment_id=flat.pk, entry=monitor(SECOND, "X"), now=NOW),
            lambda actor=actor: actions.swap_device(
                actor, device_id=hall.pk, entry=monitor(SECOND), reason="Broken", now=NOW
            ),
        ):
            with pytest.raises(error):
                attempt()
    assert state(hall) == before


@pytest.mark.rule("R75")
def test_a_device_knows_its_place(people: People, harbour: Site, quay: Building, flat: Apartment) -> None:
    facts: dict[str, Any] = {**keys_of(harbour), "type": "door_phone", "created_at": NOW}
    gate = Device.objects.create(mac=1 << 40, name="Gate", **facts)
    entrance = Device.objects.create(mac=2, name="Entrance", building=quay, **facts)
    assert (gate.place, entrance.place, Device.objects.get(name="Hall").place) == (
        "Harbour View", "Quay House", "Quay House 2.04",
    )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Device.objects.create(mac=3, name="Nowhere", apartment=flat, **facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Device.objects.create(mac=1 << 48, name="Too long", **facts)
