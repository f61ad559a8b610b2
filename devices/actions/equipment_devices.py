"""Equipment together with the device that it is: a sensor and its MAC, a door and the door phone or reader at it.

Locks and cameras are of other makers and have no MAC of the library. The device comes, moves and goes with its piece.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.errors import NotPermitted
from accounts.scope import Actor
from accounts.typed.text import line
from communities.actions import equipment
from communities.actions.equipment import ANYWHERE, Piece, Place
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, Equipment, EquipmentKind, Site, keys_of
from devices import catalogue, mac
from devices.actions.checks import MonitorEntry, check_mac
from devices.actions.monitors import DEVICE_REMOVED
from devices.actions.registration import free_entry, insert, lock_entries, of_checked, refuse_name
from devices.catalogue import DeviceType
from devices.errors import MacRefused, TooManyDevices
from devices.models import Device, LibraryEntry

AT_DOORS = (DeviceType.DOOR_PHONE, DeviceType.ACCESS_CONTROL)


@transaction.atomic
def add_equipment(
    actor: Actor, *, site_id: int, kind: str, piece: Piece, place: Place = ANYWHERE, entry: MonitorEntry | None = None, now: datetime
) -> Equipment:  # fmt: skip
    """Add a piece and register its device, or nothing at all. A sensor needs the MAC on it; a door may have a door phone or reader. Refuses
    what `communities.actions.equipment.add_equipment` refuses, and a MAC as `check_mac` does (R69)."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, site_id)
    if place.apartment_id is not None:
        list(Apartment.objects.filter(site=site, pk=place.apartment_id).select_for_update(of=("self",), no_key=True))
    typed = line(entry.mac) if entry else ""
    if typed:
        lock_entries(site, texts=[typed])
    row = equipment.add_equipment(actor, site_id=site_id, kind=kind, piece=piece, place=place, now=now)
    if kind == EquipmentKind.SENSOR and not typed:
        raise MacRefused(_("Enter the MAC address that is printed on the sensor."))
    if entry and typed and kind in {EquipmentKind.SENSOR, EquipmentKind.DOOR}:
        _register(actor, site, row, entry, now=now)
    return row


@transaction.atomic
def edit_equipment(actor: Actor, *, equipment_id: int, version: int, piece: Piece, now: datetime) -> Equipment:
    """Change what is known of a piece; its device is called like it."""
    row = equipment.edit_equipment(actor, equipment_id=equipment_id, version=version, piece=piece, now=now)
    _follow(row)
    return row


@transaction.atomic
def move_equipment(actor: Actor, *, equipment_id: int, version: int, place: Place, now: datetime) -> Equipment:
    """Move a piece within its site, and its device with it. Refuses an apartment that has all the devices it may have (R76)."""
    row = equipment.move_equipment(actor, equipment_id=equipment_id, version=version, place=place, now=now)
    _follow(row)
    return row


@transaction.atomic
def archive_equipment(actor: Actor, *, equipment_id: int, version: int, now: datetime) -> Equipment:
    """Take a piece out of use; its MAC is free again (R73)."""
    row = _lock(actor, equipment_id)
    _free(actor, row, now=now)
    return equipment.archive_equipment(actor, equipment_id=equipment_id, version=version, now=now)


@transaction.atomic
def restore_equipment(actor: Actor, *, equipment_id: int, version: int, now: datetime) -> Equipment:
    """Use an archived piece again, with the MAC that it had. Refuses a MAC that is used elsewhere by now."""
    row = _lock(actor, equipment_id)
    last = Device.objects.filter(equipment=row).order_by("-pk").first()
    if last is not None and row.is_archived:
        entry = MonitorEntry(str(last.address), row.name, last.model, confirmed=True)
        lock_entries(row.site, texts=[entry.mac])
        _register(actor, row.site, row, entry, now=now)
    return equipment.restore_equipment(actor, equipment_id=equipment_id, version=version, now=now)


@transaction.atomic
def remove_equipment(actor: Actor, *, equipment_id: int, version: int, now: datetime) -> Site:
    """Delete a piece that was entered by mistake; its MAC is free again (R73, R78)."""
    _free(actor, _lock(actor, equipment_id), now=now)
    return equipment.remove_equipment(actor, equipment_id=equipment_id, version=version, now=now)


def _lock(actor: Actor, equipment_id: int) -> Equipment:
    """The piece, with its site locked. What is done to it before its own action is taken back where that refuses."""
    if not may_configure(actor):
        raise NotPermitted
    row = Equipment.objects.visible_to(actor).select_related("site").get(pk=equipment_id)
    lock_site(actor, row.site_id)
    return row


def _register(actor: Actor, site: Site, row: Equipment, entry: MonitorEntry, *, now: datetime) -> None:
    """Register the device of a piece. The caller holds the locks of the site and of the MAC's entry in the library."""
    _refuse_full(row)
    kind = DeviceType.SENSOR if row.kind == EquipmentKind.SENSOR else type_at_door(site, entry.mac, entry.model)
    checked = check_mac(
        actor, site=site, text=entry.mac, type=kind, model=entry.model or row.model, confirmed=entry.confirmed
    )
    device = Device(**keys_of(site), **of_checked(checked), equipment=row, created_at=now, **_of(row))
    insert(actor, device, checked, site, now=now)


def type_at_door(site: Site, text: str, model: str = "") -> DeviceType:
    """What with this MAC is at a door: as its model says, else as the library does, else a door phone."""
    kind = catalogue.type_of(model)
    if kind is None:
        known = LibraryEntry.objects.usable_at(site).filter(mac__in=_values(text), type__in=AT_DOORS).first()
        kind = DeviceType(known.type) if known else DeviceType.DOOR_PHONE
    return kind if kind in AT_DOORS else DeviceType.DOOR_PHONE


def _values(text: str) -> list[int]:
    try:
        return [mac.parse(text).value]
    except MacRefused:
        return []


def _of(row: Equipment) -> dict[str, object]:
    return {"name": row.name, "building_id": row.building_id, "apartment_id": row.apartment_id}


def _refuse_full(row: Equipment) -> None:
    """Refuse a name that a device of the apartment has (R77), and more devices than an apartment may have (R76)."""
    if row.apartment_id is None:
        return
    others = Device.objects.active().filter(apartment=row.apartment_id).exclude(equipment=row)
    names = list(others.values_list("name_key", flat=True))
    if len(names) >= settings.DEVICES_PER_APARTMENT:
        raise TooManyDevices(
            _("An apartment has at most %(n)s devices; this would be number %(wanted)s.")
            % {"n": settings.DEVICES_PER_APARTMENT, "wanted": len(names) + 1}
        )
    refuse_name(row.name, names)


def _follow(row: Equipment) -> None:
    device = Device.objects.active().filter(equipment=row).first()
    if device is None:
        return
    _refuse_full(row)
    for field, value in _of(row).items():
        setattr(device, field, value)
    device.version += 1
    device.save()


def _free(actor: Actor, row: Equipment, *, now: datetime) -> None:
    """The MAC of a piece that leaves is free again. The caller holds the site's lock."""
    device = Device.objects.active().filter(equipment=row).select_related("library_entry", "site").first()
    if device is None:
        return
    lock_entries(row.site, ids=[device.library_entry_id])
    free_entry(device)
    device.removed_at, device.version = now, device.version + 1
    device.save(update_fields=["removed_at", "version"])
    before = {"mac": str(device.address), "place": device.place}
    audit.record(actor, DEVICE_REMOVED, device, now=now, tenant=row, site_id=row.site_id, before=before)
