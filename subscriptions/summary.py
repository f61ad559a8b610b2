"""What numbers and lists count in the summary by day (`ExpiryDay`), and the price of 30 days of it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo

from django.db.models import BooleanField, Case, F, Q, QuerySet, Subquery, When
from django.utils import timezone

from accounts.models import Organization
from communities import expiries
from communities.models import ExpiryDay
from subscriptions.cycles import list_amounts, unpaid_amounts
from subscriptions.models import PriceList
from subscriptions.prices import PriceTable, Product
from subscriptions.tables import table_with_former

HORIZON = timedelta(days=90)  # how far the calendar looks
SOON = timedelta(days=30)  # what is called due
# Columns of the summary, in the order of `Product`
PRODUCT = ("service_type", "renewed", "project_type", "price_class")


class What(enum.StrEnum):
    """What a list shows; the tile with the same name counts the same."""

    DUE = "due"  # in grace, or ending within the time asked for
    NEW = "new"  # never activated
    LAPSED = "lapsed"
    UNPAID = "unpaid"  # on and not paid for: never activated, lapsed, or running with an unpaid part
    UNUSED = "unused"  # paid for and not on
    PAID = "paid"  # on and in force, grace included
    ALL = "all"  # everything that is on, paid or not


def prices_for(distributor_id: int | None, *, at: datetime) -> PriceTable | None:
    """The prices of a distributor's tree, its own list before the default; two statements.

    None when there is no list: pages then count items and show no money.
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
    """The price of 30 days of each (product, paid variant, whether in force, count), in the meaning of the list: what is paid, what is on
    and not paid, or else what is on. None for all where one has no price."""
    rows = list(rows)
    if what is What.PAID:
        was_paid = prices.as_paid() if prices else None
        return list_amounts(((product._replace(variant=paid), n) for product, paid, alive_on, n in rows), was_paid, now)
    if what is not What.UNPAID:
        return list_amounts(((product, n) for product, _paid, alive_on, n in rows), prices, now)
    return unpaid_amounts(((product, paid if alive else "", n) for product, paid, alive, n in rows), prices)


def today_of(now: datetime, zone: tzinfo | None = None) -> date:
    """The reader's date. Numbers and lists use the same one, so that they agree."""
    return timezone.localtime(now, zone).date()


def narrowed(
    rows: QuerySet[ExpiryDay], what: What, today: date, last: date, first: date | None = None
) -> QuerySet[ExpiryDay]:
    """The rows of the summary for a list. Which of them are unpaid or unused only the catalogue can say (`_alike`)."""
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


def alive_on(today: date) -> Case:
    return Case(When(expiries.in_force(today), then=True), default=False, output_field=BooleanField())
