"""What time brings: events that wait, payments that hang, orders that nobody pays; each sweep is a query for due rows."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Kind
from payments import events
from payments.errors import GatewayRefused, GatewayUnavailable
from payments.models import LIVE, GatewayEvent, Payment
from subscriptions.actions.settlement import SETTLEMENT, give_up, settle
from subscriptions.models import Order

log = logging.getLogger("smartplus.settlement")

UNPAID_TIMEOUT = timedelta(minutes=45)  # R53
LOOK_AFTER = timedelta(minutes=2)  # a payment is somebody's business right now until then
LOOK_AGAIN = timedelta(minutes=5)


def work_events(*, now: datetime, limit: int = 200) -> int:
    """Work on the gateway events that wait: settle the payment each is about. Returns how many were finished."""
    done = 0
    for event in events.due(now=now, limit=limit):
        done += _work_event(event, now=now)
    return done


def _work_event(event: GatewayEvent, *, now: datetime) -> bool:
    if not events.claim(event, now=now):
        return False
    try:
        payment = events.payment_of(event)
        if payment is not None:
            settle(payment.pk, now=now)
    except Exception as problem:
        # The edge of background work: whatever goes wrong is written to the event, which is tried again later.
        log.exception("event %s failed", event.event_id)
        events.fail(event, error=f"{type(problem).__name__}: {problem}", now=now)
        return False
    events.finish(event, now=now, is_ignored=payment is None)
    return True


def settle_hanging(*, now: datetime, limit: int = 200) -> int:
    """The janitor: ask the gateway about payments nobody has heard of for a while. Returns how many were asked about."""
    hanging = (
        Payment.objects.filter(state__in=LIVE, created_at__lte=now - LOOK_AFTER)
        .filter(Q(checked_at=None) | Q(checked_at__lte=now - LOOK_AGAIN))
        .order_by("pk")[:limit]
    )
    asked = 0
    for payment in [*hanging, *_unnoted(now)[:limit]]:
        try:
            settle(payment.pk, now=now)
            asked += 1
        except (GatewayUnavailable, GatewayRefused) as problem:
            log.warning("payment %s can't be looked up: %s", payment.pk, problem)
    return asked


def _unnoted(now: datetime) -> QuerySet[Payment]:
    """Charges that ended while nobody was left to tell their auto-renewal: the process died in between."""
    trying = Order.objects.filter(type=Order.Type.AUTO_RENEWAL, state=Order.State.PROCESSING, next_try_at=None)
    under_way = Payment.objects.filter(reference=OuterRef("reference"), state__in=LIVE)
    ended = Payment.objects.filter(reference__in=trying.values("number"), updated_at__lte=now - LOOK_AFTER)
    return ended.exclude(Exists(under_way)).exclude(state__in=LIVE).order_by("-pk")


def time_out_orders(*, now: datetime, limit: int = 200) -> int:
    """Close orders that nobody paid within 45 minutes; an unknown payment keeps its order open (R53)."""
    unpaid = Order.objects.filter(state=Order.State.PROCESSING, created_at__lte=now - UNPAID_TIMEOUT)
    by_people = unpaid.exclude(type=Order.Type.AUTO_RENEWAL).order_by("pk")[:limit]
    closed = 0
    for order_id in by_people.values_list("pk", flat=True):
        try:
            closed += give_up(order_id, Order.State.TIMEOUT, actor=SETTLEMENT, now=now).state == Order.State.TIMEOUT
        except (GatewayUnavailable, GatewayRefused) as problem:
            log.warning("order %s can't be closed yet: %s", order_id, problem)
    return closed


def close_unpermitted(*, now: datetime, limit: int = 200) -> int:
    """Cancel the unpaid orders whose payer may no longer pay, their open pay pages first (R5). Money that was faster is honoured, and
    money that comes all the same is late money (R52). Auto-renewals look at it themselves before they charge (R43)."""
    may_not = Q(payer__is_active=False) | Q(payer__kind=Kind.INSTALLER, payer__pays_regular=False)
    unpaid = Order.objects.filter(may_not, state=Order.State.PROCESSING).exclude(type=Order.Type.AUTO_RENEWAL)
    closed = 0
    for order_id in list(unpaid.order_by("pk").values_list("pk", flat=True)[:limit]):
        try:
            order = give_up(order_id, Order.State.CANCELLED, actor=SETTLEMENT, because="may_not_pay", now=now)
            closed += order.state == Order.State.CANCELLED
        except (GatewayUnavailable, GatewayRefused) as problem:
            log.warning("order %s can't be closed yet: %s", order_id, problem)
    return closed
