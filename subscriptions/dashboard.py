"""The numbers of a dashboard: what ends when, what is paid and not used, who has how much. One statement for each question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Kind, Organization
from accounts.scope import Actor
from communities import catalogue, expiries
from communities.models import ExpiryDay, Mode
from communities.models.expiries import Stage
from communities.models.expiries import What as Counted
from subscriptions.cycles import list_amounts, total_of
from subscriptions.prices import PriceTable, Product
from subscriptions.summary import HORIZON, PRODUCT, SOON, What, narrowed, today_of, worth_of

FEW_ROWS = 3  # rows of the summary that are read for each site that is counted


@dataclass(frozen=True, slots=True)
class Due:
    """Like items whose paid time ends on one day; items already in grace count for today.

    `amount_minor` is the price of 30 more days for all of them, None where there is no price.
    """

    day: date
    mode: Mode
    installer_id: int
    count: int
    amount_minor: int | None


def forecast(actor: Actor, *, now: datetime, zone: tzinfo, prices: PriceTable | None) -> list[Due]:
    """What ends within `HORIZON`, by the day at its site. Lapsed items are left out; items in grace count for today in `zone`. One
    statement."""
    today = today_of(now, zone)
    rows = list(
        narrowed(ExpiryDay.objects.visible_to(actor), What.DUE, today, today + HORIZON)
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


@dataclass(frozen=True, slots=True)
class Standing:
    """The wanted items of an installer: never activated, in force (grace included), lapsed. `unpaid` items have something switched on
    that is not paid for (so all items that are not in force); `unused` items are in force and have something paid that is off. `due`
    items end within `SOON`, and renewing them costs `due_minor`."""

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
        """How much of what is wanted is paid, in per cent; only a complete sum is 100."""
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
    """The numbers of the items that the actor sees, by installer (or by the column `by`), of all sites or of `sites`. One statement."""
    return _standings(_counted(actor, now, by, sites), prices, now)


class _Counted(NamedTuple):
    """Like items under one key: how many, and how many of them were never activated, are in force, and are due."""

    key: int
    product: Product
    paid_variant: str
    items: int
    never: int
    alive: int
    due: int


def _counted(actor: Actor, now: datetime, by: str, sites: Iterable[int] | None) -> list[_Counted]:
    """The items that the actor sees, by the column `by`; one statement."""
    today = today_of(now)
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
        .exclude(n=0)  # groups that add up to nothing until they are folded; their price may not exist any more
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
    """The rows of the summary that the actor sees, of all sites or of `sites`, from the smallest set of rows that has the key."""
    if sites is None:
        return ExpiryDay.objects.by_site(actor) if by == "site_id" else ExpiryDay.objects.visible_to(actor)
    return ExpiryDay.objects.by_site(actor).filter(site_id__in=list(sites))


@dataclass(frozen=True, slots=True)
class Firm:
    """An organization with the numbers of everything below it. `waiting` apartments need an indoor monitor and have none."""

    organization: Organization
    sites: int
    apartments: int
    waiting: int
    due_sites: int
    installers: int = 0


def installers(actor: Actor, *, now: datetime) -> list[Firm]:
    """The installers that the actor sees (an installer: itself), by name; one statement for each number."""
    rows = Organization.objects.visible_to(actor).installers().select_related("distributor", "subdistributor")
    today = today_of(now)
    due = narrowed(ExpiryDay.objects.by_site(actor), What.DUE, today, today + SOON)
    due_at = due.order_by().values_list("installer_id", "site_id").annotate(n=Sum("count")).exclude(n=0)
    return _firms(actor, rows, "installer_id", Counter(of_firm for of_firm, _site, _n in due_at))


def distributors(actor: Actor) -> list[Firm]:
    """The distributors that the actor sees, by name, without `due_sites`; one statement for each number."""
    rows = Organization.objects.visible_to(actor).filter(kind=Kind.DISTRIBUTOR)
    return _firms(actor, rows, "distributor_id", Counter())


def due_sites(actor: Actor, *, now: datetime, most: int) -> int:
    """At how many sites something ends within `SOON`. Counting stops at `most`, which bounds the cost for the operator. A few folded
    rows are read first: each is a due site, unless a row not yet folded takes it back, and one such row takes back one site at most."""
    today = today_of(now)
    due = narrowed(ExpiryDay.objects.by_site(actor), What.DUE, today, today + SOON).order_by()
    folded = due.filter(stage=Stage.SITE, count__gt=0).values("site_id")[: FEW_ROWS * most]
    fresh = due.filter(stage=Stage.FRESH).values("pk")[:most]
    some, some_params = folded.query.sql_with_params()
    new, new_params = fresh.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT count(DISTINCT site_id) FROM ({some}) due), (SELECT count(*) FROM ({new}) new)",  # noqa: S608  (names of ours)
            (*some_params, *new_params),
        )
        sites, taken_back = map(int, cursor.fetchone())
    if sites - taken_back >= most:
        return most
    return due.values("site_id").annotate(n=Sum("count")).exclude(n=0).values("site_id")[:most].count()


def _firms(actor: Actor, rows: QuerySet[Organization], key: str, due_sites: Mapping[int, int]) -> list[Firm]:
    """The numbers are counted once over all that the actor sees: a subquery for each firm would read rows of other tenants."""
    counted = ExpiryDay.objects.places(actor).order_by().values_list(key, "variant").annotate(n=Sum("count"))
    places = Counter({(firm, what): n for firm, what, n in counted})
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


Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """A site's wanted items in two parts: `paid` items are in force and cost `paid_minor` every 30 days as far as they are paid; `open`
    items are not in force. Paying for everything that is on would cost `more_minor` more. Each count is by service type."""

    paid_minor: int | None = 0
    more_minor: int | None = 0
    paid: Counts = ()
    open: Counts = ()

    @property
    def named_paid(self) -> list[tuple[str, int]]:
        """The paid ones, with the service types in words."""
        return _in_words(self.paid)

    @property
    def named_open(self) -> list[tuple[str, int]]:
        """Those that are on and not in force, with the service types in words."""
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
    """As `standings`, each with its paid and its open part; one statement."""
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
