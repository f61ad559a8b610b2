"""The list of the MAC library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import TextField, Value
from django.db.models.functions import Coalesce
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Actor, Role
from devices import reports
from devices.models import Device, LibraryEntry, Status
from smartplus import access
from smartplus.portal.kit.lists import Column, Filter, List, Search, options
from smartplus.portal.library import exports as library_files
from smartplus.portal.library import rows as library_rows
from smartplus.portal.library.queries import reads_notes

LIBRARY = List(
    title=gettext_lazy("MAC Library"),
    columns=(
        Column("added", keys=["pk"]),
        Column("mac", gettext_lazy("MAC"), keys=["mac"]),
        Column("model", gettext_lazy("Model"), keys=["model_order", "mac"]),
        Column("serial", gettext_lazy("Serial number"), keys=["serial_order", "mac"], css="col-960"),
        Column(
            "installer",
            gettext_lazy("Installer"),
            keys=["installer_order", "mac"],
            annotations=lambda _actor: {
                "installer_order": Coalesce("installer__name_order", Value(""), output_field=TextField())
            },
            css="col-760",
        ),
        Column("status", gettext_lazy("Status"), keys=["status", "mac"]),
        Column("where", gettext_lazy("Where")),
        Column("do", gettext_lazy("Actions"), is_silent=True),
    ),
    own="-added",
    search=Search(
        gettext_lazy("Search the library"),
        gettext_lazy("MAC, serial number or model"),
        lambda entries, text, actor: reports.searched_library(entries, text, reads_notes=reads_notes(actor)),
    ),
    filters=(Filter("status", options("status", Status)),),
    layout="library/base.html",
    table="two-line cards macs-t",
    has_file=True,
)
# columns that rows need; the tables have many more
SHOWN = ("mac", "model", "type", "serial", "status", "version", "installer__name")
PLACED = (
    "library_entry",
    "equipment",
    "site__name",
    "building__name",
    "apartment__number",
    "apartment__building__name",
)


@access.roles(Role.OPERATOR, Role.DISTRIBUTOR, Role.INSTALLER, Role.TECHNICIAN)
@require_safe
def library_list(request: access.PortalRequest) -> HttpResponseBase:
    """The visible MACs, the newest first; with `format=csv` or `xlsx` all of them as a file."""
    actor = request.actor
    may_keep, shows_installer = reads_notes(actor), actor.role in {Role.OPERATOR, Role.DISTRIBUTOR}
    hidden = {"installer": not shows_installer, "do": not may_keep}
    listing = LIBRARY.asked(request, hidden=[name for name, is_so in hidden.items() if is_so])
    entries = listing.narrowed(LibraryEntry.objects.visible_to(actor).select_related("installer"))
    if listing.file:
        shown = {"shows_installer": shows_installer, "shows_note": may_keep}
        lines = library_files.rows(listing.sorted(entries), lambda some: places_of(actor, some), **shown)
        return listing.answer("mac-library", library_files.columns(**shown), lines, of=entries)
    page = listing.page(entries, only=SHOWN)
    places = places_of(actor, page.rows)
    cells = library_rows.cells(page.rows, places, may_keep=may_keep, shows_installer=shows_installer)
    return render(request, "library/list.html", {**listing.context(page, cells), "may_keep": may_keep})


def places_of(actor: Actor, entries: Iterable[LibraryEntry]) -> Mapping[int, Sequence[Device]]:
    """The active devices with the MACs of these entries, by the ids of the entries; one statement."""
    found: dict[int, list[Device]] = {entry.pk: [] for entry in entries}
    devices = Device.objects.visible_to(actor).active().select_related("site", "building", "apartment__building")
    for device in devices.filter(library_entry__in=found).only(*PLACED) if found else ():
        found[device.library_entry_id or 0].append(device)
    return found
