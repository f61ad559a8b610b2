"""What the services of some kinds of targets cost at a site every 30 days, and how much of it is paid: the rail of its pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils.functional import Promise

from communities import catalogue
from communities.models import Entitlement, Site, status
from payments import money
from subscriptions.prices import MissingPrice, PriceKey, PriceTable, Product, unit_price
from subscriptions.tables import table_for


@dataclass(frozen=True, slots=True)
class Sum:
    """One service type: `count` items are on, `in_force` of them are paid (grace included), `in_grace` of these in grace, `waiting` were never
    activated. `unit_minor` is the price of one every 30 days, None where the list has none."""

    service_type: str
    count: int
    in_force: int
    in_grace: int
    waiting: int
    unit_minor: int | None

    @property
    def label(self) -> Promise:
        """The service type in words."""
        return catalogue.SERVICE_TYPE_LABELS[self.service_type]

    @property
    def amount_minor(self) -> int:
        """All of them, every 30 days."""
        return self.count * (self.unit_minor or 0)

    @property
    def paid_minor(self) -> int:
        """The part of it that is paid."""
        return self.in_force * (self.unit_minor or 0)

    @property
    def waiting_minor(self) -> int:
        """What activating the others costs for a month."""
        return self.waiting * (self.unit_minor or 0)


@dataclass(frozen=True, slots=True)
class Sums:
    """The services of a rail, with their totals in minor units of `currency`; `is_whole` says that every price is known."""

    rows: tuple[Sum, ...]
    currency: str
    is_invented: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every service has a price."""
        return all(row.unit_minor is not None for row in self.rows)

    @property
    def total_minor(self) -> int:
        """Everything that is on, every 30 days."""
        return sum(row.amount_minor for row in self.rows)

    @property
    def paid_minor(self) -> int:
        """The part of it that is paid."""
        return sum(row.paid_minor for row in self.rows)

    @property
    def waiting(self) -> int:
        """How many items were never activated."""
        return sum(row.waiting for row in self.rows)

    @property
    def waiting_minor(self) -> int:
        """What activating them costs for a month."""
        return sum(row.waiting_minor for row in self.rows)


def prices_at(site: Site, *, at: datetime) -> PriceTable | None:
    """The price list that a site is billed by: of credits or of its distributor's currency (R37); None where there is none."""
    try:
        return table_for(site.distributor, at=at, currency=money.CREDITS if site.pays_credits else "")
    except MissingPrice:
        return None


def sums_at(
    site: Site, kinds: Collection[catalogue.Target] | None, prices: PriceTable | None, *, now: datetime
) -> Sums:
    """The services of these kinds of targets at a site (of all without `kinds`), in the order of S2; one statement. Service types
    that nothing is on of are left out."""
    types = [
        entry.code
        for entry in catalogue.ENTRIES
        if (kinds is None or entry.target in kinds) and site.kind in entry.projects
    ]
    rows = Entitlement.objects.filter(site=site, service_type__in=types).wanted().order_by()
    counted = rows.values_list("service_type", "variant").annotate(
        n=Count("pk"),
        alive=Count("pk", filter=status.in_force(now)),
        grace=Count("pk", filter=status.in_grace(now)),
        never=Count("pk", filter=status.NEVER & Q(reserved_by=None, blocked="")),
    )
    found = {
        kind: Sum(kind, n, alive, grace, never, unit_of(prices, Product(kind, variant, site.kind, site.price_class)))
        for kind, variant, n, alive, grace, never in counted
    }
    currency = prices.currency if prices else ""
    return Sums(tuple(found[kind] for kind in types if kind in found), currency, bool(prices and prices.is_invented))


def unit_of(prices: PriceTable | None, product: Product) -> int | None:
    """The price of one item every 30 days; None where there is none."""
    if prices is None:
        return None
    try:
        return unit_price(prices.parts(product))
    except MissingPrice:
        return None


def whole_unit_of(prices: PriceTable | None, service_type: str, project: str) -> int | None:
    """The price of one item with all its parts every 30 days; None where there is none."""
    entry = catalogue.BY_TYPE[service_type]
    if prices is None or project not in entry.projects:
        return None
    amounts = [prices.amount_of(PriceKey(entry.code, part, project)) for part in entry.parts]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def units_of(prices: PriceTable | None, kinds: Iterable[catalogue.Target], project: str) -> dict[str, int]:
    """The price of one target of each of these kinds every 30 days, as far as the list has one: for forms that add one."""
    found: dict[str, int] = {}
    for kind in kinds:
        for entry in catalogue.ENTRIES:
            if entry.target is kind and (unit := whole_unit_of(prices, entry.code, project)) is not None:
                found[kind.value] = found.get(kind.value, 0) + unit
    return found
