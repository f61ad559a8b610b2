"""The distributor's MAC library: adding, assigning, retiring."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import Actor, Role
from accounts.typed import text
from devices import audit_sentences, catalogue, mac
from devices.actions.checks import maker_warnings
from devices.catalogue import DeviceType
from devices.errors import AlreadyInLibrary, DuplicateMac, EntryInUse, LibraryRowsRefused, TypeDisagrees, UnknownModel
from devices.models import Device, LibraryEntry, Status

LENGTHS = {"serial": 64, "note": 200}
AUDITED = ["status", "installer_id"]
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
CHUNK = 1000  # rows in one statement, because SQLite limits the number of parameters
LIBRARY_ADDED = audit.Word(
    "library.added",
    gettext_lazy("MAC addresses added to the library"),
    area=audit.Area.DEVICES,
    tells=audit_sentences.added,
    effect=audit_sentences.how_many,
)
ENTRY_ADDED = audit.Word(
    "library.entry_added",
    gettext_lazy("MAC address added to the library"),
    gettext_lazy("%(what)s added to the library"),
    area=audit.Area.DEVICES,
)
ENTRY_ASSIGNED = audit.Word(
    "library.assigned",
    gettext_lazy("MAC address assigned to an installer"),
    gettext_lazy("%(what)s assigned to an installer"),
    area=audit.Area.DEVICES,
    saves=True,
)
ENTRY_RETIRED = audit.Word(
    "library.retired",
    gettext_lazy("MAC address retired from the library"),
    gettext_lazy("%(what)s retired from the MAC library"),
    area=audit.Area.DEVICES,
    saves=True,
)


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """One row of a list for the library, as typed. `type` may be left out where the model determines it."""

    mac: str
    model: str = ""
    serial: str = ""
    note: str = ""
    type: str = ""
    confirmed: bool = False  # "yes, this is another maker's MAC" (R71)


@transaction.atomic
def add_to_library(
    actor: Actor, *, macs: Sequence[LibraryRow], installer_id: int | None = None, now: datetime
) -> list[LibraryEntry]:
    """Add MACs to the actor's own library, in stock or assigned to one of its installers; all rows or none (R2, R72).

    Raises LibraryRowsRefused with the error of every wrong row. Inserts in batches, not row by row.
    """
    _refuse_others(actor)
    if not macs:
        raise Refused(_("Enter at least one MAC address."), field="rows")
    distributor = Organization.objects.visible_to(actor).get(pk=actor.organization_id or 0)
    installer = _installer(actor, installer_id)
    entries, row_by_mac, errors = _read(macs)
    for entry in entries:
        entry.distributor, entry.created_at = distributor, now
        _assign(entry, installer)
    errors |= _already_there(distributor, row_by_mac)
    if errors:
        raise LibraryRowsRefused(errors)
    try:
        with transaction.atomic():
            # Inserted in the order of the MACs, so that two lists with common rows wait for each other instead of deadlocking.
            in_order = sorted(entries, key=lambda entry: entry.mac)
            LibraryEntry.objects.bulk_create(in_order, batch_size=CHUNK)
    except IntegrityError:  # another transaction added one of them at this moment
        raise LibraryRowsRefused(_already_there(distributor, row_by_mac)) from None
    told = audit.record(
        actor,
        LIBRARY_ADDED,
        distributor,
        now=now,
        tenant=installer or distributor,
        after={"macs": len(entries), "installer_id": installer_id},
    )
    audit.record_all(
        audit.event(actor, ENTRY_ADDED, entry, now=now, tenant=entry, batch=told, after=audit.fields_of(entry, AUDITED))
        for entry in entries
    )
    return entries


def _read(rows: Sequence[LibraryRow]) -> tuple[list[LibraryEntry], dict[int, int], dict[int, Refused]]:
    """The entries of the rows, the row of each MAC, and the error of each wrong row."""
    errors: dict[int, Refused] = {}
    entries: list[LibraryEntry] = []
    row_by_mac: dict[int, int] = {}
    for index, row in enumerate(rows):
        try:
            entry = _entry(row)
            first = row_by_mac.setdefault(entry.mac, index)
            if first != index:
                raise DuplicateMac(_("Row %(n)s has the same MAC.") % {"n": first + 1})
        except Refused as refusal:
            errors[index] = refusal
            continue
        entries.append(entry)
    return entries, row_by_mac, errors


@transaction.atomic
def assign_library_entry(
    actor: Actor, *, entry_id: int, installer_id: int | None, version: int, now: datetime
) -> LibraryEntry:
    """Assign a MAC to one installer of the subtree, or put it back in stock (None); a retired one returns to service.

    Refuses an entry in use (R72). Conflict for an old `version`.
    """
    entry = _lock(actor, entry_id, version)
    installer = _installer(actor, installer_id)
    before = audit.fields_of(entry, AUDITED)
    _assign(entry, installer)
    return _save(actor, entry, ENTRY_ASSIGNED, before=before, now=now)


@transaction.atomic
def retire_library_entry(actor: Actor, *, entry_id: int, version: int, now: datetime) -> LibraryEntry:
    """Retire a MAC: it can't be registered any more. Refuses an entry in use (R72). Conflict for an old `version`."""
    entry = _lock(actor, entry_id, version)
    before = audit.fields_of(entry, AUDITED)
    entry.status = Status.RETIRED
    return _save(actor, entry, ENTRY_RETIRED, before=before, now=now)


def _refuse_others(actor: Actor) -> None:
    if actor.role is not Role.DISTRIBUTOR:
        raise NotPermitted(_("The MAC library is the distributor's."))


def _installer(actor: Actor, installer_id: int | None) -> Organization | None:
    if installer_id is None:
        return None
    return Organization.objects.visible_to(actor).installers().get(pk=installer_id)


def _assign(entry: LibraryEntry, installer: Organization | None) -> None:
    entry.installer = installer
    entry.subdistributor_id = installer.subdistributor_id if installer else None
    entry.status = Status.ASSIGNED if installer else Status.IN_STOCK


def _lock(actor: Actor, entry_id: int, version: int) -> LibraryEntry:
    _refuse_others(actor)
    entry = LibraryEntry.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=entry_id)
    if entry.version != version:
        raise Conflict
    if entry.status == Status.REGISTERED or Device.objects.active().filter(library_entry=entry).exists():
        raise EntryInUse(
            _("%(mac)s is in use. It can be changed when its device has been removed or swapped.") % {"mac": entry}
        )
    return entry


def _save(
    actor: Actor, entry: LibraryEntry, word: audit.Word, *, before: dict[str, object], now: datetime
) -> LibraryEntry:
    entry.version += 1
    entry.save()
    audit.record(actor, word, entry, now=now, tenant=entry, before=before, after=audit.fields_of(entry, AUDITED))
    return entry


def _entry(row: LibraryRow) -> LibraryEntry:
    """The entry of a row, checked without the database."""
    address = mac.parse(row.mac)
    maker_warnings(address, confirmed=row.confirmed)
    texts = {"serial": text.code(row.serial), "note": text.line(row.note)}
    for field, length in LENGTHS.items():
        if len(texts[field]) > length:
            raise Refused(_("This is longer than %(n)s characters.") % {"n": length}, field=field)
    if _ROUNDED.fullmatch(texts["serial"]):
        raise Refused(
            _(
                "A spreadsheet made a number of this serial number, and its last digits are lost. Make the column text "
                "there, or read the label."
            ),
            field="serial",
        )
    model, type = _model_and_type(row)
    return LibraryEntry(mac=address.value, model=model, type=type.value, **texts)


def _model_and_type(row: LibraryRow) -> tuple[str, DeviceType]:
    wanted, typed = text.code(row.type), text.code(row.model)
    if wanted and wanted not in catalogue.TYPE_LABELS:
        raise Refused(_("There is no device type “%(type)s”.") % {"type": wanted}, field="type")
    if not typed:
        if not wanted:
            raise Refused(_("Choose a model, or at least the type of the device."), field="type")
        return "", DeviceType(wanted)
    model, type = catalogue.canonical(typed), catalogue.type_of(typed)
    if model is None or type is None:
        raise UnknownModel(_("There is no model “%(model)s” in the list.") % {"model": typed})
    if wanted and wanted != type:
        raise TypeDisagrees(
            _("%(model)s is another device: %(type)s.") % {"model": model, "type": catalogue.TYPE_LABELS[type]}
        )
    return model, type


def _already_there(distributor: Organization, row_by_mac: dict[int, int]) -> dict[int, Refused]:
    """The rows whose MAC is in the library already."""
    wanted = list(row_by_mac)
    library = LibraryEntry.objects.filter(distributor=distributor).only("mac", "status")
    return {
        row_by_mac[entry.mac]: AlreadyInLibrary(
            _("%(mac)s is already in your library: %(status)s.") % {"mac": entry, "status": entry.get_status_display()}
        )
        for start in range(0, len(wanted), CHUNK)
        for entry in library.filter(mac__in=wanted[start : start + CHUNK])
    }
