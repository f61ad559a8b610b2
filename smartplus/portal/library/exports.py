"""The MAC library as a file: every row that matches, with the texts of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from devices.models import Device, LibraryEntry
from smartplus.portal.kit.exports import Column, in_chunks


def columns(*, shows_installer: bool, shows_note: bool) -> list[Column]:
    """The columns of a file of the MAC library; the form that adds MACs accepts the file."""
    return [
        Column(_("MAC")), Column(_("Model")), Column(_("Type")), Column(_("Serial number")),
        *([Column(_("Note"))] if shows_note else []), *([Column(_("Installer"))] if shows_installer else []),
        Column(_("Status")), Column(_("Where")), Column(_("Site")),
    ]  # fmt: skip


def rows(
    found: QuerySet[LibraryEntry],
    places_of: Callable[[list[LibraryEntry]], Mapping[int, Sequence[Device]]],
    *,
    shows_installer: bool,
    shows_note: bool,
) -> Iterator[list[object]]:
    """Library entries as lines; `places_of` returns where the MACs of some of them are."""
    for some in in_chunks(found):
        places = places_of(some)
        for entry in some:
            yield [
                str(entry.address),
                entry.model,
                entry.get_type_display(),
                entry.serial,
                *([entry.note] if shows_note else []),
                *([entry.installer.name if entry.installer else ""] if shows_installer else []),
                entry.get_status_display(),
                ", ".join(device.place for device in places[entry.pk]),
                ", ".join(device.site.name for device in places[entry.pk]),
            ]
