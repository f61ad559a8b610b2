"""Single devices: adding a monitor, renaming, removing, swapping."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.scope import Actor
from accounts.typed.text import line
from communities.actions.sites import lock_site, may_configure
from communities.models import Apartment, Site
from devices import audit_sentences
from devices.actions.checks import MonitorEntry, check_mac
from devices.actions.registration import (
    free_entry,
    last_fence,
    lock_entries,
    refuse_name,
    register_monitors,
    take_entry,
)
from devices.catalogue import DeviceType
from devices.errors import LastMonitor, MonitorRowsRefused
from devices.models import Device

DEVICE_RENAMED = audit.Word(
    "device.renamed",
    gettext_lazy("Device renamed"),
    gettext_lazy("Device renamed to %(what)s"),
    area=audit.Area.DEVICES,
    saves=True,
    tells=audit_sentences.placed(gettext_lazy("Device in %(place)s renamed to %(what)s")),
)
DEVICE_REMOVED = audit.Word(
    "device.removed",
    gettext_lazy("Device removed"),
    gettext_lazy("%(what)s removed"),
    area=audit.Area.DEVICES,
    saves=True,
    tells=audit_sentences.placed(gettext_lazy("%(what)s removed from %(place)s")),
)
DEVICE_SWAPPED = audit.Word(
    "device.swapped",
    gettext_lazy("Device swapped"),
    gettext_lazy("%(what)s swapped"),
    area=audit.Area.DEVICES,
    saves=True,
    tells=audit_sentences.placed(gettext_lazy("%(what)s swapped in %(place)s")),
    effect=audit_sentences.time_stays,
)


@transaction.atomic
def add_monitor(actor: Actor, *, apartment_id: int, entry: MonitorEntry, now: datetime) -> Device:
    """Add an indoor monitor to an apartment, required or not (R20). Raises the refusal of the row, or TooManyDevices."""
    if not may_configure(actor):
        raise NotPermitted
    site = lock_site(actor, Apartment.objects.visible_to(actor).get(pk=apartment_id).site_id)
    apartment = (
        Apartment.objects.select_for_update(of=("self",), no_key=True).select_related("building").get(pk=apartment_id)
    )
    try:
        (device,) = register_monitors(actor, site=site, apartment=apartment, entries=[entry], now=now)
    except MonitorRowsRefused as refusal:
        raise refusal.errors[0] from None
    return device


@transaction.atomic
def rename_device(actor: Actor, *, device_id: int, version: int, name: str, now: datetime) -> Device:
    """Rename a device; the name is unique in its apartment (R77)."""
    site, device = _lock(actor, device_id)
    _refuse_equipment(device)
    if device.version != version:
        raise Conflict
    others = Device.objects.active().filter(apartment=device.apartment).exclude(pk=device.pk)
    refuse_name(name, others.values_list("name_key", flat=True) if device.apartment else ())
    before = {"name": device.name}
    device.name, device.version = line(name), device.version + 1
    device.save(update_fields=["name", "version"])
    _record(
        actor,
        DEVICE_RENAMED,
        device,
        site,
        before=before,
        after={"name": device.name, "place": device.place},
        now=now,
    )
    return device


@transaction.atomic
def remove_device(actor: Actor, *, device_id: int, now: datetime) -> None:
    """Remove a device: its row stays as history, its MAC is free again (R73).

    Refuses the last indoor monitor of an apartment that requires one (R19).
    """
    site, device = _lock(actor, device_id)
    _refuse_equipment(device)
    apartment = device.apartment
    if apartment is not None and apartment.indoor_monitor and device.type == DeviceType.INDOOR_MONITOR:
        others = Device.objects.monitors().filter(apartment=apartment).exclude(pk=device.pk)
        if not others.exists():
            raise LastMonitor(
                _(
                    "%(apartment)s requires an indoor monitor and this is its last one. Swap it for another, or switch "
                    "With Indoor Monitor off first."
                )
                % {"apartment": apartment}
            )
    lock_entries(site, ids=[device.library_entry_id])
    free_entry(device)
    device.removed_at, device.version = now, device.version + 1
    device.save(update_fields=["removed_at", "version"])
    before = {"mac": str(device.address), "place": device.place}
    _record(actor, DEVICE_REMOVED, device, site, before=before, after={}, now=now)


@transaction.atomic
def swap_device(
    actor: Actor, *, device_id: int, entry: MonitorEntry, reason: str, retire_old: bool = True, now: datetime
) -> Device:
    """Replace a device by another of the same type (RMA): place, name and history stay (R19).

    Of `entry` only MAC, model and confirmation are used. The library entry of the old device is retired, unless `retire_old` is off.
    """
    site, device = _lock(actor, device_id)
    reason = line(reason)
    if not reason:
        raise Refused(_("Say why the device is swapped."), field="reason")
    lock_entries(site, texts=[entry.mac], ids=[device.library_entry_id])
    checked = check_mac(
        actor,
        site=site,
        text=entry.mac,
        type=DeviceType(device.type),
        model=entry.model,
        confirmed=entry.confirmed,
    )
    before = {"mac": str(device.address), "model": device.model}
    free_entry(device, retire=retire_old)
    device.mac, device.model, device.library_entry = checked.mac.value, checked.model, checked.entry
    device.version += 1
    with last_fence():
        device.save(update_fields=["mac", "model", "library_entry", "version"])
    take_entry(checked.entry, site)
    after = {"mac": str(checked.mac), "model": device.model, "reason": reason, "place": device.place}
    _record(actor, DEVICE_SWAPPED, device, site, before=before, after=after, now=now)
    return device


def _lock(actor: Actor, device_id: int) -> tuple[Site, Device]:
    """The active device, with site and apartment locked in this order; the site's lock also protects the device."""
    if not may_configure(actor):
        raise NotPermitted
    devices = Device.objects.visible_to(actor).active()
    site = lock_site(actor, devices.get(pk=device_id).site_id)
    # Apartments never move to another site, so the id is still right under the lock.
    homes = Apartment.every.filter(devices=device_id).select_for_update(of=("self",), no_key=True)
    if any(home.archived_at is not None for home in homes):
        raise Refused(_("Its apartment is archived. Restore that first."))
    device = devices.select_related("apartment__building", "building", "site").get(pk=device_id)
    return site, device


def _refuse_equipment(device: Device) -> None:
    if device.equipment_id is not None:
        raise Refused(
            _("%(device)s belongs to the equipment of the site: rename, archive or remove it there.")
            % {"device": device}
        )


def _record(
    actor: Actor,
    word: audit.Word,
    device: Device,
    site: Site,
    *,
    before: dict[str, str],
    after: dict[str, str],
    now: datetime,
) -> None:
    audit.record(actor, word, device, now=now, tenant=site, site_id=site.pk, before=before, after=after)
