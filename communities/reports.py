"""Read-only numbers of sites: what is paid, until when, and what needs action. Callers pass sites that the actor may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, Subquery

from communities import catalogue
from communities.catalogue import Variant
from communities.models import Apartment, Entitlement, Site, status

WARNING = timedelta(
    days=7
)  # "Expiring" begins so long before the end (DOMAIN §4); what is due in 30 days is only a forecast


@dataclass(frozen=True, slots=True)
class PaidProgress:
    """How far a site's Apps are paid, how many of its wanted items need attention, and when the first of them ends (null = nothing
    activated). `unpaid` items run with something on that is not paid for. `next_end` ignores lapsed items; `next_stop` is the end of
    grace of the first."""

    apps: int = 0
    apps_in_force: int = 0
    items: int = 0
    next_expiry: datetime | None = None
    next_loose: datetime | None = None  # the first end among items without auto-renewal
    next_end: datetime | None = None
    next_stop: datetime | None = None
    never: int = 0
    lapsed: int = 0
    in_grace: int = 0
    unpaid: int = 0

    @property
    def renews(self) -> bool:
        """Whether what ends first is renewed by an auto-renewal."""
        return self.next_expiry is not None and (self.next_loose is None or self.next_loose > self.next_expiry)

    def is_ending(self, now: datetime) -> bool:
        """Whether something without auto-renewal ends soon."""
        return self.next_loose is not None and now < self.next_loose <= now + WARNING


def paid_progress(site_ids: Iterable[int], now: datetime) -> dict[int, PaidProgress]:
    """The progress of these sites, in one statement. Sites without services are left out."""
    rows = (
        Entitlement.objects.filter(site_id__in=list(site_ids))
        .wanted()
        .order_by()
        .values_list("site_id", "service_type", "variant", "paid_variant")
        .annotate(
            n=Count("pk"),
            alive=Count("pk", filter=status.in_force(now)),
            never=Count("pk", filter=status.NEVER),
            in_grace=Count("pk", filter=status.in_grace(now)),
            next_expiry=Min("expires_at"),
            next_loose=Min("expires_at", filter=status.LOOSE),
            next_end=Min("expires_at", filter=status.in_force(now)),
            next_stop=Min("works_until"),
        )
    )
    return _by_site(rows)


def _by_site(rows: Iterable[tuple[Any, ...]]) -> dict[int, PaidProgress]:
    found: dict[int, PaidProgress] = {}
    for site_id, kind, variant, paid, n, alive, never, in_grace, *ends in rows:
        so_far, is_app = found.get(site_id, PaidProgress()), kind == catalogue.MAIN_SERVICE
        before = (so_far.next_expiry, so_far.next_loose, so_far.next_end, so_far.next_stop)
        next_expiry, next_loose, next_end, next_stop = (_first(pair) for pair in zip(before, ends, strict=True))
        found[site_id] = PaidProgress(
            apps=so_far.apps + n * is_app,
            apps_in_force=so_far.apps_in_force + alive * is_app,
            items=so_far.items + n,
            next_expiry=next_expiry,
            next_loose=next_loose,
            next_end=next_end,
            next_stop=next_stop,
            never=so_far.never + never,
            lapsed=so_far.lapsed + n - never - alive,
            in_grace=so_far.in_grace + in_grace,
            unpaid=so_far.unpaid + alive * bool(catalogue.uncovered(kind, variant, paid)),
        )
    return found


@dataclass(frozen=True, slots=True)
class Alike:
    """A number of items of a site in the same state, `loose` of them without auto-renewal."""

    service_type: str
    variant: str
    paid_variant: str
    expires_at: datetime | None
    works_until: datetime | None
    count: int
    loose: int


def progress_of(rows: Iterable[Alike], now: datetime) -> PaidProgress:
    """`paid_progress` of one site, from items that were read before."""
    wanted = [row for row in rows if row.variant]
    alive = [row for row in wanted if row.works_until and row.works_until > now]
    apps = catalogue.MAIN_SERVICE
    items, in_force = sum(row.count for row in wanted), sum(row.count for row in alive)
    never = sum(row.count for row in wanted if row.expires_at is None)
    return PaidProgress(
        apps=sum(row.count for row in wanted if row.service_type == apps),
        apps_in_force=sum(row.count for row in alive if row.service_type == apps),
        items=items,
        next_expiry=_first(row.expires_at for row in wanted),
        next_loose=_first(row.expires_at for row in wanted if row.loose),
        next_end=_first(row.expires_at for row in alive),
        next_stop=_first(row.works_until for row in wanted),
        never=never,
        lapsed=items - never - in_force,
        in_grace=sum(row.count for row in alive if row.expires_at and row.expires_at <= now),
        unpaid=sum(row.count for row in alive if catalogue.uncovered(row.service_type, row.variant, row.paid_variant)),
    )


def next_expiry() -> Subquery:
    """`PaidProgress.next_expiry` for a query of sites: the first end of wanted items there."""
    wanted = Entitlement.objects.filter(site=OuterRef("pk")).wanted().order_by().values("site")
    return Subquery(wanted.annotate(at=Min("expires_at")).values("at"))


def _first(instants: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in instants if at), default=None)


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One switch of a site and its money. It is on in `on` of `of` apartments (both 0 for services of the community).

    `configured` items have it on, `paid` of them work, `missing` run without having paid for it, `started` were activated before; `unused`
    items have paid for it and have it off.
    """

    service: catalogue.Service
    is_on: bool
    on: int = 0
    of: int = 0
    configured: int = 0
    paid: int = 0
    missing: int = 0
    started: int = 0
    unused: int = 0
    until: datetime | None = None

    @property
    def is_per_apartment(self) -> bool:
        """Whether apartments have their own switch."""
        return self.service.scope == "apartment"

    @property
    def is_locked(self) -> bool:
        """Whether it can't be switched off while something is paid for (R11)."""
        return self.is_on and bool(self.paid) and self.service.code in catalogue.HELD_SWITCHES

    @property
    def is_used(self) -> bool:
        """Whether there is more to show than "off"."""
        return self.is_on or bool(self.on or self.configured or self.unused)


@dataclass(frozen=True, slots=True)
class Group:
    """A number of a site's items with the same service, variant and paid variant, by state. `ending` and `first_end` count items without
    auto-renewal, `ordered` ones were never activated and are in an open order, `free` ones can be activated."""

    service_type: str
    variant: str
    paid_variant: str
    n: int
    alive: int
    never: int
    lapsed: int
    in_grace: int
    ending: int
    ordered: int
    free: int
    next_expiry: datetime | None
    next_loose: datetime | None
    next_end: datetime | None
    next_stop: datetime | None
    grace_until: datetime | None
    first_end: datetime | None
    last_end: datetime | None
    until: datetime | None


def groups_of(site: Site, now: datetime) -> list[Group]:
    """The items of a site in groups, for all pages of the site; one statement, whose size does not depend on the number of items."""
    alive, grace = status.in_force(now), status.in_grace(now)
    ahead, renewed = status.ends_after(now), status.LOOSE
    waiting = status.NEVER & Q(reserved_by=None)
    numbers = {
        "n": Count("pk"),
        "alive": Count("pk", filter=alive),
        "never": Count("pk", filter=status.NEVER),
        "lapsed": Count("pk", filter=status.lapsed(now)),
        "in_grace": Count("pk", filter=grace),
        "ending": Count("pk", filter=ahead & renewed & Q(expires_at__lte=now + WARNING)),
        "ordered": Count("pk", filter=status.NEVER & Q(reserved_by__isnull=False)),
        "free": Count("pk", filter=waiting & Q(blocked="")),
        "next_expiry": Min("expires_at"),
        "next_loose": Min("expires_at", filter=renewed),
        "next_end": Min("expires_at", filter=alive),
        "next_stop": Min("works_until"),
        "grace_until": Min("works_until", filter=grace),
        "first_end": Min("expires_at", filter=ahead & renewed),
        "last_end": Max("expires_at", filter=ahead),
        "until": Min(status.paid_until(), filter=alive),
    }
    rows = Entitlement.objects.filter(site=site).order_by().values_list("service_type", "variant", "paid_variant")
    return [Group(*row) for row in rows.annotate(**numbers)]


def progress_at(site: Site, groups: Iterable[Group]) -> PaidProgress:
    """`paid_progress` of the site, from its groups."""
    rows = (
        (
            site.pk,
            row.service_type,
            row.variant,
            row.paid_variant,
            row.n,
            row.alive,
            row.never,
            row.in_grace,
            row.next_expiry,
            row.next_loose,
            row.next_end,
            row.next_stop,
        )
        for row in groups
        if row.variant
    )
    return _by_site(rows).get(site.pk, PaidProgress())


@dataclass(frozen=True, slots=True)
class Apartments:
    """The number of a site's apartments, of those that wait for their indoor monitor, and of those that have each switch on."""

    all: int
    waiting: int
    switched: Mapping[str, int]


def apartments_of(site: Site) -> Apartments:
    """The numbers of a site; one statement."""
    counts = Apartment.objects.filter(site=site).aggregate(
        all=Count("pk"),
        waiting=Count("pk", filter=Q(indoor_monitor=True, monitor_pending=True)),
        **{code: Count("pk", filter=Q(**{code: True})) for code in catalogue.APARTMENT_SWITCHES},
    )
    return Apartments(counts.pop("all"), counts.pop("waiting"), counts)


def service_lines(site: Site, groups: Iterable[Group], apartments: Apartments) -> list[ServiceLine]:
    """Every service that the site may have (R28), with its switch and payment there."""
    groups = list(groups)
    lines = []
    for service in (catalogue.BY_CODE[code] for code in catalogue.switches_of(site.kind)):
        configured = works_in = missing = started = unused = 0
        ends: list[datetime] = []
        for group in groups:
            kind = group.service_type
            variant, paid = Variant.parse(group.variant), Variant.parse(group.paid_variant)
            entry, code = catalogue.BY_TYPE[kind], service.code
            is_wanted = entry.has_switch(code, variant)
            works = is_wanted and entry.covers_switch(code, variant, paid)
            is_unused = entry.wastes_switch(code, variant, paid)
            configured += group.n * is_wanted
            started += (group.n - group.never) * is_wanted
            works_in += group.alive * works
            missing += group.alive * (is_wanted and not works)
            unused += group.alive * is_unused
            if group.until and (works or is_unused):
                ends.append(group.until)
        per_apartment = service.scope == "apartment"
        lines.append(
            ServiceLine(
                service=service,
                is_on=getattr(site, service.code),
                on=apartments.switched[service.code] if per_apartment else 0,
                of=apartments.all if per_apartment else 0,
                configured=configured,
                paid=works_in,
                missing=missing,
                started=started,
                unused=unused,
                until=min(ends, default=None),
            )
        )
    return lines


@dataclass(frozen=True, slots=True)
class Dues:
    """The wanted items of one service type at a site that soon need a payment. `first_end` is the first future end of items without
    auto-renewal."""

    service_type: str
    never: int
    lapsed: int
    in_grace: int
    grace_until: datetime | None
    ending: int
    first_end: datetime | None

    @property
    def label(self) -> str:
        """The service type in words."""
        return str(catalogue.SERVICE_TYPE_LABELS[self.service_type])


def dues(groups: Iterable[Group]) -> list[Dues]:
    """What of a site waits for an activation or a renewal by a person, by service type."""
    of_type: dict[str, list[Group]] = {}
    for row in sorted(groups, key=lambda row: row.service_type):
        if row.variant:
            of_type.setdefault(row.service_type, []).append(row)
    return [
        Dues(
            service_type,
            never=sum(row.never for row in rows),
            lapsed=sum(row.lapsed for row in rows),
            in_grace=sum(row.in_grace for row in rows),
            grace_until=_first(row.grace_until for row in rows),
            ending=sum(row.ending for row in rows),
            first_end=_first(row.first_end for row in rows),
        )
        for service_type, rows in of_type.items()
    ]


def last_end(groups: Iterable[Group]) -> datetime | None:
    """The last end of a site's wanted running items."""
    return max((row.last_end for row in groups if row.variant and row.last_end), default=None)
