"""What is done to the order, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

from communities.models import Entitlement
from subscriptions.actions import orders
from subscriptions.models import Order, ServicePeriod
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE

A_MONTH_LATER = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)


def open_page(people: People, order: Order, *, now: datetime = NOW) -> str:
    return orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=now)


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def kinds(order: Order) -> list[str]:
    return list(order.events.values_list("kind", flat=True))


def unpaid(order: Order) -> bool:
    entitlements = Entitlement.objects.filter(lines__order=order)
    return not entitlements.exclude(expires_at=None, paid_variant="").exists() and not ServicePeriod.objects.exists()
