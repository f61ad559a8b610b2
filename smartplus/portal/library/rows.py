"""Rows of the MAC library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from devices.catalogue import TYPE_LABELS
from devices.models import Device, LibraryEntry, Status
from smartplus.portal.kit.contact_tags import mac
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html, side_by_side
from smartplus.portal.kit.status_tags import status

DASH = "–"
TONES = {
    Status.REGISTERED: "active",
    Status.ASSIGNED: "pending",
    Status.RETIRED: "inactive",
    Status.IN_STOCK: "inactive hollow",
}
NONE = " none"  # the class of a cell that is hidden on a phone
NO_WHERE = as_html(' class="none"')


class EntryCells(NamedTuple):
    """One MAC: type, assignment and place; `no_…` are classes."""

    mac: str
    below_mac: str
    model: str
    type: str
    serial: str
    no_serial: str
    installer: str
    no_installer: str
    status: SafeString
    below_status: str
    where: str
    no_where: str
    do: str


def cells(
    entries: Iterable[LibraryEntry],
    places: Mapping[int, Sequence[Device]],
    *,
    may_keep: bool,
    shows_installer: bool,
) -> list[EntryCells]:
    """The cells of entries; `places` are the devices in use by the ids of the entries."""
    types = {code: str(label) for code, label in TYPE_LABELS.items()}
    marks = {state.value: status(TONES[state], str(state.label)) for state in Status}
    dash = as_html('<span class="mute">{}</span>', DASH)
    words = (_("Assign"), _("Retire"))
    found = []
    for entry in entries:
        shown, here = mac(entry.mac), places[entry.pk]
        installer = entry.installer.name if shows_installer and entry.installer else ""
        found.append(
            EntryCells(
                mac=shown,
                below_mac=as_html('<span class="t12 mute sub-960">{}</span>', entry.serial) if entry.serial else "",
                model=entry.model or DASH,
                type=types[entry.type],
                serial=entry.serial or DASH,
                no_serial="" if entry.serial else NONE,
                installer=installer or dash,
                no_installer="" if installer else NONE,
                status=marks[entry.status],
                below_status=as_html('<span class="t12 mute sub-760">{}</span>', installer) if installer else "",
                where=side_by_side(map(_place, here)) if here else dash,
                no_where="" if here else NO_WHERE,
                do=_buttons(entry, shown, words) if may_keep else "",
            )
        )
    return found


def _place(device: Device) -> SafeString:
    url = address("site-detail", device.site_id)
    if device.equipment_id:
        url = address("equipment-detail", device.equipment_id)
    elif device.apartment_id:
        url = address("apartment-detail", device.apartment_id)
    return as_html('<a class="n" href="{}">{}</a><span class="t12 mute">{}</span>', url, device.place, device.site.name)


def _buttons(entry: LibraryEntry, shown: str, words: tuple[str, str]) -> str:
    """The possible actions: none for an entry with a device in use, and no second retirement. The form of `retire` is below the list, once."""
    if entry.status == Status.REGISTERED:
        return ""
    assign = as_html(
        '<a class="b s" href="{}">{}<span class="vh"> {}</span></a>',
        address("library-assign", entry.pk), words[0], shown,
    )  # fmt: skip
    if entry.status == Status.RETIRED:
        return assign
    retire = as_html(
        ' <button class="b s d" form="retire" formaction="{}" name="version" value="{}" data-what="{}">{}<span class="vh"> {}</span></button>',
        address("library-retire", entry.pk), entry.version, shown, words[1], shown,
    )  # fmt: skip
    return side_by_side([assign, retire])
