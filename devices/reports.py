"""Read-only numbers of devices, and searching by MAC. Callers pass rows that the actor may see."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.typed import phones
from accounts.typed.finding import every_word, holds, matching
from communities.models import Apartment, Entitlement, Equipment, Resident, Site
from devices import addresses, mac
from devices.catalogue import DeviceType
from devices.models import Device, LibraryEntry, Status

MONITOR_MISSING = Q(monitor_pending=True)  # an apartment that requires a monitor and has none (R17)
MIN_DIGITS = 6  # hex digits; fewer are more likely a word or a number than the beginning of a MAC
MAC_DIGITS = 4  # hex digits, where only devices are searched
DIVIDED = re.compile(  # only a MAC is written so: pairs, or groups of four with a letter or of three groups
    r"[0-9A-F]{2}(?::[0-9A-F]{2}){2,5}|[0-9A-F]{2}(?:-[0-9A-F]{2}){3,5}|(?=.*[A-F])[0-9A-F]{4}\.[0-9A-F]{2,4}|(?:[0-9A-F]{4}\.){2}[0-9A-F]{1,4}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """The apartments of a site, how many of them require an indoor monitor, and how many of those have one."""

    units: int = 0
    needed: int = 0
    present: int = 0

    @property
    def missing(self) -> int:
        """How many required monitors are missing."""
        return self.needed - self.present


def unit_progress(site_ids: Iterable[int]) -> dict[int, UnitProgress]:
    """The progress of these sites, in one statement. Sites without apartments are left out."""
    needs = Q(indoor_monitor=True)
    rows = (
        Apartment.objects.filter(site_id__in=list(site_ids))
        .order_by()
        .values("site_id")
        .annotate(
            units=Count("pk"),
            needed=Count("pk", filter=needs),
            present=Count("pk", filter=needs & ~MONITOR_MISSING),
        )
        .values_list("site_id", "units", "needed", "present")
    )
    return {site_id: UnitProgress(units, needed, present) for site_id, units, needed, present in rows}


def mac_range(text: str, *, min_digits: int = MIN_DIGITS) -> tuple[int, int] | None:
    """The range of addresses that `text` may be the beginning of, in any notation; None when it can't be a MAC."""
    return mac.read(text).span(min_digits=min_digits)


def is_mac_like(text: str) -> bool:
    """Whether `text` can only be a device's MAC: it begins with the vendor's block, is complete, or is grouped like a MAC.

    Text that may also be a telephone number, or a word of the letters a to f, is not: it is searched for everywhere.
    """
    reading = mac.read(text)
    span = reading.span(min_digits=MIN_DIGITS)
    if span is None:
        return False
    if span[0] >> 24 == addresses.VENDOR_OUI:
        return True
    if phones.digits(text) or not mac.may_be_devices(span[0]):
        return False
    return len(reading.digits) == addresses.DIGITS or bool(DIVIDED.fullmatch(text.strip()))


def _words_or_mac(text: str, words: Q, devices: QuerySet[Device]) -> Q:
    """Rows found by words, or by the MAC of one of these devices; if the text can only be a MAC, only devices are searched."""
    span = mac_range(text)
    if span is None:
        return words
    there = Q(Exists(devices.filter(removed_at=None, mac__range=span)))
    return there if is_mac_like(text) else words | there


def searched_sites(sites: QuerySet[Site], text: str) -> QuerySet[Site]:
    """Sites that have each word of `text` in their name or address, or a device whose MAC begins with it."""
    return sites.filter(_words_or_mac(text, matching(text, "search_key"), Device.objects.filter(site=OuterRef("pk"))))


def searched_apartments(apartments: QuerySet[Apartment], text: str) -> QuerySet[Apartment]:
    """Apartments that have each word of `text` in their number, name or a resident's name, or a device whose MAC begins with it."""
    living = Resident.objects.filter(apartment=OuterRef("pk")).current()
    found = every_word(
        text, lambda word: holds(word, "search_key") | Q(Exists(living.filter(holds(word, "search_key"))))
    )
    if number := phones.digits(text):
        found |= Q(Exists(living.filter(holds(number, "search_key"))))
    return apartments.filter(_words_or_mac(text, found, Device.objects.filter(apartment=OuterRef("pk"))))


def searched_devices(devices: QuerySet[Device], text: str) -> QuerySet[Device]:
    """Active devices that have each word of `text` in their name or model, or whose MAC begins with it."""
    found = matching(text, "search_key")
    if span := mac_range(text, min_digits=MAC_DIGITS):
        found |= Q(mac__range=span)
    return devices.filter(found, removed_at=None)


def searched_equipment(pieces: QuerySet[Equipment], text: str) -> QuerySet[Equipment]:
    """Equipment that has each word of `text` in its name, make, model, number or address, or a device whose MAC begins with it."""
    found = matching(text, "search_key")
    if span := mac_range(text, min_digits=MAC_DIGITS):
        found |= Q(Exists(Device.objects.filter(equipment=OuterRef("pk"), removed_at=None, mac__range=span)))
    return pieces.filter(found)


def searched_library(entries: QuerySet[LibraryEntry], text: str, *, reads_notes: bool) -> QuerySet[LibraryEntry]:
    """Entries whose MAC begins with `text`, or with each word of it in serial number or model; in the note only for actors who may read it."""
    found = matching(text, *(["search_key", "note_key"] if reads_notes else ["search_key"]))
    if span := mac_range(text, min_digits=2):
        found |= Q(mac__range=span)
    return entries.filter(found)


def free_macs(
    entries: QuerySet[LibraryEntry], *, site: Site, types: Collection[DeviceType], text: str
) -> QuerySet[LibraryEntry]:
    """Entries of these types that are assigned to the site's installer and not in use, whose MAC begins with `text`, or with the vendor's half
    and `text`."""
    free = entries.filter(installer_id=site.installer_id, status=Status.ASSIGNED, type__in=types).order_by("mac", "pk")
    if not text.strip():
        return free
    reading = mac.read(text)
    spans = [reading.span(), mac.read(f"{addresses.VENDOR_OUI:06X}{reading.digits}").span() if reading.digits else None]
    found = Q(pk__in=[])
    for span in filter(None, spans):
        found |= Q(mac__range=span)
    return free.filter(found)


def without_monitor(apartments: QuerySet[Apartment]) -> QuerySet[Apartment]:
    """Apartments that require an indoor monitor and have none (R17)."""
    return apartments.filter(MONITOR_MISSING)


def wrongly_pending(apartments: QuerySet[Apartment]) -> QuerySet[Apartment]:
    """Apartments whose `monitor_pending` is wrong; reads all their devices."""
    waits = Q(indoor_monitor=True) & ~Q(_has_monitor())
    return apartments.exclude(Q(waits, monitor_pending=True) | Q(~waits, monitor_pending=False))


def without_master(apartments: QuerySet[Apartment]) -> QuerySet[Apartment]:
    """Apartments without a family master: their App can't be activated (R32)."""
    return apartments.filter(~Q(Exists(Resident.objects.filter(apartment=OuterRef("pk"), is_master=True))))


def with_entitlement(apartments: QuerySet[Apartment], entitlements: QuerySet[Entitlement]) -> QuerySet[Apartment]:
    """Apartments that one of the entitlements belongs to."""
    return apartments.filter(Exists(entitlements.filter(target=OuterRef("target_id"))))


def _has_monitor() -> Exists:
    return Exists(Device.objects.monitors().filter(apartment=OuterRef("pk")))
