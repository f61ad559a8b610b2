"""Jobs about orders and payments: waiting events, stale payments, unpaid orders. Each is a query for due rows, each row fenced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import breakers, fences
from accounts.fences import Budget
from payments import events
from payments.errors import GatewayNotSetUp, GatewayRefused, GatewayUnavailable, PaymentOpen
from payments.models import LIVE, GatewayEvent, Payment, Purpose
from subscriptions.actions.fulfilment import SETTLEMENT
from subscriptions.actions.settlement import close_unpaid, process_event, settle
from subscriptions.models import Order

UNPAID_TIMEOUT = timedelta(minutes=45)  # R53
LOOK_AFTER = timedelta(minutes=2)  # a payment younger than this is left to the request that began it
LOOK_AGAIN = timedelta(minutes=5)
NO_ANSWER = (GatewayUnavailable, GatewayRefused)  # errors that say "not known yet": asked again, never given up


def process_events(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Process waiting gateway events: settle the payment each is about. Returns how many were finished."""
    budget = budget or Budget()

    def work(event: GatewayEvent) -> int:
        with _asking(event.gateway, now, budget) as call:
            if not events.claim(event, now=budget.at(now)):
                raise fences.NotNow
            call.was_made = process_event(event, now=now)
            events.finish(event, now=now, is_ignored=not call.was_made)
        return 1

    def postpone(event: GatewayEvent, problem: Exception) -> datetime | None:
        return events.fail(event, problem, is_expected=isinstance(problem, NO_ANSWER), now=now)

    return fences.each(
        "gateway_events", events.due(now, limit), work, now=now, budget=budget, expects=NO_ANSWER, postpone=postpone
    )


def reconcile_stale_payments(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Ask the gateway about payments without a recent answer, the longest unasked first. Returns how many were asked about."""
    stale = Payment.objects.filter(state__in=LIVE, created_at__lte=now - LOOK_AFTER)
    unasked = Q(checked_at=None) | Q(checked_at__lte=now - LOOK_AGAIN)
    by = (F("checked_at").asc(nulls_first=True), "pk")
    return _reconcile_each("stale_payments", stale, by, fresh=unasked, now=now, budget=budget, limit=limit)


def reconcile_unreported_charges(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Find charges that ended while their process died before the auto-renewal was updated, and settle them."""
    trying = Order.objects.filter(type=Order.Type.AUTO_RENEWAL, state=Order.State.PROCESSING, next_try_at=None)
    under_way = Payment.objects.of_order(OuterRef("subject")).filter(state__in=LIVE)
    tried = Payment.objects.filter(purpose=Purpose.ORDER, subject__in=trying.values("number"))
    ended = tried.filter(updated_at__lte=now - LOOK_AFTER)
    unreported = ended.exclude(Exists(under_way)).exclude(state__in=LIVE)
    return _reconcile_each("unreported_charges", unreported, ("-pk",), now=now, budget=budget, limit=limit)


def _reconcile_each(
    job: str,
    waiting: QuerySet[Payment],
    by: tuple[object, ...],
    *,
    now: datetime,
    budget: Budget | None,
    limit: int,
    fresh: Q | None = None,
) -> int:
    budget = budget or Budget()

    def ask(payment_id: int) -> int:
        gateway = Payment.objects.values_list("gateway", flat=True).get(pk=payment_id)
        with _asking(gateway, now, budget):
            settle(payment_id, now=now)
        return 1

    ids = fences.due(job, waiting, fresh=fresh, by=by, now=now, limit=limit)
    return fences.each(job, ids, ask, now=now, budget=budget, key=int, expects=NO_ANSWER)


def expire_unpaid_orders(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Close orders that were not paid within 45 minutes, the oldest first; an unknown payment keeps its order open (R53)."""
    unpaid = Order.objects.filter(state=Order.State.PROCESSING, created_at__lte=now - UNPAID_TIMEOUT)
    by_people = unpaid.exclude(type=Order.Type.AUTO_RENEWAL)
    return _close_each("order_timeouts", by_people, Order.State.TIMEOUT, now=now, budget=budget, limit=limit)


def cancel_unauthorized_orders(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Cancel unpaid orders whose payer may no longer pay, after closing their payment pages (R5). If money arrived first, the order is
    honoured; money that arrives later is handled as late money (R52). Auto-renewals check the right before each charge themselves (R43)."""
    unpaid = Order.objects.unpermitted().filter(state=Order.State.PROCESSING).exclude(type=Order.Type.AUTO_RENEWAL)
    return _close_each(
        "revoked_orders", unpaid, Order.State.CANCELLED, because="may_not_pay", now=now, budget=budget, limit=limit
    )


def _close_each(
    job: str,
    waiting: QuerySet[Order],
    state: str,
    *,
    now: datetime,
    budget: Budget | None,
    limit: int,
    because: str = "",
) -> int:
    """Close each of the orders. Returns how many ended in `state`: an order may have been paid meanwhile."""
    budget = budget or Budget()

    def close(order_id: int) -> int:
        payments = Payment.objects.of_order(Order.objects.values_list("number", flat=True).get(pk=order_id))
        gateway = payments.filter(state__in=LIVE).values_list("gateway", flat=True).first()
        with _asking(gateway or "", now, budget):
            order = close_unpaid(order_id, state, actor=SETTLEMENT, because=because, now=now)
        return int(order.state == state)

    ids = fences.due(job, waiting, by=("created_at", "pk"), now=now, limit=limit)
    return fences.each(job, ids, close, now=now, budget=budget, key=int, expects=NO_ANSWER)


@contextmanager
def _asking(gateway: str, now: datetime, budget: Budget) -> Iterator[breakers.Call]:
    """The breaker's guard for this gateway; no guard for ""."""
    if not gateway:
        yield breakers.Call(was_made=False)
        return
    with breakers.guard(
        gateway, trips_on=GatewayUnavailable, but_not=(PaymentOpen, GatewayNotSetUp), at=lambda: budget.at(now)
    ) as call:
        yield call
