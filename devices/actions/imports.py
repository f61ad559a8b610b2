"""Imports of apartments with residents and monitors: checked first, corrected, then written in sets, as often as one likes (R17, R79)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import fences
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import LongJob
from accounts.scope import Actor
from accounts.typed import text
from communities.actions.sites import may_configure
from communities.models import ApartmentImport, ImportRow, Kind, Site, keys_of
from devices.actions.import_checks import check
from devices.import_verdicts import Result, Verdict
from devices.imported import CELLS, Decision, Line

DELETED_AT_ONCE = 20
WRITABLE = (Result.NEW, Result.CHANGED, Result.UNCHANGED)


def lines_in(rows: Sequence[ImportRow]) -> list[Line]:
    """Stored rows as the check takes them."""
    return [Line(row.number, row.cells, frozenset(row.decisions)) for row in rows]


@transaction.atomic
def start_import(
    actor: Actor, *, site_id: int, name: str, size: int, columns: Sequence[str], lines: Sequence[Line], language: str, now: datetime
) -> ApartmentImport:  # fmt: skip
    """Keep the rows of a file with what each would do. Nothing of it is written into the site. Refuses a file without rows, and sites that
    have no apartments. A few statements, however many rows."""
    if not may_configure(actor):
        raise NotPermitted
    site = Site.objects.visible_to(actor).get(pk=site_id, kind=Kind.COMMUNITY)
    if not lines:
        raise Refused(_("There are no rows below the head."), field="file")
    made = ApartmentImport.objects.create(
        **keys_of(site), name=name[:200], size=size, columns=[cell for cell in columns if cell], language=language,
        created_by_id=actor.user_id, created_at=now, changed_at=now,
    )  # fmt: skip
    verdicts = check(actor, site, lines)
    ImportRow.objects.bulk_create((_row(made, line, verdicts[line.number]) for line in lines), batch_size=1000)
    return made


def _row(of: ApartmentImport, line: Line, verdict: Verdict) -> ImportRow:
    row = ImportRow(of=of, number=line.number, cells=dict(line.cells), decisions=sorted(line.decisions))
    _say(row, verdict)
    return row


def _say(row: ImportRow, verdict: Verdict) -> bool:
    """Write what the check says into a row; whether anything is another now."""
    was = (row.result, row.problems, row.ways, row.told)
    row.result, row.problems = verdict.result, verdict.problems
    row.ways, row.told = [list(way) for way in verdict.ways], ", ".join(verdict.told)[:200]
    return was != (row.result, row.problems, row.ways, row.told)


@transaction.atomic
def correct_import(
    actor: Actor,
    *,
    import_id: int,
    cells: Mapping[int, Mapping[str, str]],
    way: tuple[int, int] | None = None,
    takes_all: bool = False,
    now: datetime,
) -> ApartmentImport:
    """Write corrected cells into the rows of an import that is not begun, take one way out (the row's number and the way's place) or every
    suggestion that is the only one of its cell, and check again. Locks the import. Conflict where it has begun."""
    made = _lock(actor, import_id)
    rows = list(ImportRow.objects.filter(of=made).order_by("number"))
    before = {row.number: (dict(row.cells), list(row.decisions)) for row in rows}
    for row in rows:
        typed = {cell: value for cell, value in cells.get(row.number, {}).items() if cell in CELLS}
        row.cells = {cell: value for cell, value in {**row.cells, **typed}.items() if text.line(value)}
        if way is not None and way[0] == row.number and way[1] < len(row.ways):
            _take(row, row.ways[way[1]])
        elif takes_all:
            for each in [each for each in row.ways if each[0] == Decision.USE]:
                _take(row, each)
    changed = {row.number for row in rows if before[row.number] != (row.cells, row.decisions)}
    verdicts = check(actor, made.site, lines_in(rows))
    told = [row for row in rows if _say(row, verdicts[row.number]) or row.number in changed]
    ImportRow.objects.bulk_update(told, ["cells", "decisions", "result", "problems", "ways", "told"], batch_size=500)
    ApartmentImport.objects.filter(pk=made.pk).update(changed_at=now)
    return made


def _take(row: ImportRow, way: Sequence[str]) -> None:
    decision, _label, cell, value = way
    if decision != Decision.USE:
        row.decisions = sorted({*row.decisions, decision})
    elif value:
        row.cells = {**row.cells, cell: value}
    else:  # without resident
        row.cells = {name: typed for name, typed in row.cells.items() if name not in {"master", "email", "mobile"}}


@transaction.atomic
def begin_import(actor: Actor, *, import_id: int, only_good: bool, now: datetime) -> int:
    """Take the good rows for writing; returns how many. From now on nobody changes the import. Refuses while rows are to be corrected, unless
    `only_good`: these are left out. Locks the import; Conflict where it has begun."""
    made = _lock(actor, import_id)
    rows = ImportRow.objects.filter(of=made)
    if not only_good and rows.filter(result=Result.WRONG).exists():
        raise Refused(_("Some rows are still to be corrected."))
    count = rows.filter(result__in=WRITABLE).count()
    if not count:
        raise Refused(_("There is no row that can be imported."))
    ApartmentImport.objects.filter(pk=made.pk).update(started_at=now, changed_at=now)
    return count


@transaction.atomic
def discard_import(actor: Actor, *, import_id: int, now: datetime) -> None:
    """Delete an import that has not begun, with the names and addresses in it. Locks it; Conflict where it has begun."""
    _lock(actor, import_id).delete()


def _lock(actor: Actor, import_id: int) -> ApartmentImport:
    if not may_configure(actor):
        raise NotPermitted
    rows = ApartmentImport.objects.visible_to(actor).select_related("site")
    made = rows.select_for_update(of=("self",), no_key=True).get(pk=import_id)
    if made.started_at is not None:
        raise Conflict(_("This import has begun already."))
    return made


def numbers_to_write(actor: Actor, import_id: int) -> Collection[int]:
    """The numbers of the rows that were taken and are not written yet."""
    rows = ImportRow.objects.visible_to(actor).filter(of=import_id, is_written=False, result__in=WRITABLE)
    return list(rows.order_by("number").values_list("number", flat=True))


def forget_old(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Delete imports whose last change is older than the days of the setting, with the names and addresses in them, unless their job is open.
    In batches; returns how many."""
    before, deleted = now - timedelta(days=settings.LONG_JOBS_KEPT_DAYS), 0
    while budget is None or not budget.is_over:
        with transaction.atomic():
            old = ApartmentImport.objects.filter(changed_at__lt=before).exclude(
                job__finished_at=None, job__isnull=False
            )
            old = old.select_for_update(no_key=True, skip_locked=True, of=("self",)).order_by("pk")
            ids = list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])
            ApartmentImport.objects.filter(pk__in=ids).delete()
        deleted += len(ids)
        if len(ids) < DELETED_AT_ONCE:
            break
    return deleted


@transaction.atomic
def note_job(actor: Actor, *, import_id: int, job: LongJob, now: datetime) -> None:
    """Write down which job writes an import, so that its page leads there. The caller has begun it."""
    if not may_configure(actor):
        raise NotPermitted
    ApartmentImport.objects.visible_to(actor).filter(pk=import_id).update(job=job, changed_at=now)
