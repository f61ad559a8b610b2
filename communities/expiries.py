"""The state of entitlements by day, read from the summary `ExpiryDay`; folding its rows; verifying it.

Tiles, calendars and lists use the same conditions by day. A day is the date at the site, and "today" the reader's date: what ends today has
not lapsed before tomorrow. Pages of one site read the entitlements themselves, which have the exact instant; the head of these pages reads
the summary where the result is the same (`communities.site_status`).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import reduce

from django.db import connection, transaction
from django.db.models import Max, Q, Sum

from accounts.fences import Budget
from communities import catalogue
from communities.expiry_triggers import COLUMNS, DAYS, READ, groups_sql, site_sql
from communities.models import ExpiryDay
from communities.models.expiries import Stage

AT_ONCE = 1000  # fresh rows folded in one transaction
FOLDING = 0x0F01D  # advisory lock of the folding process, held until its transaction ends


def graces() -> dict[int, list[str]]:
    """The service types by the days of their grace."""
    found: dict[int, list[str]] = {}
    for entry in catalogue.ENTRIES:
        found.setdefault(entry.grace.days, []).append(entry.code)
    return found


def in_force(today: date) -> Q:
    """Paid on this day, grace included."""
    return reduce(
        operator.or_, (Q(service_type__in=codes, day__gte=today - timedelta(days=n)) for n, codes in graces().items())
    )


def lapsed(today: date) -> Q:
    """Was paid before, and its grace is over."""
    return reduce(
        operator.or_, (Q(service_type__in=codes, day__lt=today - timedelta(days=n)) for n, codes in graces().items())
    )


def due(today: date, last: date) -> Q:
    """In grace, or ending up to the day `last`. Written as a range of days minus what has no grace left, and not with `in_force`, so that
    the index has bounds and the planner can estimate the number of rows."""
    longest = max(graces())
    return reduce(
        operator.and_,
        (~Q(service_type__in=codes, day__lt=today - timedelta(days=n)) for n, codes in graces().items() if n < longest),
        Q(day__gte=today - timedelta(days=longest), day__lte=last),
    )


# --- folding ------------------------------------------------------------------------------------------------------------


def fold(*, now: datetime | None = None, budget: Budget | None = None) -> int:
    """Fold fresh rows into those of their sites and installers, in batches. Returns how many there were."""
    folded = 0
    while budget is None or not budget.is_over:
        some = _fold_some()
        folded += some
        if some < AT_ONCE:
            break
    return folded


@transaction.atomic
def _fold_some() -> int:
    """Fold one batch. Only one process folds at a time: two would both add the same folded rows, which then count twice. Writers only
    insert, so they never wait."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLDING])
    fresh = ExpiryDay.objects.filter(stage=Stage.FRESH)
    rows = list(
        fresh.order_by("pk")
        .select_for_update(of=("self",), no_key=True)
        .values_list("pk", "site_id", "installer_id", "day")[:AT_ONCE]
    )
    if not rows:
        return 0
    ids = [row[0] for row in rows]
    days = Q(day__in={row[3] for row in rows} - {None})
    if any(row[3] is None for row in rows):
        days |= Q(day=None)
    for stage, key, owners in (
        (Stage.SITE, "site_id", {row[1] for row in rows}),
        (Stage.FIRM, "installer_id", {row[2] for row in rows}),
    ):
        of_owners = days & Q(stage=stage, **{f"{key}__in": owners})
        last = ExpiryDay.objects.filter(stage__in=[Stage.SITE, Stage.FIRM]).aggregate(last=Max("pk"))["last"] or 0
        kept = [name for name in COLUMNS if stage == Stage.SITE or name != "site_id"]
        found = ExpiryDay.objects.filter(Q(pk__in=ids) | of_owners).order_by().values(*kept)
        ExpiryDay.objects.bulk_create(
            ExpiryDay(stage=stage, **row) for row in found.annotate(count=Sum("count")).exclude(count=0)
        )
        ExpiryDay.objects.filter(of_owners, pk__lte=last).delete()
    fresh.filter(pk__in=ids).delete()
    return len(ids)


# --- whether it is right ------------------------------------------------------------------------------------------------


def faults() -> Iterator[tuple[str, int, int]]:
    """Groups for which the summary has another number than there are entitlements, apartments or sites: (group, summary, counted), by site
    and by installer. One statement each, so each sees one instant."""
    vendor, named = connection.vendor, ", ".join(COLUMNS)
    truth = " UNION ALL ".join(
        f"SELECT {groups_sql(vendor, table, 'item')}, 0, 1 FROM {table} item JOIN {site_sql(table, 'item')}"  # noqa: S608  (names of ours)
        for table in READ
    )
    for stage, columns in ((Stage.SITE, COLUMNS), (Stage.FIRM, COLUMNS[1:])):
        grouped = ", ".join(columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {grouped}, sum(said), sum(counted) FROM ("  # noqa: S608  (as above)
                f"SELECT {named}, count AS said, 0 AS counted FROM {DAYS} WHERE stage IN (0, {int(stage)}) UNION ALL {truth}"
                f") found GROUP BY {grouped} HAVING sum(said) <> sum(counted) ORDER BY {grouped}"
            )
            for *group, said, counted in cursor:
                which = ", ".join(
                    f"{name} {value}" for name, value in zip(columns, group, strict=True) if value not in {None, ""}
                )
                yield which, int(said), int(counted)
