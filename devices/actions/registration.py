"""Steps of registration that several actions share. The callers hold the locks of site and apartment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Refused
from accounts.scope import Actor
from accounts.typed.keys import identity_key
from accounts.typed.text import line
from communities.actions.entitlements import mark_blocked
from communities.errors import NameTaken
from communities.models import Apartment, Site, keys_of
from devices import audit_sentences, mac
from devices.actions.checks import CheckedMac, MonitorEntry, check_mac
from devices.catalogue import DeviceType
from devices.errors import DuplicateMac, MacNotUsable, MacRefused, MonitorRowsRefused, TooManyDevices
from devices.models import Device, LibraryEntry, Status

NAME_LENGTH = 64
DEVICE_REGISTERED = audit.Word(
    "device.registered",
    gettext_lazy("Device registered"),
    gettext_lazy("%(what)s registered"),
    area=audit.Area.DEVICES,
    saves=True,
    tells=audit_sentences.placed(gettext_lazy("%(what)s registered in %(place)s")),
)


def register_monitors(
    actor: Actor, *, site: Site, apartment: Apartment, entries: Sequence[MonitorEntry], now: datetime
) -> list[Device]:
    """Register every row as an indoor monitor of the apartment, or none: MonitorRowsRefused names each wrong row.

    Refuses more devices than an apartment may have (R76).
    """
    there = list(Device.objects.active().filter(apartment=apartment))
    if len(there) + len(entries) > settings.DEVICES_PER_APARTMENT:
        raise TooManyDevices(
            _("An apartment has at most %(n)s devices; this would be number %(wanted)s.")
            % {"n": settings.DEVICES_PER_APARTMENT, "wanted": len(there) + len(entries)}
        )
    lock_entries(site, texts=[entry.mac for entry in entries])
    errors: dict[int, Refused] = {}
    checked: dict[int, CheckedMac] = {}
    row_by_mac: dict[int, int] = {}
    row_by_name: dict[str, int | None] = {device.name_key: None for device in there}
    for row, entry in enumerate(entries):
        try:
            _refuse_repeated(entry.mac, row, row_by_mac)
            checked[row] = check_mac(
                actor,
                site=site,
                text=entry.mac,
                type=DeviceType.INDOOR_MONITOR,
                model=entry.model,
                confirmed=entry.confirmed,
            )
            refuse_name(entry.name, row_by_name)
            row_by_name[identity_key(entry.name)] = row
        except Refused as refusal:
            errors[row] = refusal
    if errors:
        raise MonitorRowsRefused(errors)
    devices: dict[int, Device] = {}
    # Inserted in the order of the MACs, so that two forms with common MACs wait for each other instead of deadlocking.
    for row in sorted(checked, key=lambda row: checked[row].mac):
        try:
            devices[row] = _register(actor, site, apartment, checked[row], name=entries[row].name, now=now)
        except MacNotUsable as refusal:
            raise MonitorRowsRefused({row: refusal}) from None
    settle_pending(apartment)
    return [devices[row] for row in sorted(devices)]


def lock_entries(site: Site, *, texts: Iterable[str] = (), ids: Iterable[int | None] = ()) -> None:
    """Lock the library entries of these MACs and ids, in ascending id, before they are checked."""
    values = []
    for text in texts:
        try:
            values.append(mac.parse(text).value)
        except MacRefused:
            continue  # `check_mac` refuses it later
    entries = LibraryEntry.objects.filter(distributor_id=site.distributor_id)
    wanted = entries.filter(mac__in=values) | entries.filter(pk__in=[pk for pk in ids if pk is not None])
    list(wanted.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


@contextmanager
def last_fence() -> Iterator[None]:
    """Write an active MAC. If another transaction wrote it first, the unique constraint refuses it, and MacNotUsable is raised."""
    try:
        with transaction.atomic():  # a savepoint, so that the caller can continue and say which row it was
            yield
    except IntegrityError as error:
        # PostgreSQL names the constraint, SQLite the column
        if not any(hint in str(error) for hint in ("device_one_active_per_mac", "devices_device.mac")):
            raise
        raise MacNotUsable from None


def take_entry(entry: LibraryEntry | None, site: Site) -> None:
    """Assign the library entry to this installer and mark it registered."""
    if entry is not None:
        entry.status = Status.REGISTERED
        entry.installer_id, entry.subdistributor_id = site.installer_id, site.subdistributor_id
        entry.version += 1
        entry.save(update_fields=["status", "installer", "subdistributor", "version"])


def free_entry(device: Device, *, retire: bool = False) -> None:
    """The library entry of a removed device becomes assigned again, since the installer still has the device, or retired."""
    entry = device.library_entry
    if entry is not None:
        entry.status = Status.RETIRED if retire else Status.ASSIGNED
        entry.version += 1
        entry.save(update_fields=["status", "version"])


def refuse_name(name: str, taken: Iterable[str]) -> None:
    """Refuse a name that is empty, too long or used in the apartment; `taken` has name keys (R77)."""
    name = line(name)
    if not name:
        raise Refused(_("The device needs a name."), field="name")
    if len(name) > NAME_LENGTH:
        raise Refused(_("The name is longer than %(n)s characters.") % {"n": NAME_LENGTH}, field="name")
    if identity_key(name) in taken:
        raise NameTaken(_("This apartment already has a device called “%(name)s”.") % {"name": name})


def settle_pending(apartment: Apartment) -> None:
    """An apartment that has its monitor, or does not require one any more, stops waiting for one (R17)."""
    if apartment.monitor_pending and (not apartment.indoor_monitor or has_monitor(apartment)):
        apartment.monitor_pending = False
        Apartment.objects.filter(pk=apartment.pk).update(monitor_pending=False)
        mark_blocked(apartment.site_id, [apartment.target_id])


def has_monitor(apartment: Apartment) -> bool:
    """Whether an indoor monitor is in the apartment (R74)."""
    return Device.objects.monitors().filter(apartment=apartment).exists()


def _refuse_repeated(text: str, row: int, row_by_mac: dict[int, int]) -> None:
    try:
        value = mac.parse(text).value
    except MacRefused:
        return  # `check_mac` refuses it, and can suggest a repair
    first = row_by_mac.setdefault(value, row)
    if first != row:
        raise DuplicateMac(_("Row %(n)s has the same MAC.") % {"n": first + 1})


def _register(
    actor: Actor, site: Site, apartment: Apartment, checked: CheckedMac, *, name: str, now: datetime
) -> Device:
    device = Device(
        **keys_of(site), **of_checked(checked), name=line(name), building_id=apartment.building_id, apartment=apartment, created_at=now
    )  # fmt: skip
    return insert(actor, device, checked, site, now=now)


def of_checked(checked: CheckedMac) -> dict[str, Any]:
    """The columns of a device that its checked MAC says."""
    return {
        "mac": checked.mac.value, "type": checked.type.value, "model": checked.model, "library_entry": checked.entry,
    }  # fmt: skip


def insert(actor: Actor, device: Device, checked: CheckedMac, site: Site, *, now: datetime) -> Device:
    """Write a device with its audit row, and take its MAC out of the library. Raises MacNotUsable where another transaction was first."""
    with last_fence():
        device.save()
    take_entry(checked.entry, site)
    audit.record(
        actor,
        DEVICE_REGISTERED,
        device,
        now=now,
        tenant=site,
        site_id=site.pk,
        after={
            "mac": str(checked.mac),
            "name": device.name,
            "type": device.type,
            "model": device.model,
            "apartment": device.place,
        },
    )
    return device
