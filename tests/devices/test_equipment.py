"""Equipment with a MAC: the device comes, moves and goes with its piece; a house comes with its monitors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.errors import Refused
from communities import catalogue, consistency
from communities.actions.equipment import Piece, Place
from communities.models import Apartment, Building, Entitlement, Equipment, Site
from devices import actions
from devices.errors import MacNotUsable, MacRefused, MonitorRequired, MonitorRowsRefused, TypeDisagrees
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, monitor
from tests.people import NOW, People
from tests.sites import ADDRESS, OPTIONS

Stock = Callable[..., list[LibraryEntry]]
BEDROOM = Piece("Bedroom")


def add(people: People, site: Site, mac: str, kind: str = "sensor", **where: int) -> Equipment:
    return actions.add_equipment(
        people.ivan.actor, site_id=site.pk, kind=kind, piece=BEDROOM, place=Place(**where),
        entry=actions.MonitorEntry(mac, ""), now=NOW,
    )  # fmt: skip


def done(people: People, what: Callable[..., object], row: Equipment, **more: object) -> None:
    version = Equipment.objects.get(pk=row.pk).version
    what(people.ivan.actor, equipment_id=row.pk, version=version, now=NOW, **more)


@pytest.mark.rule("R69", "R73")
def test_a_sensor_comes_with_its_mac_and_frees_it_when_it_goes(people: People, quay: Building, stock: Stock) -> None:
    (entry,) = stock(FIRST, model="MR01")
    row = add(people, quay.site, FIRST, building_id=quay.pk)
    device = Device.objects.get()
    assert (device.equipment_id, device.type, device.model, device.place) == (row.pk, "sensor", "MR01", "Quay House")
    assert Entitlement.objects.wanted().get().service_type == "sensor_alert"
    done(people, actions.edit_equipment, row, piece=Piece("Hall"))
    done(people, actions.move_equipment, row, place=Place())
    device.refresh_from_db()
    assert (device.name, device.building_id) == ("Hall", None)
    for act in (
        lambda: actions.remove_device(people.ivan.actor, device_id=device.pk, now=NOW),
        lambda: actions.rename_device(
            people.ivan.actor, device_id=device.pk, version=device.version, name="X", now=NOW
        ),
    ):
        with pytest.raises(Refused, match="equipment"):
            act()
    done(people, actions.archive_equipment, row)
    entry.refresh_from_db()
    assert (Device.objects.active().count(), entry.status) == (0, "assigned")
    done(people, actions.restore_equipment, row)
    assert Device.objects.active().get().mac == entry.mac
    done(people, actions.archive_equipment, row)
    other = add(people, quay.site, FIRST)
    with pytest.raises(MacRefused):
        done(people, actions.restore_equipment, row)
    assert Equipment.objects.get(pk=row.pk).is_archived
    done(people, actions.remove_equipment, other)
    assert (Device.objects.active().count(), Device.objects.filter(equipment=None).count()) == (0, 1)
    assert list(consistency.verify()) == []


@pytest.mark.parametrize(
    ("mac", "error"), [("", MacRefused), (SECOND, TypeDisagrees), (THIRD, MacNotUsable), ("0C11", MacRefused)]
)
def test_a_sensor_without_its_own_mac_is_refused(
    people: People, quay: Building, stock: Stock, mac: str, error: type[Refused]
) -> None:
    stock(SECOND, model="C313")
    with pytest.raises(error) as refusal:
        add(people, quay.site, mac)
    assert refusal.value.field in {"mac", None}
    assert not Equipment.objects.exists() and not Entitlement.objects.exists() and not Device.objects.exists()


@pytest.mark.rule("R76", "R77")
def test_a_sensor_counts_among_the_devices_of_its_apartment(
    people: People, quay: Building, stock: Stock, settings
) -> None:
    stock(FIRST)
    stock(SECOND, model="MR01")
    flat = actions.add_apartment(
        people.ivan.actor, building_id=quay.pk, floor="1", number="1.01", monitors=[monitor(FIRST, "Bedroom")], now=NOW
    )
    with pytest.raises(Refused, match="already has a device"):
        add(people, quay.site, SECOND, apartment_id=flat.pk)
    settings.DEVICES_PER_APARTMENT = 1
    with pytest.raises(Refused, match="at most 1"):
        add(people, quay.site, SECOND, apartment_id=flat.pk)
    assert not Equipment.objects.exists()


@pytest.mark.parametrize(("model", "type"), [("X915", "door_phone"), ("A08", "access_control")])
def test_at_a_door_is_a_door_phone_or_a_reader(
    people: People, quay: Building, stock: Stock, model: str, type: str
) -> None:
    stock(FIRST, model=model)
    site = quay.site
    Site.objects.filter(pk=site.pk).update(kind="commercial")
    row = add(people, site, FIRST, "door")
    assert (Device.objects.get().type, Device.objects.get().model) == (type, model)
    done(people, actions.remove_equipment, row)
    without = actions.add_equipment(people.ivan.actor, site_id=site.pk, kind="door", piece=Piece("Gate"), now=NOW)
    assert not without.devices.exists()


@pytest.mark.rule("R18")
def test_a_house_with_its_monitor_or_not_at_all(people: People, stock: Stock) -> None:
    stock(FIRST)
    on = {**dict.fromkeys(catalogue.SWITCHES, False), "indoor_monitor": True}

    def house(*monitors: actions.MonitorEntry) -> Apartment:
        return actions.add_house(
            people.ivan.actor, basics={"name": "Villa", **ADDRESS}, free_members=4, switches=on, options=OPTIONS,
            monitors=monitors, now=NOW,
        )  # fmt: skip

    with pytest.raises(MonitorRequired):
        house()
    with pytest.raises(MonitorRowsRefused):
        house(monitor(THIRD, "Hall"))
    assert not Site.objects.exists()
    unit = house(monitor(FIRST, "Hall"))
    assert (Device.objects.get().apartment_id, unit.monitor_pending) == (unit.pk, False)


@pytest.mark.rule("R17", "R21")
def test_requiring_a_monitor_in_a_house_needs_one(people: People, stock: Stock) -> None:
    stock(FIRST)
    off = dict.fromkeys(catalogue.SWITCHES, False)
    unit = actions.add_house(
        people.ivan.actor, basics={"name": "Villa", **ADDRESS}, free_members=4, switches=off, options=OPTIONS, now=NOW
    )

    def change(is_on: bool, *monitors: actions.MonitorEntry) -> Site:
        version = Site.objects.get().version
        return actions.edit_house(
            people.ivan.actor, site_id=unit.site_id, version=version, basics={"name": "Villa", **ADDRESS},
            switches={**off, "indoor_monitor": is_on}, options=OPTIONS, monitors=monitors, now=NOW,
        )  # fmt: skip

    with pytest.raises(MonitorRequired, match="house"):
        change(True)
    assert not Site.objects.get().indoor_monitor
    change(True, monitor(FIRST, "Hall"))
    assert not Apartment.objects.get().monitor_pending
    change(False)
    assert Device.objects.active().count() == 1
