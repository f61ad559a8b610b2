"""Where what is on, what is paid and what is installed don't agree: what is compared, how much of each kind there is, and what it is worth.

The dashboard's tiles count the same items by the same functions of the catalogue; `subscriptions.difference_lines` reads the rows.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from django.db.models import Case, Count, F, Model, Q, QuerySet, Sum, When

from accounts.scope import Actor
from communities import catalogue, expiries, vacancy
from communities.models import Apartment, Entitlement, ExpiryDay, status
from devices import reports as device_reports
from subscriptions.cycles import list_amounts, rest_amounts, total_of
from subscriptions.prices import PriceTable, Product
from subscriptions.summary import PRODUCT, What, alive_on, today_of, worth_of

Row = TypeVar("Row", bound=Model)
MOST = 1_000  # apartments; beyond it they are not counted on


class Kind(enum.StrEnum):
    """The kinds of disagreement, in the order of the page."""

    UNPAID = "unpaid"  # on, and not paid for: never activated, lapsed, or running with a part that is not paid
    UNUSED = "unused"  # paid for, and not on
    MONITORS = "monitors"  # an indoor monitor is required and none is there
    EMPTY = "empty"  # something is on and paid for in an apartment without a family master


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared: everything that the actor sees, one site of it, or the sites of one installer. Without `prices` no sum is made."""

    actor: Actor
    now: datetime
    zone: tzinfo | None
    prices: PriceTable | None
    site_id: int | None = None
    installer_id: int | None = None

    @property
    def today(self) -> date:
        """The reader's day, as for the tiles."""
        return today_of(self.now, self.zone)

    def narrow(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows of the site or the installer, where one is chosen."""
        if self.site_id is not None:
            return rows.filter(site_id=self.site_id)
        return rows.filter(installer_id=self.installer_id) if self.installer_id is not None else rows

    @property
    def apartments(self) -> QuerySet[Apartment]:
        """The apartments."""
        return self.narrow(Apartment.objects.visible_to(self.actor))

    @property
    def waiting(self) -> QuerySet[Apartment]:
        """Those that require an indoor monitor and have none."""
        return device_reports.without_monitor(self.apartments)

    @property
    def empty(self) -> QuerySet[Apartment]:
        """Those where nobody lives although something is on and paid for."""
        return vacancy.paid_and_empty(self.apartments, self.now)

    def by_site(self) -> QuerySet[ExpiryDay]:
        """The rows of the summary by site, with `alive`: in force."""
        return self._differing(self.narrow(ExpiryDay.objects.by_site(self.actor)))

    def by_firm(self) -> QuerySet[ExpiryDay]:
        """The same, from the smallest set of rows."""
        if self.site_id is not None:
            return self.by_site()
        return self._differing(self.narrow(ExpiryDay.objects.visible_to(self.actor)))

    def _differing(self, rows: QuerySet[ExpiryDay]) -> QuerySet[ExpiryDay]:
        """Those that may be unpaid or unused; only the catalogue knows which are."""
        wanted, paid = ~Q(variant=""), expiries.in_force(self.today)
        ended = Q(day=None) | expiries.lapsed(self.today)
        return rows.filter((wanted & ended) | (paid & ~Q(variant=F("paid_variant")))).annotate(
            alive=alive_on(self.today)
        )


@dataclass(frozen=True, slots=True)
class Alike:
    """Like items: `ends` is the day on which those end that are in force."""

    product: Product
    variant: str
    paid_variant: str
    is_alive: bool
    ends: date | None
    count: int

    @property
    def is_unpaid(self) -> bool:
        """Whether something of them is on that is not paid for."""
        missing = catalogue.uncovered(
            self.product.service_type, self.variant, self.paid_variant, is_in_force=self.is_alive
        )
        return bool(self.variant and missing)

    @property
    def is_unused(self) -> bool:
        """Whether something of them is paid for that is not on."""
        return self.is_alive and bool(catalogue.unused(self.product.service_type, self.variant, self.paid_variant))

    def rest(self, today: date) -> tuple[Product, str, int, int]:
        """What `rest_amounts` reads: the product as it was paid, what of it is used, the days that are left, how many."""
        used = catalogue.used_variant(self.product.service_type, self.variant, self.paid_variant)
        days = (self.ends - today).days if self.ends else 0
        return self.product._replace(variant=self.paid_variant), used, days, self.count


def alike(scope: Scope) -> list[Alike]:
    """All items of the scope that are unpaid or unused, like ones together; one statement."""
    rows = (
        scope.by_firm()
        .annotate(ends=Case(When(expiries.in_force(scope.today), then=F("day"))))
        .order_by()
        .values_list(*PRODUCT, "variant", "paid_variant", "alive", "ends")
        .annotate(n=Sum("count"))
        .exclude(n=0)
    )
    return [Alike(Product(*row[:4]), *row[4:]) for row in rows]


def worth(kind: Kind, rows: Iterable[Alike], scope: Scope) -> int | None:
    """What like items are worth together: 30 days of what is not paid, or the paid time that is left of what is not on. None without
    prices."""
    rows = list(rows)
    if kind is Kind.UNPAID:
        items = [(row.product, row.paid_variant, row.is_alive, row.count) for row in rows]
        return total_of(worth_of(What.UNPAID, items, scope.prices, scope.now))
    return total_of(rest_amounts((row.rest(scope.today) for row in rows), scope.prices))


@dataclass(frozen=True, slots=True)
class Total:
    """How much there is of a kind, and what it is worth in the currency of the price list; None where no amount is shown."""

    count: int = 0
    amount_minor: int | None = None

    @property
    def shown(self) -> str:
        """The number; "1,000+" where counting stopped."""
        return f"{MOST:,}+" if self.count > MOST and self.amount_minor is None else str(self.count)


def totals(scope: Scope, rows: Sequence[Alike]) -> dict[Kind, Total]:
    """How much there is of each kind, of which `rows` are all that `alike` finds; three statements, two where no prices are shown."""
    unpaid, unused = [row for row in rows if row.is_unpaid], [row for row in rows if row.is_unused]
    return {
        Kind.UNPAID: Total(sum(row.count for row in unpaid), worth(Kind.UNPAID, unpaid, scope)),
        Kind.UNUSED: Total(sum(row.count for row in unused), worth(Kind.UNUSED, unused, scope)),
        Kind.MONITORS: Total(_bounded(scope.waiting)),
        Kind.EMPTY: Total(_bounded(scope.empty), _every_30_days(scope)),
    }


def number(scope: Scope) -> int:
    """How much there is in all; three statements."""
    found = totals(replace(scope, prices=None), alike(scope))
    return sum(total.count for total in found.values())


def _bounded(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: MOST + 1].count()


def _every_30_days(scope: Scope) -> int | None:
    """What goes on being charged in empty apartments, every 30 days."""
    if scope.prices is None:
        return None
    items = vacancy.going_on(Entitlement.objects.visible_to(scope.actor), scope.now)
    rows = (
        scope.narrow(items)
        .annotate(renewed=status.renewed())
        .order_by()
        .values_list("service_type", "renewed", "site__kind", "site__price_class")
        .annotate(n=Count("pk"))
    )
    return total_of(list_amounts(((Product(*row[:4]), row[4]) for row in rows), scope.prices, scope.now))
