"""Writing some rows of an import: one transaction, in sets; what changed since the check is found and left out (R79)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed.columns import keys_of_model
from communities.actions.apartments import APARTMENT_CHANGED, APARTMENT_CREATED, AUDITED, inherited
from communities.actions.entitlements import sync_site
from communities.actions.residents import RESIDENT_ADDED
from communities.actions.sites import lock_site, may_configure
from communities.actions.targets import made_for, relabel
from communities.models import Apartment, ApartmentImport, Building, ImportRow, Resident, Site, keys_of
from devices import audit_sentences
from devices.actions.import_checks import check, monitor_of
from devices.actions.imports import lines_in
from devices.actions.many import register_many
from devices.actions.registration import lock_entries
from devices.import_verdicts import Result, Verdict
from devices.imported import Line

FEW = 500  # apartments; of more the whole site's entitlements are compared with its configuration
APARTMENTS_IMPORTED = audit.Word(
    "site.apartments_imported",
    gettext_lazy("Apartments imported"),
    area=audit.Area.SERVICES,
    saves=True,
    tells=audit_sentences.imported,
)


@dataclass(slots=True)
class Written:
    """What came of some rows: how many are new, changed, unchanged, and the sentences of those that could not be written, by their number."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: dict[int, tuple[str, str]] = field(default_factory=dict)  # label and reason


@transaction.atomic
def write_rows(actor: Actor, *, import_id: int, numbers: Collection[int], now: datetime) -> Written:
    """Write these rows of an import that has begun: new apartments with residents and monitors, and what is new at apartments that are there.
    Rows that do something else now than the check said are refused with the reason; the others are written. Rows that are written already are
    skipped. Locks: import → site → MACs of the library. Some thirty statements and one more for each thousand rows of the audit."""
    if not may_configure(actor):
        raise NotPermitted
    made = ApartmentImport.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).get(pk=import_id)
    site = lock_site(actor, made.site_id)
    rows = list(ImportRow.objects.filter(of=made, number__in=numbers, is_written=False).order_by("number"))
    lines = {line.number: line for line in lines_in(rows)}
    lock_entries(site, texts=[line.of("mac") for line in lines.values()])
    verdicts = check(actor, site, list(lines.values()))
    result = Written()
    for row in rows:
        verdict = verdicts[row.number]
        if verdict.result is Result.WRONG:
            reason = "; ".join(verdict.problems.values())
            result.failed[row.number] = (_label(lines[row.number]), reason)
    whole = _event(actor, made, site, now)
    apartments = _write_new(actor, site, made, whole, lines, verdicts, now)
    apartments |= _write_changes(actor, site, made, whole, verdicts, now)
    added = {number: monitor_of(lines[number]) for number in apartments if verdicts[number].adds_monitor}
    if added:
        register_many(actor, site=site, apartments=apartments, entries=added, batch=whole, now=now)
    touched = [row.pk for row in apartments.values()]
    if touched:
        sync_site(site, apartment_ids=touched if len(touched) <= FEW else None)
    _mark(rows, verdicts, apartments, result)
    return result


def _label(line: Line) -> str:
    return " ".join(filter(None, (line.of("building"), line.of("number"), line.of("master")))) or f"{line.number}"


def _event(actor: Actor, made: ApartmentImport, site: Site, now: datetime) -> AuditEvent:
    """The audit's row of the whole import, written with its first rows."""
    if made.event_id:
        return AuditEvent.objects.get(pk=made.event_id)
    count = ImportRow.objects.filter(of=made, result__in=[Result.NEW, Result.CHANGED, Result.UNCHANGED]).count()
    event = audit.record(
        actor, APARTMENTS_IMPORTED, made, now=now, tenant=site, site_id=site.pk, label=site.name,
        after={"file": made.name, "count": count},
    )  # fmt: skip
    ApartmentImport.objects.filter(pk=made.pk).update(event_id=event.pk)
    return event


def _write_new(
    actor: Actor,
    site: Site,
    made: ApartmentImport,
    whole: AuditEvent,
    lines: Mapping[int, Line],
    verdicts: Mapping[int, Verdict],
    now: datetime,
) -> dict[int, Apartment]:
    new = {number: verdict for number, verdict in verdicts.items() if verdict.result is Result.NEW}
    if not new:
        return {}
    houses = Building.objects.in_bulk({verdict.building_id for verdict in new.values()})
    keys, switches = keys_of(site), inherited(site)
    found = {
        number: Apartment(
            **keys, building=houses[verdict.building_id], floor=verdict.values["floor"], number=verdict.values["number"],
            name=verdict.values["name"], monitor_pending=verdict.is_pending, created_at=now, **switches,
        )
        for number, verdict in new.items()
    }  # fmt: skip
    Apartment.objects.bulk_create(made_for(list(found.values())))
    audit.record_all(
        audit.event(
            actor, APARTMENT_CREATED, row, now=now, tenant=site, site_id=site.pk, batch=whole,
            after={"building": row.building.name, **audit.fields_of(row, AUDITED)},
        )
        for row in found.values()
    )  # fmt: skip
    _add_masters(actor, site, made, whole, {number: (found[number], verdicts[number]) for number in found}, now)
    return found


def _write_changes(
    actor: Actor, site: Site, made: ApartmentImport, whole: AuditEvent, verdicts: Mapping[int, Verdict], now: datetime
) -> dict[int, Apartment]:
    changing = {number: verdict for number, verdict in verdicts.items() if verdict.result is Result.CHANGED}
    ids = {number: verdict.flat.pk for number, verdict in changing.items() if verdict.flat}
    locked = Apartment.objects.filter(pk__in=ids.values()).order_by("pk").select_for_update(of=("self",), no_key=True)
    there = {row.pk: row for row in locked.select_related("building")} if ids else {}
    found = {number: there[pk] for number, pk in ids.items()}
    before = {number: audit.fields_of(row, AUDITED) for number, row in found.items()}
    for number, row in found.items():
        verdict = changing[number]
        row.floor, row.name = verdict.values["floor"], verdict.values["name"] or row.name
        row.monitor_pending = row.monitor_pending and not verdict.adds_monitor
    edited = {number: row for number, row in found.items() if before[number] != audit.fields_of(row, AUDITED)}
    _save(list(edited.values()))
    if edited:
        relabel(site, apartment_ids=[row.pk for row in edited.values()])
    audit.record_all(
        audit.event(
            actor, APARTMENT_CHANGED, row, now=now, tenant=site, site_id=site.pk, batch=whole,
            before=before[number], after=audit.fields_of(row, AUDITED),
        )
        for number, row in edited.items()
    )  # fmt: skip
    _add_masters(actor, site, made, whole, {number: (row, verdicts[number]) for number, row in found.items()}, now)
    return found


def _save(rows: Sequence[Apartment]) -> None:
    """Save floor, name and whether it waits for a monitor, with the keys of these columns; one statement."""
    columns = ["floor", "name", "monitor_pending"]
    keys = [column for column in keys_of_model(Apartment) if {*columns}.intersection(column.sources)]
    for row in rows:
        for key in keys:
            key.pre_save(row, False)
    if rows:
        Apartment.objects.bulk_update(rows, [*columns, *(key.name for key in keys)])
        Apartment.objects.filter(pk__in=[row.pk for row in rows]).update(version=F("version") + 1)


def _add_masters(
    actor: Actor,
    site: Site,
    made: ApartmentImport,
    whole: AuditEvent,
    found: Mapping[int, tuple[Apartment, Verdict]],
    now: datetime,
) -> None:
    rows = Resident.objects.bulk_create(
        Resident(
            **keys_of(site), apartment=apartment, name=verdict.values["master"], email=verdict.values["email"],
            mobile=verdict.values["mobile"], language=made.language, is_master=True, created_at=now,
        )
        for apartment, verdict in found.values()
        if verdict.adds_master
    )  # fmt: skip
    audit.record_all(
        audit.event(
            actor, RESIDENT_ADDED, row, now=now, tenant=site, site_id=site.pk, batch=whole, after={"master": True},
            label=str(row.apartment),
        )
        for row in rows
    )  # fmt: skip


def _mark(
    rows: Sequence[ImportRow], verdicts: Mapping[int, Verdict], apartments: Mapping[int, Apartment], result: Written
) -> None:
    """Note what was done in the rows, and count it."""
    for row in rows:
        verdict = verdicts[row.number]
        row.is_written, row.told = True, ", ".join(verdict.told)[:200]
        if row.number in result.failed:
            row.result, row.problems, row.ways = Result.FAILED, verdict.problems, []
            continue
        row.result, row.problems, row.ways = verdict.result, {}, []
        flat = apartments.get(row.number)
        row.apartment_id = flat.pk if flat else verdict.flat.pk if verdict.flat else None
        result.new += verdict.result is Result.NEW
        result.changed += verdict.result is Result.CHANGED
        result.unchanged += verdict.result is Result.UNCHANGED
    ImportRow.objects.bulk_update(
        rows, ["is_written", "told", "result", "problems", "ways", "apartment"], batch_size=500
    )
