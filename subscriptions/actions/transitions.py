"""Transitions of an order's state: each is one function, under the order's lock; others are refused (R49)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.scope import Actor
from communities.models import Entitlement
from payments.models import Payment
from payments.models import State as PaymentState
from subscriptions.errors import IllegalTransition
from subscriptions.models import Order, OrderEvent, OrderLine

S = Order.State
ALLOWED: dict[str, frozenset[str]] = {
    S.PROCESSING: frozenset({S.SYSTEM_PROCESSING, S.FAILED, S.TIMEOUT, S.CANCELLED, S.REVIEW}),
    S.SYSTEM_PROCESSING: frozenset({S.SUCCEED, S.REVIEW}),
    S.FAILED: frozenset({S.SYSTEM_PROCESSING, S.REVIEW}),
    S.TIMEOUT: frozenset({S.SYSTEM_PROCESSING, S.REVIEW}),
    S.CANCELLED: frozenset({S.SYSTEM_PROCESSING, S.REVIEW}),
    S.REVIEW: frozenset({S.SYSTEM_PROCESSING, S.REFUNDED}),
    S.SUCCEED: frozenset(),
    S.REFUNDED: frozenset(),
}
GIVEN_UP = frozenset({S.FAILED, S.TIMEOUT, S.CANCELLED, S.REFUNDED})  # ended without success
ORDER_FAILED = audit.Word(
    "order.failed", gettext_lazy("Order failed"), gettext_lazy("Order %(what)s failed"), area=audit.Area.ORDERS
)
ORDER_TIMED_OUT = audit.Word(
    "order.timeout",
    gettext_lazy("Order not paid in time"),
    gettext_lazy("Order %(what)s was not paid in time"),
    area=audit.Area.ORDERS,
)
ORDER_CANCELLED = audit.Word(
    "order.cancelled", gettext_lazy("Order cancelled"), gettext_lazy("Order %(what)s cancelled"), area=audit.Area.ORDERS
)
CLOSED: dict[str, audit.Word] = {S.FAILED: ORDER_FAILED, S.TIMEOUT: ORDER_TIMED_OUT, S.CANCELLED: ORDER_CANCELLED}


def transition(order: Order, *states: str, now: datetime) -> None:
    """Change the state of a locked order, also through several states that nobody could see between. Raises IllegalTransition for what
    DOMAIN §4 does not allow. Final states record the time."""
    for state in states:
        _transition_once(order, state, now=now)
    order.save(update_fields=["state", "closed_at", "next_try_at"])


def _transition_once(order: Order, state: str, *, now: datetime) -> None:
    if state not in ALLOWED[order.state]:
        raise IllegalTransition(
            _("An order that is “%(old)s” can't become “%(new)s”.")
            % {"old": order.get_state_display(), "new": Order.State(state).label}
        )
    order.state = state
    order.closed_at = None if order.is_open or state == S.REVIEW else now
    order.next_try_at = None


def transition_if_refunded(order: Order, *, now: datetime) -> None:
    """Set the state Refunded when nothing of the order's money is left; an order that keeps a part keeps its state (R57). The caller holds
    the locks of the order and its payments, and has taken back what was paid for."""
    paid = Payment.objects.of_order(order.number).filter(state=PaymentState.SUCCEEDED)
    if not paid.filter(refunded_minor__lt=F("captured_minor")).exists():
        transition(order, S.REFUNDED, now=now)


def new_event(order: Order, kind: str, *, now: datetime, actor: Actor | None = None, **detail: Any) -> OrderEvent:
    """An event of the order's timeline, not written yet."""
    return OrderEvent(order=order, at=now, kind=kind, detail=detail, actor_label=actor.label if actor else "")


def log_event(order: Order, kind: str, *, now: datetime, actor: Actor | None = None, **detail: Any) -> None:
    """Add an event to the order's timeline."""
    new_event(order, kind, now=now, actor=actor, **detail).save(force_insert=True)


def _items(order: Order) -> QuerySet[OrderLine, Any]:
    return order.lines.filter(entitlement__isnull=False).order_by().values("entitlement_id")


def reserve(order: Order, *, locked: int | None = None) -> bool:
    """Reserve the items of an order; False where another open order has one of them (R48): then nothing was changed, or the caller has to
    roll back. The caller holds the order's lock. If it gives the number of items it has `locked`, it holds theirs too; otherwise they
    are locked here, in the order of their ids. One counted update reserves them."""
    mine = Entitlement.objects.filter(pk__in=_items(order))
    if locked is not None:
        return mine.filter(reserved_by=None).update(reserved_by=order.pk) == locked
    wanted = len(mine.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    held = mine.exclude(reserved_by=None).exclude(reserved_by=order.pk)
    return mine.filter(~Exists(held.order_by())).update(reserved_by=order.pk) == wanted


def release(order: Order) -> None:
    """Release the items of an order that will not be paid, if it still has them. The caller holds the order's lock."""
    held = Entitlement.objects.filter(pk__in=_items(order), reserved_by=order.pk)
    list(
        held.order_by("pk").select_for_update(no_key=True).values_list("pk")
    )  # locked in the order of ids first: an UPDATE locks in any order
    held.update(reserved_by=None)


def close(order: Order, state: str, *, now: datetime, actor: Actor, **detail: Any) -> None:
    """End an unpaid order as timed out, cancelled or failed, and release its items."""
    before = order.state
    transition(order, state, now=now)
    release(order)
    log_event(order, state, now=now, actor=actor, **detail)
    audit.record(
        actor, CLOSED[state], order, now=now, tenant=order.payer, before={"state": before}, after={"state": state}
    )
