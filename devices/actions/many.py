"""Monitors for many apartments at once: checked and registered in sets, by the rules of one (R68–R71, R74, R76, R77)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed.text import line
from communities.actions.sites import may_configure
from communities.models import Apartment, Site, keys_of
from devices import mac
from devices.actions.checks import CheckedMac, MonitorEntry, checked, free_entries, known_of, read_mac
from devices.actions.registration import DEVICE_REGISTERED, last_fence, refuse_name
from devices.addresses import Mac
from devices.catalogue import DeviceType
from devices.errors import DuplicateMac, MacInUse, MacNotUsable, MacRefused, PlacesRefused, TooManyDevices
from devices.models import Device, LibraryEntry, Status

At = TypeVar("At", bound=Hashable)  # what the caller calls the apartments by
MOST_CANDIDATES = 50_000  # readings of misread labels that are looked up in the library at once


@dataclass(slots=True)
class Checked(Generic[At]):
    """What may be registered, and what is wrong with the others, each by its apartment."""

    found: dict[At, CheckedMac] = field(default_factory=dict)
    errors: dict[At, Refused] = field(default_factory=dict)


def check_many(
    actor: Actor, *, site: Site, entries: Mapping[At, MonitorEntry], labels: Mapping[At, str]
) -> Checked[At]:
    """`check_mac` for a monitor in each of many apartments of a site, which may be one that is not saved yet; four statements. Writes and
    locks nothing. `labels` are what the apartments are called where a MAC is there twice."""
    if not may_configure(actor):
        raise NotPermitted
    result, read, first = Checked[At](), dict[At, tuple[Mac, tuple[str, ...]]](), dict[int, At]()
    for at, entry in entries.items():
        try:
            refuse_repeated(entry.mac, at, first, labels)
            read[at] = read_mac(entry.mac, confirmed=entry.confirmed)
            refuse_name(entry.name, ())
        except Refused as refusal:
            result.errors[at] = refusal
    known = known_of(actor, site, [address.value for address, _warnings in read.values()])
    for at, (address, warnings) in read.items():
        try:
            monitor = checked(
                address, known, site, DeviceType.INDOOR_MONITOR, model=entries[at].model, warnings=warnings
            )
            if at not in result.errors:
                result.found[at] = monitor
        except Refused as refusal:
            result.errors[at] = refusal
    _suggest(site, {at: entries[at].mac for at, error in result.errors.items()}, result.errors)
    return result


def refuse_repeated(text: str, at: At, first: dict[int, At], labels: Mapping[At, str]) -> None:
    """Refuse a MAC that stands at another apartment too; `first` remembers where each was first."""
    try:
        value = mac.parse(text).value
    except MacRefused:
        return  # its check refuses it, and can suggest a repair
    before = first.setdefault(value, at)
    if before != at:
        raise DuplicateMac(_("%(apartment)s has the same MAC.") % {"apartment": labels[before]})


def _suggest(site: Site, texts: Mapping[At, str], errors: Mapping[At, Refused]) -> None:
    """Add to each refusal what its label probably says, where exactly one reading is free for this installer; one statement."""
    readings: dict[At, set[Mac]] = {}
    for at, text in texts.items():
        error, so_far = errors[at], sum(map(len, readings.values()))
        if (
            isinstance(error, MacRefused)
            and not isinstance(error, MacInUse | DuplicateMac)
            and so_far < MOST_CANDIDATES
        ):
            readings[at] = mac.readings(text)
    wanted = {address.value for found in readings.values() for address in found}
    free = set(free_entries(site).filter(mac__in=wanted).values_list("mac", flat=True)) if wanted else set()
    for at, found in readings.items():
        known, error = [address for address in found if address.value in free], errors[at]
        if len(known) == 1 and isinstance(error, MacRefused):
            error.suggest(known[0])


def refuse_wrong(
    actor: Actor, *, site: Site, entries: Mapping[At, MonitorEntry], labels: Mapping[At, str]
) -> dict[At, CheckedMac]:
    """The monitors as checked by `check_many`, or PlacesRefused with the refusal of each wrong one."""
    result = check_many(actor, site=site, entries=entries, labels=labels)
    if result.errors:
        raise PlacesRefused(result.errors)
    return result.found


def register_many(
    actor: Actor,
    *,
    site: Site,
    apartments: Mapping[At, Apartment],
    entries: Mapping[At, MonitorEntry],
    batch: AuditEvent | None,
    now: datetime,
) -> list[Device]:
    """Register a monitor in each of these apartments, or none: PlacesRefused names each wrong one. Ten statements and one more for each
    thousand rows of the audit. Apartments do not stop waiting for a monitor here: the caller writes that (R17). The caller holds the locks
    of the site, of the apartments and of the MACs in the library."""
    labels = {at: str(apartments[at]) for at in entries}
    found = refuse_wrong(actor, site=site, entries=entries, labels=labels)
    _refuse_crowded(apartments, entries)
    order = sorted(found, key=lambda at: found[at].mac)
    rows = [_device(site, apartments[at], found[at], entries[at], now) for at in order]
    try:
        with last_fence():
            Device.objects.bulk_create(rows)
    except MacNotUsable:
        raise PlacesRefused(_taken_meanwhile(found) or {order[0]: MacNotUsable()}) from None
    _take_entries(site, [checked_mac.entry for checked_mac in found.values() if checked_mac.entry])
    audit.record_all(
        audit.event(
            actor, DEVICE_REGISTERED, device, now=now, tenant=site, site_id=site.pk, batch=batch,
            after={
                "mac": str(device.address), "name": device.name, "type": device.type, "model": device.model,
                "apartment": labels[at],
            },
        )
        for at, device in zip(order, rows, strict=True)
    )  # fmt: skip
    return rows


def _refuse_crowded(apartments: Mapping[At, Apartment], entries: Mapping[At, MonitorEntry]) -> None:
    """Refuse a name that is used in its apartment (R77), and more devices than one may have (R76)."""
    there: dict[int, set[str]] = defaultdict(set)
    active = Device.objects.active().filter(apartment__in=[apartments[at].pk for at in entries])
    for pk, key in active.values_list("apartment_id", "name_key"):
        there[pk].add(key)
    errors: dict[At, Refused] = {}
    for at, entry in entries.items():
        names = there[apartments[at].pk]
        try:
            refuse_name(entry.name, names)
            if len(names) >= settings.DEVICES_PER_APARTMENT:
                raise TooManyDevices(
                    _("An apartment has at most %(n)s devices; this would be number %(wanted)s.")
                    % {"n": settings.DEVICES_PER_APARTMENT, "wanted": len(names) + 1}
                )
        except Refused as refusal:
            errors[at] = refusal
    if errors:
        raise PlacesRefused(errors)


def _device(site: Site, apartment: Apartment, monitor: CheckedMac, entry: MonitorEntry, now: datetime) -> Device:
    return Device(
        **keys_of(site), mac=monitor.mac.value, type=monitor.type.value, model=monitor.model, name=line(entry.name),
        building_id=apartment.building_id, apartment=apartment, library_entry=monitor.entry, created_at=now,
    )  # fmt: skip


def _taken_meanwhile(found: Mapping[At, CheckedMac]) -> dict[At, Refused]:
    """The apartments whose MAC another transaction registered since it was checked."""
    values = [monitor.mac.value for monitor in found.values()]
    taken = set(Device.objects.active().filter(mac__in=values).values_list("mac", flat=True))
    return {at: MacNotUsable() for at, monitor in found.items() if monitor.mac.value in taken}


def _take_entries(site: Site, entries: Iterable[LibraryEntry]) -> None:
    """Assign library entries to the installer of the site and mark them registered."""
    LibraryEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        status=Status.REGISTERED, installer_id=site.installer_id, subdistributor_id=site.subdistributor_id,
        version=F("version") + 1,
    )  # fmt: skip
