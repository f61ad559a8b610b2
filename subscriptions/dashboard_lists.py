"""The lists behind the numbers of a dashboard: each line is a group of like items at one site; read a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum

from accounts.scope import Actor
from communities import catalogue
from communities.models import Apartment, ExpiryDay, Mode, Site
from devices import reports as device_reports
from subscriptions.cycles import total_of
from subscriptions.prices import PriceTable, Product
from subscriptions.summary import HORIZON, PRODUCT, SOON, What, alive_on, narrowed, today_of, worth_of

# The order of lines with the same day
ORDER = ("site__name_order", "site_id", "service_type", "renewed", "paid_variant", "mode")


class Place(NamedTuple):
    """The sort key of a line; lines without a day come last."""

    day: date | None
    name_order: str
    site_id: int
    service_type: str
    variant: str
    paid_variant: str
    mode: str


@dataclass(frozen=True, slots=True)
class SiteLine(catalogue.Labelled):
    """Like items at one site. `day` is the first day on which some of them end, None if never activated; `amount_minor` as in `worth_of`."""

    site_id: int
    site_name: str
    name_order: str
    zone: str
    installer_name: str
    service_type: str
    variant: str
    paid_variant: str
    mode: Mode
    count: int
    day: date | None
    amount_minor: int | None
    is_in_force: bool = True

    @property
    def place(self) -> Place:
        """The sort key in its list."""
        names = (self.service_type, self.variant, self.paid_variant, self.mode.value)
        return Place(self.day, self.name_order, self.site_id, *names)

    @property
    def ends_at(self) -> datetime | None:
        """The end of that day at the site."""
        return datetime.combine(self.day, time.max, ZoneInfo(self.zone)) if self.day else None

    @property
    def works_until(self) -> datetime | None:
        """The end of the grace."""
        return catalogue.works_until(self.service_type, self.ends_at)

    @property
    def renews(self) -> bool:
        """Whether auto-renewals renew them."""
        return self.mode is Mode.AUTO

    @property
    def unpaid_labels(self) -> list[str]:
        """What is on and not paid for."""
        parts = catalogue.uncovered(self.service_type, self.variant, self.paid_variant, is_in_force=self.is_in_force)
        return catalogue.part_labels(self.service_type, parts)

    @property
    def unused_labels(self) -> list[str]:
        """What is paid for and not on."""
        parts = catalogue.unused(self.service_type, self.variant, self.paid_variant) if self.is_in_force else ()
        return catalogue.part_labels(self.service_type, parts)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list shows: items that end on these days at their sites (both included), or all that `what` means. For a range up to today in
    `zone`, earlier ends that are in grace are due too."""

    what: What
    now: datetime
    zone: tzinfo | None
    prices: PriceTable | None
    days: tuple[date, date] | None = None

    @property
    def today(self) -> date:
        """The reader's day."""
        return today_of(self.now, self.zone)

    def narrow(self, rows: QuerySet[ExpiryDay]) -> QuerySet[ExpiryDay]:
        """The rows of the summary that belong to the list, with `alive`: in force."""
        first, last = None, self.today + SOON
        if self.what is What.DUE and self.days:
            first = self.days[0] if self.days[0] > self.today else None
            last = min(self.days[1], self.today + HORIZON)
        return narrowed(rows, self.what, self.today, last, first).order_by().annotate(alive=alive_on(self.today))

    def keeps(self, service_type: str, variant: str, paid_variant: str, *, is_in_force: bool) -> bool:
        """Whether like items belong to the list; the database can't compare the parts of variants."""
        if self.what is What.UNPAID:
            return bool(catalogue.uncovered(service_type, variant, paid_variant, is_in_force=is_in_force))
        return self.what is not What.UNUSED or bool(catalogue.unused(service_type, variant, paid_variant))


@dataclass(frozen=True, slots=True)
class Summed:
    """The totals of a list: number of items, price, and its kinds: (service type, variant, paid variant, whether in force)."""

    count: int
    amount_minor: int | None
    kinds: frozenset[tuple[str, str, str, bool]]


def sum_of(actor: Actor, asked: Asked) -> Summed:
    """The totals of a list; one statement, over rows of installers where the actor sees those."""
    rows = [
        row
        for row in asked.narrow(ExpiryDay.objects.visible_to(actor))
        .values_list(*PRODUCT, "paid_variant", "alive")
        .annotate(n=Sum("count"))
        .exclude(n=0)
        if asked.keeps(row[0], row[1], row[4], is_in_force=row[5])
    ]
    amounts = worth_of(asked.what, [(Product(*row[:4]), *row[4:]) for row in rows], asked.prices, asked.now)
    return Summed(
        sum(row[-1] for row in rows), total_of(amounts), frozenset((row[0], row[1], row[4], row[5]) for row in rows)
    )


def lines_of(
    actor: Actor,
    what: What,
    *,
    now: datetime,
    zone: tzinfo,
    prices: PriceTable | None,
    days: tuple[date, date] | None = None,
) -> list[SiteLine]:
    """All items behind a number, grouped by site and service, the first end first."""
    asked = Asked(what, now, zone, prices, days)
    return page_of(actor, asked, sum_of(actor, asked))


def page_of(
    actor: Actor, asked: Asked, summed: Summed, *, after: Place | None = None, limit: int | None = None
) -> list[SiteLine]:
    """A page of lines that come after `after`. A site that moves to another tenant meanwhile is left out."""
    if not summed.kinds:
        return []
    whole = _groups(actor, asked, summed)
    counted = _by_first_day(whole) if limit is None else _walked(actor, asked, summed, after, limit)
    sites = Site.objects.visible_to(actor).select_related("installer").in_bulk({row[0] for row in counted})
    found = [row for row in counted if row[0] in sites]
    if limit is None:  # a page that was walked is in order already
        found.sort(key=lambda row: (row[9] or date.max, sites[row[0]].name_order, row[0], row[1], row[2], *row[5:7]))
    amounts = worth_of(
        asked.what, [(Product(*row[1:5]), row[5], row[7], row[8]) for row in found], asked.prices, asked.now
    )
    return [
        SiteLine(
            site_id=row[0],
            site_name=sites[row[0]].name,
            name_order=sites[row[0]].name_order,
            zone=sites[row[0]].time_zone,
            installer_name=sites[row[0]].installer.name,
            service_type=row[1],
            variant=row[2],
            paid_variant=row[5],
            mode=Mode(row[6]),
            count=row[8],
            day=row[9],
            amount_minor=amount,
            is_in_force=row[7],
        )
        for row, amount in zip(found, amounts, strict=True)
    ]


def next_end(actor: Actor, *, now: datetime) -> tuple[datetime, str] | None:
    """The first end of paid time that is in force, with the time zone of its site; None where nothing is. Reads one line, not the list."""
    asked = Asked(What.PAID, now, None, None)
    lines = page_of(actor, asked, Summed(1, None, frozenset({("", "", "", True)})), limit=1)
    return next(((line.ends_at, line.zone) for line in lines if line.ends_at), None)


def _walked(actor: Actor, asked: Asked, summed: Summed, after: Place | None, limit: int) -> list[tuple[Any, ...]]:
    """A page of lines, read by key: first rows of the summary in list order, then all rows of the sites they name. Only where a line begins
    on the row's day is the row the first of its line. So the cost depends on the page and not on the length of the list."""
    found: list[tuple[Any, ...]] = []
    lines: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    read: set[int] = set()
    for rows in _rows_from(actor, asked, summed, after, limit):
        for at, (day, *same) in enumerate(rows):
            if same[0] not in read:
                more = _sites_ahead(rows[at:], read, limit - len(found))
                read |= more
                lines |= {line[:8]: line for line in _by_first_day(_groups(actor, asked, summed, more))}
            line = lines.get(tuple(same))
            if line is None or line[9] != day:  # all its items have left, or the line belongs to an earlier page
                continue
            found.append(lines.pop(line[:8]))
            if len(found) == limit:
                return found
    return found


def _sites_ahead(rows: list[tuple[Any, ...]], read: set[int], limit: int) -> set[int]:
    """The sites of the next `limit` lines that were not read yet."""
    ahead = {tuple(same): same[0] for _day, *same in rows[: 2 * limit]}
    return set(list(ahead.values())[:limit]) - read


def _rows_from(
    actor: Actor, asked: Asked, summed: Summed, after: Place | None, limit: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of the summary after a position in list order, (day, site, …, alive), in growing batches: first rows with a day, by its
    index, then rows without."""
    dated, undated = _rows(actor, asked, summed).exclude(day=None), _rows(actor, asked, summed).filter(day=None)
    if after is not None and after.day is not None:
        dated = dated.filter(Q(day__gt=after.day) | (Q(day=after.day) & _behind(after)), day__gte=after.day)
    elif after is not None:
        undated = undated.filter(_behind(after))
    parts = [dated] if asked.what is not What.NEW and (after is None or after.day is not None) else []
    if asked.what in {What.NEW, What.UNPAID, What.ALL}:
        parts.append(undated)
    columns = ("day", "site_id", *PRODUCT, "paid_variant", "mode", "alive")
    for part in parts:
        wanted = part.order_by(F("day").asc(nulls_last=True), *ORDER).values_list(*columns)
        start, size = 0, 2 * limit
        while rows := list(wanted[start : start + size]):
            yield rows
            start, size = start + size, 4 * size if len(rows) == size else 0


def _behind(place: Place) -> Q:
    """After the position on the same day: (a, b) > (x, y) in SQL without row values."""
    condition, same = Q(), Q()
    for name, value in zip(ORDER, place[1:], strict=True):
        condition |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return condition


def _by_first_day(days: QuerySet[ExpiryDay, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Lines from `_groups`, with their count and the first day on which some of them end. Days are summed first, in an inner statement: a day
    that all items have left still has rows until they are folded. Names of sites are read with the sites: joined here, all sites would be."""
    try:
        counted, params = days.query.sql_with_params()
    except EmptyResultSet:
        return []
    same = f"site_id, {', '.join(PRODUCT)}, paid_variant, mode, alive"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {same}, sum(n), min(day) FROM ({counted}) counted "  # noqa: S608  (names of ours)
            f"GROUP BY {same} HAVING sum(n) <> 0",
            params,
        )
        rows = cursor.fetchall()
    days_of = date.fromisoformat if connection.vendor == "sqlite" else lambda day: day
    return [(*row[:7], bool(row[7]), int(row[8]), days_of(row[9]) if row[9] else None) for row in rows]


def _groups(
    actor: Actor, asked: Asked, summed: Summed, sites: Iterable[int] | None = None
) -> QuerySet[ExpiryDay, tuple[Any, ...]]:
    """The lines of a list, of these sites if given: like items at a site, with their number `n`, by day."""
    rows = _rows(actor, asked, summed)
    if sites is not None:
        rows = rows.filter(site_id__in=sorted(sites))
    groups = ("site_id", *PRODUCT, "paid_variant", "mode", "alive", "day")
    return rows.values_list(*groups).annotate(n=Sum("count")).exclude(n=0)


def _rows(actor: Actor, asked: Asked, summed: Summed) -> QuerySet[ExpiryDay]:
    """The rows of the summary that make up the lines of a list."""
    rows = asked.narrow(ExpiryDay.objects.by_site(actor))
    return rows.filter(_one_of(summed.kinds)) if asked.what in {What.UNPAID, What.UNUSED} else rows


def _one_of(kinds: Iterable[tuple[str, str, str, bool]]) -> Q:
    """The condition for rows of one of these kinds."""
    of_type: dict[tuple[str, bool], dict[str, list[str]]] = {}
    for service_type, variant, paid_variant, alive in kinds:
        of_type.setdefault((service_type, alive), {}).setdefault(variant, []).append(paid_variant)
    found = Q(pk=None)
    for (service_type, alive), variants in of_type.items():
        for variant, paid in variants.items():
            found |= Q(service_type=service_type, alive=alive, renewed=variant, paid_variant__in=paid)
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """Apartments of one site that require an indoor monitor and have none."""

    site_id: int
    site_name: str
    installer_name: str
    count: int


def waiting(actor: Actor) -> list[Waiting]:
    """Sites with missing indoor monitors, the most first; one statement."""
    rows = (
        device_reports.without_monitor(Apartment.objects.visible_to(actor))
        .order_by()
        .values_list("site_id", "site__name", "installer__name")
        .annotate(n=Count("pk"))
        .order_by("-n", "site__name_order", "site_id")
    )
    return [Waiting(*row) for row in rows]
