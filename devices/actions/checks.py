"""The check of a MAC before its registration (R69–R71); all forms and actions use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.errors import NotPermitted
from accounts.scope import Actor
from accounts.typed.text import line
from communities.actions.sites import may_configure
from communities.models import Site
from devices import catalogue, mac
from devices.addresses import Mac
from devices.catalogue import DeviceType
from devices.errors import ForeignOui, MacInUse, MacNotUsable, MacRefused, TypeDisagrees, UnknownModel
from devices.models import Device, LibraryEntry, Status

MOST_ROUNDED = 200  # library entries compared with a number that a spreadsheet rounded


@dataclass(frozen=True, slots=True)
class MonitorEntry:
    """One row of monitors in a form, as typed; `confirmed` = "yes, this is another maker's MAC" (R71)."""

    mac: str
    name: str
    model: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class CheckedMac:
    """A MAC that may be registered. `entry` is its library entry, if there is one; `model` may be ""; `warnings` are sentences."""

    mac: Mac
    entry: LibraryEntry | None
    model: str
    type: DeviceType
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of some MACs: their library entries, the active devices that have them, and which of these the actor sees at sites of
    the same installer."""

    entries: Mapping[int, LibraryEntry] = field(default_factory=dict)
    holders: Mapping[int, Device] = field(default_factory=dict)
    seen: Mapping[int, Device] = field(default_factory=dict)


def known_of(actor: Actor, site: Site, macs: Iterable[int]) -> Known:
    """What is known of these MACs; three statements, however many they are."""
    values = list(macs)
    holders = {row.mac: row for row in Device.objects.active().filter(mac__in=values)}
    own = [row.pk for row in holders.values() if row.installer_id == site.installer_id]
    seen = Device.objects.visible_to(actor).filter(pk__in=own).select_related("apartment__building", "building", "site")
    entries = LibraryEntry.objects.usable_at(site).filter(mac__in=values)
    return Known({row.mac: row for row in entries}, holders, {row.mac: row for row in seen} if own else {})


def check_mac(
    actor: Actor, *, site: Site, text: str, type: DeviceType, model: str = "", confirmed: bool = False
) -> CheckedMac:
    """Whether the device labelled `text` may be registered at `site`, which may be one that is not saved yet. Writes and locks nothing, so
    forms may call it at any time.

    Checks in the order of R69: format, unicast and global, maker (R71), library, not in use, type. Raises a MacRefused, with `suggestion`
    when the label was probably misread, TypeDisagrees or UnknownModel. An unknown MAC and one of another tenant give the same text and the
    same queries (R70).
    """
    if not may_configure(actor):
        raise NotPermitted
    try:
        address, warnings = read_mac(text, confirmed=confirmed)
        return checked(address, known_of(actor, site, [address.value]), site, type, model=model, warnings=warnings)
    except MacInUse:
        raise
    except MacRefused as refusal:
        raise _with_suggestion(refusal, site, text) from None


def read_mac(text: str, *, confirmed: bool) -> tuple[Mac, tuple[str, ...]]:
    """The first part of `check_mac`, which needs no database: the address that is typed, and the warnings about its maker."""
    address = mac.parse(text)
    return address, maker_warnings(address, confirmed=confirmed)


def checked(
    address: Mac, known: Known, site: Site, type: DeviceType, *, model: str = "", warnings: tuple[str, ...] = ()
) -> CheckedMac:
    """The second part of `check_mac`: what library and devices say of the address (R69, R70). Raises without a suggestion."""
    entry, holder = known.entries.get(address.value), known.holders.get(address.value)
    if seen := known.seen.get(address.value):
        raise MacInUse(_("%(mac)s is already in %(place)s.") % {"mac": address, "place": _place_at(seen, site)})
    if holder is not None or (entry is None and settings.MAC_LIBRARY_REQUIRED):
        raise MacNotUsable
    return CheckedMac(address, entry, agreed_model(type, model, entry), type, warnings)


def maker_warnings(address: Mac, *, confirmed: bool) -> tuple[str, ...]:
    """Warnings about another maker's MAC, by the setting: warn, enforce or off (R71).

    Raises ForeignOui when it is not confirmed, or can't be.
    """
    if address.is_vendor or settings.MAC_FOREIGN_OUI == "off":
        return ()
    owner = mac.maker(address)
    problem = (
        _("%(oui)s is a block of %(owner)s, not of Akuvox.") % {"oui": address.oui, "owner": owner}
        if owner
        else _("%(oui)s is not a block of Akuvox, whose addresses begin with 0C:11:05.") % {"oui": address.oui}
    )
    if settings.MAC_FOREIGN_OUI == "enforce":
        raise ForeignOui(problem, may_confirm=False)
    if not confirmed:
        advice = _("Compare it with the label, and confirm it if it is right.")
        raise ForeignOui(f"{problem} {advice}", may_confirm=True)
    return (problem,)


def agreed_model(type: DeviceType, model: str, entry: LibraryEntry | None) -> str:
    """The model to register, as the catalogue writes it: the given one, else the library's, else "".

    Raises TypeDisagrees where one of them is of another type: only an indoor monitor counts as an indoor monitor (R74).
    """
    if entry is not None and entry.type != type:
        raise TypeDisagrees(
            _("The library says that this is another device: %(type)s.") % {"type": entry.get_type_display()},
            field="mac",
        )
    model = line(model)
    if not model:
        return entry.model if entry else ""
    known = catalogue.canonical(model)
    if known is None:
        raise UnknownModel(_("There is no model “%(model)s” in the list.") % {"model": model})
    actual = catalogue.type_of(known)
    if actual is not None and actual != type:
        raise TypeDisagrees(
            _("%(model)s is another device: %(type)s.") % {"model": known, "type": catalogue.TYPE_LABELS[actual]}
        )
    return known


def free_entries(site: Site) -> QuerySet[LibraryEntry]:
    """The library entries that a label may really say: usable at the site and not registered."""
    return LibraryEntry.objects.usable_at(site).filter(status__in=[Status.IN_STOCK, Status.ASSIGNED])


def _with_suggestion(refusal: MacRefused, site: Site, text: str) -> MacRefused:
    """The refusal, with a suggestion if exactly one reading of the label is free for this installer."""

    entries = free_entries(site)

    def free(candidates: Set[Mac]) -> Iterable[Mac]:
        found = entries.filter(mac__in=[candidate.value for candidate in candidates])
        return [Mac(value) for value in found.values_list("mac", flat=True)[:2]]

    suggestion = mac.repairs(text, free)
    if suggestion is None and (span := mac.rounded(text)):
        suggestion = _only_decimal(entries.filter(mac__range=span))
    if suggestion:
        refusal.suggest(suggestion)
    return refusal


def _only_decimal(entries: QuerySet[LibraryEntry]) -> Mac | None:
    """The only address that a spreadsheet may have rounded to this number; None when several fit, or there are too many to compare."""
    values = list(entries.order_by("mac").values_list("mac", flat=True)[: MOST_ROUNDED + 1])
    found = [address for address in map(Mac, values) if mac.is_decimal(address)]
    return found[0] if len(found) == 1 and len(values) <= MOST_ROUNDED else None


def _place_at(device: Device, site: Site) -> str:
    """The place of a device that the actor sees, with its site where that is another one."""
    is_here = device.site_id == site.pk or device.place == device.site.name
    return device.place if is_here else f"{device.site.name}, {device.place}"
