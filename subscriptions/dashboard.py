"""What a dashboard counts: what ends when, what is paid and not used, who has how much. Set-wise: one statement a question."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Case, Count, F, IntegerField, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities import catalogue, expiries
from communities.models import Apartment, ExpiryDay, Mode, Site
from communities.models.expiries import What as Counted
from devices import reports as device_reports
from payments.models import usable_method
from subscriptions.cycles import list_amounts, total_of, unpaid_amounts
from subscriptions.models import AutoRenewal, PriceList
from subscriptions.periods import CYCLE
from subscriptions.pricing import PriceTable, Product
from subscriptions.tables import table_with_former

HORIZON = timedelta(days=90)  # how far the calendar looks
SOON = timedelta(days=30)  # what is called due
FEW_ROWS = 3  # of a site's in the summary, that are read for each site that is counted


ORDER = ("site__name_order", "site_id", "service_type", "renewed", "paid_variant", "mode")  # of a list's lines on a day
PRODUCT = ("service_type", "renewed", "project_type", "price_class")  # of a row of the summary, as `Product` takes them


class What(enum.StrEnum):
    """What a list is about; what it counts, a tile with the same name counts too."""

    DUE = "due"  # in grace, or ending within the time asked for
    NEW = "new"  # never activated
    LAPSED = "lapsed"
    UNPAID = "unpaid"  # on and not paid for: never activated, lapsed, or running with a part that is not paid
    UNUSED = "unused"  # paid for and not on
    PAID = "paid"  # on and in force, grace included
    ALL = "all"  # everything that is on, paid or not


def prices_for(distributor_id: int | None, *, at: datetime) -> PriceTable | None:
    """The prices a distributor's tree is charged at an instant, its own list before the default; two statements.

    None when there is no list: the page counts items then, and shows no money.
    """
    if distributor_id is None:
        return None
    currency = Organization.objects.filter(pk=distributor_id).values("currency")
    found = (
        PriceList.objects.filter(Q(distributor_id=distributor_id) | Q(distributor=None), valid_from__lte=at)
        .filter(currency=Subquery(currency))
        .order_by(F("distributor_id").asc(nulls_last=True), "-valid_from", "-number")
        .first()
    )
    return table_with_former(found, distributor_id, at=at) if found else None


def worth_of(
    what: What, rows: Iterable[tuple[Product, str, bool, int]], prices: PriceTable | None, now: datetime
) -> list[int | None]:
    """What 30 days of each (product, paid variant, whether it is in force, count) come to, in the sense of a list: of
    what is paid there, of what is on and not paid there, else of what is on. None for all where one of them has no price."""
    rows = list(rows)
    if what is What.PAID:
        was_paid = prices.as_paid() if prices else None
        return list_amounts(((product._replace(variant=paid), n) for product, paid, _alive, n in rows), was_paid, now)
    if what is not What.UNPAID:
        return list_amounts(((product, n) for product, _paid, _alive, n in rows), prices, now)
    return unpaid_amounts(((product, paid if alive else "", n) for product, paid, alive, n in rows), prices)


# --- what ends when -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """Items alike whose paid time ends on one day; what is in grace already counts for today.

    `amount_minor` is what 30 more days cost them all, None where there is no price.
    """

    day: date
    mode: Mode
    installer_id: int
    count: int
    amount_minor: int | None


def forecast(actor: Actor, *, now: datetime, zone: tzinfo, prices: PriceTable | None) -> list[Due]:
    """What ends within `HORIZON`, by the day at its site; one statement. What has lapsed renews from now and is not in it, and what ended
    is put to today in `zone`."""
    today = _today(now, zone)
    rows = list(
        _narrowed(ExpiryDay.objects.visible_to(actor), What.DUE, today, today + HORIZON)
        .order_by()
        .values_list("day", "mode", "installer_id", *PRODUCT)
        .annotate(n=Sum("count"))
        .exclude(n=0)
    )
    amounts = list_amounts(((Product(*product), n) for _d, _m, _i, *product, n in rows), prices, now)
    return [
        Due(max(day, today), Mode(mode), installer_id, n, amount)
        for (day, mode, installer_id, *_product, n), amount in zip(rows, amounts, strict=True)
    ]


def _today(now: datetime, zone: tzinfo | None = None) -> date:
    """The reader's day, by which everything here counts: with the same one a number and its list agree."""
    return timezone.localtime(now, zone).date()


def _narrowed(
    rows: QuerySet[ExpiryDay], what: What, today: date, last: date, first: date | None = None
) -> QuerySet[ExpiryDay]:
    """The rows of the summary that a list is about. What is unpaid or unused of them, `catalogue` says (`_alike`)."""
    if what is What.UNUSED:
        return rows.filter(expiries.in_force(today)).exclude(variant=F("paid_variant"))
    rows = rows.exclude(variant="")
    if what is What.DUE:
        return rows.filter(expiries.due(today, last), *([Q(day__gte=first)] if first else []))
    if what is What.NEW:
        return rows.filter(day=None)
    if what is What.LAPSED:
        return rows.filter(expiries.lapsed(today))
    if what is What.PAID:
        return rows.filter(expiries.in_force(today))
    if what is What.UNPAID:
        return rows.exclude(expiries.in_force(today), day__isnull=False, variant=F("paid_variant"))
    return rows


def _alive(today: date) -> Case:
    return Case(When(expiries.in_force(today), then=True), default=False, output_field=BooleanField())


# --- how it stands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """The wanted items of an installer: never activated, in force (grace included), lapsed. `unpaid` have something on that is not
    paid for, so all that are not in force do; `unused` are in force with something paid that is not on. `due` end within `SOON`,
    costing `due_minor`."""

    items: int = 0
    never: int = 0
    in_force: int = 0
    lapsed: int = 0
    unpaid: int = 0
    unused: int = 0
    due: int = 0
    due_minor: int | None = 0

    @property
    def percent(self) -> int:
        """How much of what is wanted is paid; only complete is 100."""
        return self.in_force * 100 // self.items if self.items else 0

    def __add__(self, other: Standing) -> Standing:
        return Standing(
            self.items + other.items,
            self.never + other.never,
            self.in_force + other.in_force,
            self.lapsed + other.lapsed,
            self.unpaid + other.unpaid,
            self.unused + other.unused,
            self.due + other.due,
            total_of((self.due_minor, other.due_minor)),
        )


def standings(
    actor: Actor,
    *,
    now: datetime,
    prices: PriceTable | None,
    by: str = "installer_id",
    sites: Iterable[int] | None = None,
) -> dict[int, Standing]:
    """How the items one sees stand, by installer (or by another key column); of these `sites` where they are named. One statement."""
    found = _counted(actor, now, by, sites)
    return _standings(found, prices, now)


class _Counted(NamedTuple):
    """Items alike under one key: how many, and how many of them were never activated, are in force, and are due."""

    key: int
    product: Product
    paid_variant: str
    items: int
    never: int
    alive: int
    due: int


def _counted(actor: Actor, now: datetime, by: str, sites: Iterable[int] | None) -> list[_Counted]:
    """What one sees, by a key column; one statement."""
    today = _today(now)
    rows = (
        _seen(actor, by, sites)
        .order_by("service_type")
        .values_list(by, *PRODUCT, "paid_variant")
        .annotate(
            n=Sum("count"),
            never=Sum("count", filter=Q(day=None), default=0),
            alive=Sum("count", filter=expiries.in_force(today), default=0),
            due=Sum("count", filter=expiries.due(today, today + SOON), default=0),
        )
        .exclude(n=0)  # rows that come to nothing until they are folded; what they name may have no price any more
    )
    return [_Counted(row[0], Product(*row[1:5]), *row[5:]) for row in rows]


def _standings(counted: list[_Counted], prices: PriceTable | None, now: datetime) -> dict[int, Standing]:
    amounts = list_amounts(((row.product, row.due) for row in counted), prices, now)
    found: dict[int, Standing] = {}
    for row, amount in zip(counted, amounts, strict=True):
        kind, variant, paid = row.product.service_type, row.product.variant, row.paid_variant
        unused = row.alive * bool(catalogue.unused(kind, variant, paid))
        one = (
            Standing(
                row.items,
                row.never,
                row.alive,
                row.items - row.never - row.alive,
                row.items - row.alive + row.alive * bool(catalogue.uncovered(kind, variant, paid)),
                unused,
                row.due,
                amount,
            )
            if variant
            else Standing(unused=unused)
        )
        found[row.key] = found.get(row.key, Standing()) + one
    return found


def _seen(actor: Actor, by: str, sites: Iterable[int] | None) -> QuerySet[ExpiryDay]:
    """The rows of the summary that one sees, all of them or those of some sites; by the fewest rows that name the key."""
    if sites is None:
        return ExpiryDay.objects.by_site(actor) if by == "site_id" else ExpiryDay.objects.visible_to(actor)
    return ExpiryDay.objects.by_site(actor).filter(site_id__in=list(sites))


# --- whose it is --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Firm:
    """An organization with what is below it. `waiting` apartments need an indoor monitor and have none."""

    organization: Organization
    sites: int
    apartments: int
    waiting: int
    due_sites: int
    installers: int = 0


def installers(actor: Actor, *, now: datetime) -> list[Firm]:
    """The installers one sees (an installer: itself), by name; a statement for each number, whatever there is."""
    rows = Organization.objects.visible_to(actor).installers().select_related("distributor", "subdistributor")
    today = _today(now)
    due = _narrowed(ExpiryDay.objects.by_site(actor), What.DUE, today, today + SOON)
    due_at = due.order_by().values_list("installer_id", "site_id").annotate(n=Sum("count")).exclude(n=0)
    return _firms(actor, rows, "installer_id", Counter(of_firm for of_firm, _site, _n in due_at))


def distributors(actor: Actor) -> list[Firm]:
    """The distributors one sees, by name, without their sites that are due (see `due_sites`); a statement for each number."""
    rows = Organization.objects.visible_to(actor).filter(kind=Kind.DISTRIBUTOR)
    return _firms(actor, rows, "distributor_id", Counter())


def due_sites(actor: Actor, *, now: datetime, most: int) -> int:
    """At how many sites something ends within `SOON`. Counting stops at `most`, so that it costs whoever sees everything no more where there
    is more: the first rows by their day, which is nearly always enough, else all."""
    today = _today(now)
    due = _narrowed(ExpiryDay.objects.by_site(actor), What.DUE, today, today + SOON).values_list("site_id", "count")
    for some, bound in ((due.order_by("day")[: FEW_ROWS * most], FEW_ROWS * most), (due.order_by(), None)):
        rows, params = some.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(CASE WHEN n <> 0 THEN 1 END), coalesce(sum(parts), 0) "  # noqa: S608  (names of ours)
                f"FROM (SELECT sum(count) AS n, count(*) AS parts FROM ({rows}) due GROUP BY site_id) sites",
                params,
            )
            sites, read = map(int, cursor.fetchone())
        if bound is None or sites >= most or read < bound:
            return min(sites, most)
    raise AssertionError  # the second has no bound


def _firms(actor: Actor, rows: QuerySet[Organization], key: str, due_sites: Mapping[int, int]) -> list[Firm]:
    """Each number is counted over what the actor sees, not for each firm: a subquery would read what strangers hold."""
    places: Counter[tuple[int, str]] = Counter()
    for firm, found, n in (
        ExpiryDay.objects.places(actor).order_by().values_list(key, "variant").annotate(n=Sum("count"))
    ):
        places[firm, found] = n
    below = _counts(Organization.objects.visible_to(actor).installers(), key) if key == "distributor_id" else {}
    return [
        Firm(
            row,
            sites=places[row.pk, Counted.SITE],
            apartments=places[row.pk, Counted.APARTMENT] + places[row.pk, Counted.WAITING],
            waiting=places[row.pk, Counted.WAITING],
            due_sites=due_sites.get(row.pk, 0),
            installers=below.get(row.pk, 0),
        )
        for row in rows
    ]


def _counts(rows: QuerySet[Any], key: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(key).annotate(n=Count("pk")))


# --- auto-renewals ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AutoRenewals:
    """Auto-renewals: how many run, how many of them with a card that can't be charged, how many a problem stopped lately."""

    active: int
    unchargeable: int
    stopped: int

    @property
    def at_risk(self) -> int:
        """How many need somebody."""
        return self.unchargeable + self.stopped


AT_RISK, RUNNING, OVER = 0, 1, 2


def ranked(rows: QuerySet[AutoRenewal], *, now: datetime) -> QuerySet[AutoRenewal]:
    """Auto-renewals with `rank` and `due`: what needs somebody first (the last charge failed, the card can't be charged, or a problem
    stopped it lately), then what runs, then what is over. "Lately" is the last 30 days: what stopped earlier has lapsed or was renewed."""
    active = Q(state=AutoRenewal.State.ACTIVE)
    stopped = Q(state=AutoRenewal.State.SUSPENDED, ended_at__gt=now - CYCLE)
    chargeable = Q(usable_method("method__"), tries=0)
    return rows.annotate(
        rank=Case(
            When(active & chargeable, then=Value(RUNNING)),
            When(active | stopped, then=Value(AT_RISK)),
            default=Value(OVER),
            output_field=IntegerField(),
        ),
        due=Coalesce("next_due_at", "ended_at", "created_at"),
    )


def auto_renewals(actor: Actor, *, now: datetime) -> AutoRenewals:
    """The auto-renewals one sees; one statement."""
    active, at_risk = Q(state=AutoRenewal.State.ACTIVE), Q(rank=AT_RISK)
    return AutoRenewals(
        **ranked(AutoRenewal.objects.visible_to(actor), now=now).aggregate(
            active=Count("pk", filter=active),
            unchargeable=Count("pk", filter=active & at_risk),
            stopped=Count("pk", filter=~active & at_risk),
        )
    )


# --- the lists behind the numbers ---------------------------------------------------------------------------------------


class Place(NamedTuple):
    """By what the lines of a list are sorted, what never began behind all days."""

    day: date | None
    name_order: str
    site_id: int
    service_type: str
    variant: str
    paid_variant: str
    mode: str


@dataclass(frozen=True, slots=True)
class SiteLine:
    """Items alike at one site. `day` is the first on which some of them end, None for what was never activated; `amount_minor` as
    `worth_of` says for the list."""

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
        """Where it stands in its list."""
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
        """Whether they are renewed by themselves."""
        return self.mode is Mode.AUTO

    @property
    def service_label(self) -> str:
        """The service type in words."""
        return str(catalogue.SERVICE_TYPE_LABELS[self.service_type])

    @property
    def variant_label(self) -> str:
        """What is renewed, in words."""
        return catalogue.variant_label(self.service_type, self.variant)

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
    """What a list is about: of these days at the sites, both included, or of all that `what` is about. Up to today in `zone` also what ended
    before is due."""

    what: What
    now: datetime
    zone: tzinfo | None
    prices: PriceTable | None
    days: tuple[date, date] | None = None

    @property
    def today(self) -> date:
        """The reader's day."""
        return _today(self.now, self.zone)

    def narrow(self, rows: QuerySet[ExpiryDay]) -> QuerySet[ExpiryDay]:
        """The rows of the summary that the list is about, with `alive`: in force."""
        first, last = None, self.today + SOON
        if self.what is What.DUE and self.days:
            first = self.days[0] if self.days[0] > self.today else None
            last = min(self.days[1], self.today + HORIZON)
        return _narrowed(rows, self.what, self.today, last, first).order_by().annotate(alive=_alive(self.today))

    def keeps(self, service_type: str, variant: str, paid_variant: str, *, is_in_force: bool) -> bool:
        """Whether items alike are in the list, which the database can't say of parts of variants."""
        if self.what is What.UNPAID:
            return bool(catalogue.uncovered(service_type, variant, paid_variant, is_in_force=is_in_force))
        return self.what is not What.UNUSED or bool(catalogue.unused(service_type, variant, paid_variant))


@dataclass(frozen=True, slots=True)
class Summed:
    """A whole list: how many items, what they come to, and which kinds of them there are: (service type, variant, paid variant, whether
    in force)."""

    count: int
    amount_minor: int | None
    kinds: frozenset[tuple[str, str, str, bool]]


def sum_of(actor: Actor, asked: Asked) -> Summed:
    """The numbers of a list; one statement, over the rows of installers where one sees those."""
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
    """All items behind a number, gathered by site and service, what ends first at the top."""
    asked = Asked(what, now, zone, prices, days)
    return page_of(actor, asked, sum_of(actor, asked))


def page_of(
    actor: Actor, asked: Asked, summed: Summed, *, after: Place | None = None, limit: int | None = None
) -> list[SiteLine]:
    """Some lines of a list, from the one behind `after` on. A site that goes to somebody else meanwhile is left out."""
    if not summed.kinds:
        return []
    whole = _groups(actor, asked, summed)
    counted = _by_first_day(whole) if limit is None else _walked(actor, asked, summed, after, limit)
    sites = Site.objects.visible_to(actor).select_related("installer").in_bulk({row[0] for row in counted})
    found = [row for row in counted if row[0] in sites]
    amounts = worth_of(
        asked.what, [(Product(*row[1:5]), row[5], row[7], row[9]) for row in found], asked.prices, asked.now
    )
    return [
        SiteLine(
            site_id=row[0],
            site_name=sites[row[0]].name,
            name_order=row[8],
            zone=sites[row[0]].time_zone,
            installer_name=sites[row[0]].installer.name,
            service_type=row[1],
            variant=row[2],
            paid_variant=row[5],
            mode=Mode(row[6]),
            count=row[9],
            day=row[10],
            amount_minor=amount,
            is_in_force=row[7],
        )
        for row, amount in zip(found, amounts, strict=True)
    ]


def next_end(actor: Actor, *, now: datetime) -> tuple[datetime, str] | None:
    """The first end of paid time that is in force, and the time zone of its site; None where nothing is. It reads a line and not the list."""
    asked = Asked(What.PAID, now, None, None)
    lines = page_of(actor, asked, Summed(1, None, frozenset({("", "", "", True)})), limit=1)
    return next(((line.ends_at, line.zone) for line in lines if line.ends_at), None)


def _walked(actor: Actor, asked: Asked, summed: Summed, after: Place | None, limit: int) -> list[tuple[Any, ...]]:
    """A page of lines, read by key: rows of the summary in the order of the list, and all that the sites they name have. A row is the first
    of its line where the line begins on its day; so what is read is a page and not the list, however long that is."""
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
            if line is None or line[10] != day:  # everything has left it, or it stands on a page before
                continue
            found.append(lines.pop(line[:8]))
            if len(found) == limit:
                return found
    return found


def _sites_ahead(rows: list[tuple[Any, ...]], read: set[int], limit: int) -> set[int]:
    """The sites not read yet of the next `limit` lines."""
    ahead = {tuple(same): same[0] for _day, *same in rows[: 2 * limit]}
    return set(list(ahead.values())[:limit]) - read


def _rows_from(
    actor: Actor, asked: Asked, summed: Summed, after: Place | None, limit: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of the summary behind a place in the order of the list, (day, site, …, alive), in ever larger pieces: those with a day, by its
    index, then those without."""
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
    """Behind it on the same day: (a, b) > (x, y) as SQL without row values understands it."""
    condition, same = Q(), Q()
    for name, value in zip(ORDER, place[1:], strict=True):
        condition |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return condition


def _by_first_day(days: QuerySet[ExpiryDay, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Lines from `_groups`, with their number and the first day on which some of them end, in that order. The days are
    counted first, in a statement around the other: one that everything has left still has rows until they are folded."""
    try:
        counted, params = days.query.sql_with_params()
    except EmptyResultSet:
        return []
    same = f"site_id, {', '.join(PRODUCT)}, paid_variant, mode, alive, site__name_order"
    order = "min(day) IS NULL, min(day), site__name_order, site_id, service_type, renewed, paid_variant, mode"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {same}, sum(n), min(day) FROM ({counted}) counted "  # noqa: S608  (names of ours)
            f"GROUP BY {same} HAVING sum(n) <> 0 ORDER BY {order}",
            params,
        )
        rows = cursor.fetchall()
    days_of = date.fromisoformat if connection.vendor == "sqlite" else lambda day: day
    return [(*row[:7], bool(row[7]), row[8], int(row[9]), days_of(row[10]) if row[10] else None) for row in rows]


def _groups(
    actor: Actor, asked: Asked, summed: Summed, sites: Iterable[int] | None = None
) -> QuerySet[ExpiryDay, tuple[Any, ...]]:
    """The lines of a list, of these sites where they are named: items alike at a site, with their number `n`, by day."""
    rows = _rows(actor, asked, summed)
    if sites is not None:
        rows = rows.filter(site_id__in=sorted(sites))
    groups = ("site_id", *PRODUCT, "paid_variant", "mode", "alive", "site__name_order", "day")
    return rows.values_list(*groups).annotate(n=Sum("count")).exclude(n=0)


def _rows(actor: Actor, asked: Asked, summed: Summed) -> QuerySet[ExpiryDay]:
    """The rows of the summary that the lines of a list are made of."""
    rows = asked.narrow(ExpiryDay.objects.by_site(actor))
    return rows.filter(_one_of(summed.kinds)) if asked.what in {What.UNPAID, What.UNUSED} else rows


def _one_of(kinds: Iterable[tuple[str, str, str, bool]]) -> Q:
    """Rows of one of these kinds."""
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
    """Apartments of one site that need an indoor monitor and have none."""

    site_id: int
    site_name: str
    installer_name: str
    count: int


def waiting(actor: Actor) -> list[Waiting]:
    """Where indoor monitors are missing, the most first; one statement."""
    rows = (
        device_reports.without_monitor(Apartment.objects.visible_to(actor))
        .order_by()
        .values_list("site_id", "site__name", "installer__name")
        .annotate(n=Count("pk"))
        .order_by("-n", "site__name_order", "site_id")
    )
    return [Waiting(*row) for row in rows]


# --- what a site pays for -----------------------------------------------------------------------------------------------


Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A site's wanted items, parted: `paid` are in force and come to `paid_minor` every 30 days, as far as they are paid; `open` are
    not in force; having everything on paid would cost `more_minor` more. Each of the counts is by service type."""

    paid_minor: int | None = 0
    more_minor: int | None = 0
    paid: Counts = ()
    open: Counts = ()

    @property
    def named_paid(self) -> list[tuple[str, int]]:
        """What is paid, with the service types in words."""
        return _in_words(self.paid)

    @property
    def named_open(self) -> list[tuple[str, int]]:
        """What is on and not in force, with the service types in words."""
        return _in_words(self.open)


def _in_words(counts: Counts) -> list[tuple[str, int]]:
    return [(str(catalogue.SERVICE_TYPE_LABELS[kind]), n) for kind, n in counts]


def with_coverage(
    actor: Actor,
    *,
    now: datetime,
    prices: PriceTable | None,
    by: str = "installer_id",
    sites: Iterable[int] | None = None,
) -> dict[int, tuple[Standing, Coverage]]:
    """As `standings`, each with what of it is paid and what is only on; one statement."""
    counted = _counted(actor, now, by, sites)
    standing = _standings(counted, prices, now)
    parts = [(row, True, row.alive) for row in counted if row.alive and row.product.variant]
    parts += [(row, False, row.items - row.alive) for row in counted if row.items != row.alive and row.product.variant]
    items = [(row.product, row.paid_variant, alive, n) for row, alive, n in parts]
    paid = iter(worth_of(What.PAID, [item for item in items if item[2]], prices, now))
    more = worth_of(What.UNPAID, items, prices, now)
    found: dict[int, list[tuple[str, bool, int, int | None, int | None]]] = {}
    for (row, alive, n), more_minor in zip(parts, more, strict=True):
        one = (row.product.service_type, alive, n, next(paid) if alive else 0, more_minor)
        found.setdefault(row.key, []).append(one)
    return {key: (of_key, _coverage(found.get(key, []))) for key, of_key in standing.items()}


def _coverage(rows: list[tuple[str, bool, int, int | None, int | None]]) -> Coverage:
    return Coverage(
        total_of(row[3] for row in rows),
        total_of(row[4] for row in rows),
        _by_type((kind, n) for kind, alive, n, *_minor in rows if alive),
        _by_type((kind, n) for kind, alive, n, *_minor in rows if not alive),
    )


def _by_type(rows: Iterable[tuple[str, int]]) -> Counts:
    counts: dict[str, int] = {}
    for service_type, n in rows:
        counts[service_type] = counts.get(service_type, 0) + n
    return tuple(counts.items())
