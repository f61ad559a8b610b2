"""Apartments are born and changed together with their indoor monitors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import ObjectDoesNotExist
from pytest_django import Settings

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities import catalogue
from communities.actions import apartments, assignments, residents
from communities.errors import CeilingOff, NameTaken
from communities.models import Apartment, Building, Entitlement, Site
from devices import actions, consistency, reports
from devices.errors import (
    DuplicateMac,
    MacNotUsable,
    MonitorRequired,
    MonitorRowsRefused,
    TooManyDevices,
    WrongLength,
)
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, counts, monitor
from tests.people import NOW, People

Stock = Callable[..., list[LibraryEntry]]
ON = {"indoor_monitor": True, "landline": True, "video_storage": False}
OFF = {**ON, "indoor_monitor": False}


def add(
    people: People, quay: Building, *monitors: actions.MonitorEntry, by: str = "ivan", **fields: object
) -> Apartment:
    facts: dict[str, object] = {"floor": "1", "number": "1.01", **fields}
    return actions.add_apartment(
        getattr(people, by).actor, building_id=quay.pk, monitors=monitors, now=NOW, **facts  # type: ignore[arg-type]
    )  # fmt: skip


def edit(people: People, flat: Apartment, *monitors: actions.MonitorEntry, **fields: object) -> Apartment:
    facts: dict[str, object] = {"version": flat.version, "floor": "2", "number": "2.04", "name": "", "switches": ON}
    return actions.edit_apartment(
        people.ivan.actor, apartment_id=flat.pk, monitors=monitors, now=NOW, **{**facts, **fields}  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.rule("R18")
@pytest.mark.rule("R9")
def test_an_apartment_is_born_with_its_monitor(people: People, quay: Building, stock: Stock) -> None:
    (entry,) = stock(FIRST)
    apartment = add(people, quay, monitor("0c-11-05-00-00-01", " Hall "), number="2.04", floor="2")
    device = Device.objects.get()
    assert (str(device.address), device.name, device.type, device.model, device.place) == (
        "0C:11:05:00:00:01", "Hall", "indoor_monitor", "C313", "Quay House 2.04",
    )  # fmt: skip
    assert (device.site_id, device.building_id, device.apartment_id) == (quay.site_id, quay.pk, apartment.pk)
    assert (device.distributor, device.subdistributor, device.installer) == (
        people.dora.firm, None, people.ivan.firm,
    )  # fmt: skip
    entry.refresh_from_db()
    assert (entry.status, entry.installer, entry.version, device.library_entry) == (
        "registered", people.ivan.firm, 2, entry,
    )  # fmt: skip
    assert not apartment.monitor_pending
    audit = AuditEvent.objects.get(action="device.registered")
    assert (audit.actor_label, audit.site_id, audit.after["mac"], audit.after["apartment"]) == (
        "Ivan Brandt", quay.site_id, "0C:11:05:00:00:01", "Quay House 2.04",
    )  # fmt: skip


@pytest.mark.rule("R18")
def test_without_a_monitor_no_apartment_is_born(people: People, quay: Building) -> None:
    before = counts()
    with pytest.raises(MonitorRequired, match="at least one indoor monitor"):
        add(people, quay)
    with pytest.raises(MonitorRequired):
        add(people, quay, switches={"indoor_monitor": True})
    assert counts() == before


@pytest.mark.rule("R18")
def test_every_wrong_row_is_named_and_nothing_is_created(people: People, quay: Building, stock: Stock) -> None:
    stock(FIRST, SECOND)
    before = counts()
    with pytest.raises(MonitorRowsRefused) as refusal:
        add(
            people,
            quay,
            monitor(FIRST, "Hall"),
            monitor("0c:11:05", "Kitchen"),
            monitor("0c.1105.0000.01", "Bedroom"),
            monitor(SECOND, "hall"),
            monitor("0C11050000FF", "Loft"),
            monitor(SECOND, "  "),
        )
    errors = refusal.value.errors
    assert {row: type(error) for row, error in errors.items()} == {
        1: WrongLength, 2: DuplicateMac, 3: NameTaken, 4: MacNotUsable, 5: DuplicateMac,
    }  # fmt: skip
    assert str(errors[2]) == "Row 1 has the same MAC."
    assert str(errors[3]) == "This apartment already has a device called “hall”."
    assert counts() == before


@pytest.mark.rule("R77")
@pytest.mark.parametrize(
    ("name", "message"),
    [(" ", "The device needs a name."), ("x" * 65, "The name is longer than 64 characters.")],
)
def test_a_monitor_needs_a_proper_name(people: People, quay: Building, stock: Stock, name: str, message: str) -> None:
    stock(FIRST)
    before = counts()
    with pytest.raises(MonitorRowsRefused) as refusal:
        add(people, quay, monitor(name=name))
    assert (str(refusal.value.errors[0]), refusal.value.errors[0].field) == (message, "name")
    assert counts() == before


@pytest.mark.rule("R20")
def test_without_the_requirement_an_apartment_has_as_many_monitors_as_one_likes(
    people: People, quay: Building, stock: Stock
) -> None:
    stock(FIRST, SECOND)
    bare = add(people, quay, number="1", switches={"indoor_monitor": False})
    rich = add(people, quay, monitor(), monitor(SECOND, "Attic"), number="2", switches={"indoor_monitor": False})
    assert [Device.objects.active().filter(apartment=flat).count() for flat in (bare, rich)] == [0, 2]


@pytest.mark.rule("R14")
@pytest.mark.rule("R23")
def test_a_new_apartment_has_three_switches_and_inherits_them(people: People, quay: Building, stock: Stock) -> None:
    stock(FIRST)
    apartment = add(people, quay, monitor())
    assert apartment.switches == {"indoor_monitor": True, "landline": True, "video_storage": False}
    assert tuple(apartment.switches) == catalogue.APARTMENT_SWITCHES


@pytest.mark.rule("R22")
def test_a_new_apartment_can_not_have_what_its_community_has_off(people: People, quay: Building, stock: Stock) -> None:
    stock(FIRST)
    before = counts()
    with pytest.raises(CeilingOff, match="Video Storage is off in Harbour View"):
        add(people, quay, monitor(), switches={"video_storage": True})
    assert counts() == before


@pytest.mark.rule("R77")
def test_a_taken_number_takes_no_mac(people: People, quay: Building, flat: Apartment) -> None:
    before = counts()
    with pytest.raises(NameTaken, match=r"already has an apartment 2\.04"):
        add(people, quay, monitor(SECOND), number="2.04")
    assert counts() == before


@pytest.mark.rule("R76")
def test_an_apartment_has_no_more_devices_than_the_setting_says(
    people: People, quay: Building, stock: Stock, settings: Settings
) -> None:
    settings.DEVICES_PER_APARTMENT = 2
    stock(FIRST, SECOND, THIRD)
    before = counts()
    with pytest.raises(TooManyDevices, match="at most 2 devices; this would be number 3"):
        add(people, quay, monitor(), monitor(SECOND, "Attic"), monitor(THIRD, "Loft"))
    assert counts() == before
    apartment = add(people, quay, monitor(), monitor(SECOND, "Attic"))
    before = counts()
    with pytest.raises(TooManyDevices):
        actions.add_monitor(people.ivan.actor, apartment_id=apartment.pk, entry=monitor(THIRD, "Loft"), now=NOW)
    assert counts() == before


@pytest.mark.rule("R1")
@pytest.mark.rule("R4")
@pytest.mark.parametrize("who", ["dora", "sam", "petra", "mallory", "paul", "olga"])
def test_only_installers_and_their_technicians_create_apartments(
    people: People, quay: Building, stock: Stock, who: str
) -> None:
    stock(FIRST)
    before = counts()
    with pytest.raises(NotPermitted):
        add(people, quay, monitor(), by=who)
    assert counts() == before


@pytest.mark.rule("R1")
def test_somebody_elses_building_does_not_exist(people: People, quay: Building, stock: Stock) -> None:
    stock(FIRST)
    before = counts()
    for who in ("igor", "ines", "tess"):  # Tess is not assigned to Harbour View
        with pytest.raises(ObjectDoesNotExist):
            add(people, quay, monitor(), by=who)
    assert counts() == before
    assignments.set_technicians(
        people.ivan.actor, site_id=quay.site_id, membership_ids=[people.tess.membership.pk], now=NOW
    )
    add(people, quay, monitor(), by="tess")
    assert Device.objects.get().installer == people.ivan.firm


@pytest.mark.rule("R21")
def test_switching_the_requirement_off_keeps_every_device(people: People, flat: Apartment) -> None:
    edit(people, flat, switches=OFF)
    assert not Apartment.objects.get().indoor_monitor
    assert Device.objects.active().get().name == "Hall"


@pytest.mark.rule("R17")
def test_the_requirement_is_switched_on_with_a_monitor_there_or_brought_along(
    people: People, quay: Building, stock: Stock
) -> None:
    stock(FIRST)
    bare = add(people, quay, number="2.04", switches=OFF)
    before = counts()
    with pytest.raises(MonitorRequired, match="has no indoor monitor yet"):
        edit(people, bare)
    with pytest.raises(MonitorRowsRefused):
        edit(people, bare, monitor("0C11050000FF"))
    bare.refresh_from_db()
    assert (bare.indoor_monitor, bare.version, counts()) == (False, 1, before)
    bare = edit(people, bare, monitor())
    assert (bare.indoor_monitor, bare.monitor_pending, Device.objects.count()) == (True, False, 1)
    bare = edit(people, bare, switches=OFF)
    bare = edit(people, bare)  # the monitor is still there
    assert (bare.indoor_monitor, bare.version, Device.objects.count()) == (True, 4, 1)


@pytest.mark.rule("R17")
def test_an_apartment_that_waits_for_its_monitor_may_be_edited_and_stops_waiting_when_it_arrives(
    people: People, flat: Apartment, make_apartment: Callable[..., Apartment], harbour: Site
) -> None:
    waiting = make_apartment(harbour, "3.01")
    Apartment.objects.filter(pk=waiting.pk).update(monitor_pending=True)
    waiting = edit(people, waiting, number="3.01", name="Corner")
    assert (waiting.name, waiting.monitor_pending) == ("Corner", True)
    actions.add_monitor(people.ivan.actor, apartment_id=waiting.pk, entry=monitor(SECOND), now=NOW)
    waiting.refresh_from_db()
    assert not waiting.monitor_pending


@pytest.mark.rule("R27")
def test_the_app_follows_the_switch(people: People, flat: Apartment) -> None:
    residents.add_resident(people.ivan.actor, apartment_id=flat.pk, name="Ada", email="ada@example.org", now=NOW)
    variants = Entitlement.objects.filter(service_type="app").values_list("variant", flat=True)
    assert list(variants) == ["monitor"]
    edit(people, flat, switches=OFF)
    assert list(variants.all()) == ["no_monitor"]


def test_a_stale_form_changes_nothing(people: People, flat: Apartment) -> None:
    before = counts()
    with pytest.raises(Conflict):
        edit(people, flat, monitor(SECOND, "Attic"), version=flat.version - 1, name="Corner")
    flat.refresh_from_db()
    assert (flat.name, counts()) == ("", before)


def test_an_apartment_without_a_number_takes_no_mac(people: People, quay: Building, stock: Stock) -> None:
    stock(FIRST)
    before = counts()
    with pytest.raises(Refused, match="The apartment needs a number"):
        add(people, quay, monitor(), number=" ")
    assert counts() == before


@pytest.mark.rule("R1")
@pytest.mark.rule("R4")
@pytest.mark.parametrize(
    ("who", "error"), [("dora", NotPermitted), ("petra", NotPermitted), ("igor", ObjectDoesNotExist)]
)
def test_others_change_no_apartment(people: People, flat: Apartment, who: str, error: type[Exception]) -> None:
    before = counts()
    with pytest.raises(error):
        actions.edit_apartment(
            getattr(people, who).actor,
            apartment_id=flat.pk,
            version=1,
            floor="2",
            number="2.04",
            name="Mine",
            switches=OFF,
            now=NOW,
        )
    flat.refresh_from_db()
    assert (flat.name, flat.indoor_monitor, counts()) == ("", True, before)


@pytest.mark.rule("R17")
def test_what_is_written_down_about_a_missing_monitor_is_what_is_there(
    people: People, quay: Building, stock: Stock
) -> None:
    stock(FIRST, SECOND, THIRD)

    def pending() -> list[bool]:
        assert not reports.wrongly_pending(Apartment.objects.all()).exists()
        return list(Apartment.objects.order_by("pk").values_list("monitor_pending", flat=True))

    flat = add(people, quay, monitor(FIRST))
    assert pending() == [False]
    flat = edit(people, flat, switches=OFF)
    (device,) = Device.objects.all()
    actions.remove_device(people.ivan.actor, device_id=device.pk, now=NOW)
    assert pending() == [False]
    with pytest.raises(MonitorRequired):
        edit(people, flat, switches=ON)
    assert pending() == [False]
    flat = edit(people, flat, monitor(SECOND), switches=ON)
    assert pending() == [False]
    waiting = apartments.create_apartment(
        people.ivan.actor, building_id=quay.pk, floor="9", number="9.01", switches=ON, now=NOW
    )
    assert pending() == [False, True]
    assert list(reports.without_monitor(Apartment.objects.all())) == [waiting]
    edit(people, waiting, monitor(THIRD), number="9.01", switches=ON)
    assert pending() == [False, False]


@pytest.mark.rule("R17")
def test_verify_ledger_names_an_apartment_that_waits_for_a_monitor_it_has(flat: Apartment) -> None:
    assert list(consistency.verify()) == []
    Apartment.objects.filter(pk=flat.pk).update(monitor_pending=True)
    assert list(consistency.verify()) == [
        f"apartment {flat.pk}: whether it waits for its monitor is not what its devices say"
    ]
