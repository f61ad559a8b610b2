"""Read-only aggregates of devices, and finding things by their MAC. Callers pass rows they may see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.typed import phones
from accounts.typed.finding import every_word, holds, matching
from communities.models import Apartment, Entitlement, Resident, Site
from devices import addresses, mac
from devices.catalogue import DeviceType
from devices.models import Device, LibraryEntry, Status

MONITOR_MISSING = Q(monitor_pending=True)  # an apartment that requires one and has none (R17)
MIN_DIGITS = 6  # fewer hex digits are more likely a word or a number than the beginning of a MAC
MAC_DIGITS = 4  # where devices are looked for, fewer are hardly the beginning of a MAC
DIVIDED = re.compile(  # as only a MAC is: pairs, or fours with a letter or a third of them
    r"[0-9A-F]{2}(?::[0-9A-F]{2}){2,5}|[0-9A-F]{2}(?:-[0-9A-F]{2}){3,5}|(?=.*[A-F])[0-9A-F]{4}\.[0-9A-F]{2,4}|(?:[0-9A-F]{4}\.){2}[0-9A-F]{1,4}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """A site's apartments, how many of them need an indoor monitor, and how many of those have one."""

    units: int = 0
    needed: int = 0
    present: int = 0

    @property
    def missing(self) -> int:
        """How many required monitors are not there yet."""
        return self.needed - self.present


def unit_progress(site_ids: Iterable[int]) -> dict[int, UnitProgress]:
    """The progress of these sites; one statement however many. Sites without apartments are not in it."""
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
    """The addresses that `text` may be the beginning of, in any notation; None when it can't be a MAC."""
    return mac.read(text).span(min_digits=min_digits)


def is_mac_like(text: str) -> bool:
    """Whether `text` can mean nothing but a device's MAC: with the vendor's block in front, whole, or divided as one.

    What may be a telephone number can mean that too, and words of a to f are no device's address: they are looked for everywhere.
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
    """Found by words, or by the MAC of one of these devices; what is a MAC asks the devices alone."""
    span = mac_range(text)
    if span is None:
        return words
    there = Q(Exists(devices.filter(removed_at=None, mac__range=span)))
    return there if is_mac_like(text) else words | there


def searched_sites(sites: QuerySet[Site], text: str) -> QuerySet[Site]:
    """The sites with each word of `text` in their name or address, or with a device whose MAC begins with it."""
    return sites.filter(_words_or_mac(text, matching(text, "search_key"), Device.objects.filter(site=OuterRef("pk"))))


def searched_apartments(apartments: QuerySet[Apartment], text: str) -> QuerySet[Apartment]:
    """The apartments with each word of `text` in their number, their name or a resident's, or with a device whose MAC begins with it."""
    living = Resident.objects.filter(apartment=OuterRef("pk"))
    found = every_word(
        text, lambda word: holds(word, "search_key") | Q(Exists(living.filter(holds(word, "search_key"))))
    )
    if number := phones.digits(text):
        found |= Q(Exists(living.filter(holds(number, "search_key"))))
    return apartments.filter(_words_or_mac(text, found, Device.objects.filter(apartment=OuterRef("pk"))))


def searched_devices(devices: QuerySet[Device], text: str) -> QuerySet[Device]:
    """The devices in use with each word of `text` in their name or model, or whose MAC begins with it."""
    found = matching(text, "search_key")
    if span := mac_range(text, min_digits=MAC_DIGITS):
        found |= Q(mac__range=span)
    return devices.filter(found, removed_at=None)


def searched_library(entries: QuerySet[LibraryEntry], text: str, *, reads_notes: bool) -> QuerySet[LibraryEntry]:
    """The entries whose MAC begins with `text`, or with each word of it in their serial number or model, or in the note for who reads it."""
    found = matching(text, *(["search_key", "note_key"] if reads_notes else ["search_key"]))
    if span := mac_range(text, min_digits=2):
        found |= Q(mac__range=span)
    return entries.filter(found)


def free_macs(entries: QuerySet[LibraryEntry], *, site: Site, type: DeviceType, text: str) -> QuerySet[LibraryEntry]:
    """The entries kept for the site's installer and not in use whose MAC begins with `text`, or with the vendor's half and `text`."""
    free = entries.filter(installer_id=site.installer_id, status=Status.ASSIGNED, type=type.value).order_by("mac", "pk")
    if not text.strip():
        return free
    reading = mac.read(text)
    spans = [reading.span(), mac.read(f"{addresses.VENDOR_OUI:06X}{reading.digits}").span() if reading.digits else None]
    found = Q(pk__in=[])
    for span in filter(None, spans):
        found |= Q(mac__range=span)
    return free.filter(found)


def without_monitor(apartments: QuerySet[Apartment]) -> QuerySet[Apartment]:
    """Those that require an indoor monitor and have none (R17)."""
    return apartments.filter(MONITOR_MISSING)


def wrongly_pending(apartments: QuerySet[Apartment]) -> QuerySet[Apartment]:
    """Those where what is written down about their monitor is not what is there; reads every device of them."""
    waits = Q(indoor_monitor=True) & ~Q(_has_monitor())
    return apartments.exclude(Q(waits, monitor_pending=True) | Q(~waits, monitor_pending=False))


def without_master(apartments: QuerySet[Apartment]) -> QuerySet[Apartment]:
    """Those without a family master: their App can't be activated (R32)."""
    return apartments.filter(~Q(Exists(Resident.objects.filter(apartment=OuterRef("pk"), is_master=True))))


def with_entitlement(apartments: QuerySet[Apartment], entitlements: QuerySet[Entitlement]) -> QuerySet[Apartment]:
    """Those that one of the entitlements is for."""
    return apartments.filter(Exists(entitlements.filter(target=OuterRef("target_id"))))


def _has_monitor() -> Exists:
    return Exists(Device.objects.monitors().filter(apartment=OuterRef("pk")))
