"""What a person can do with an unpaid order now, and whether the result of the payment page is awaited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.scope import Actor
from payments.models import Payment
from subscriptions import rights
from subscriptions.models import Order, OrderEvent

AWAITED = timedelta(minutes=2)  # so long neither paying nor cancelling is offered after the payer came back
SENT, SENT_AGAIN, RETURNED, LEFT = "sent", "sent_again", "returned", "left"
WAY = (SENT, SENT_AGAIN, RETURNED, LEFT)  # to the gateway's page and back, as events of the order


@dataclass(frozen=True, slots=True)
class OrderChoices:
    """What is offered for an order; `has_returned` and `is_awaited` are about the payer's return from the payment page."""

    may_pay: bool
    may_cancel: bool
    may_check: bool
    may_reorder: bool
    has_returned: bool
    is_awaited: bool


def choices_of(
    actor: Actor, order: Order, *, events: Sequence[OrderEvent], payment: Payment | None, now: datetime
) -> OrderChoices:
    """The choices for an order, from its events and its last payment.

    For two minutes after the payer came back nothing is offered, since a second payment could be made while the first is confirmed (R51).
    After that the gateway can be asked, and paying and cancelling are offered again.
    """
    is_unpaid, may_start = rights.may_be_paid(order), rights.may_start(actor, order)
    came_back = came_back_at(events, payment) if is_unpaid else None
    is_awaited = came_back is not None and now < came_back + AWAITED
    is_free = is_unpaid and not is_awaited
    return OrderChoices(
        may_pay=is_free and may_start,
        may_cancel=is_free and rights.may_cancel(actor, order),
        may_check=came_back is not None and not is_awaited and may_start,
        may_reorder=rights.may_reorder(actor, order),
        has_returned=came_back is not None,
        is_awaited=is_awaited,
    )


def came_back_at(events: Sequence[OrderEvent], payment: Payment | None) -> datetime | None:
    """When the payer last came back from the page of this payment as if it had paid; None where it has not, or the payment has ended."""
    if payment is None or not payment.is_live:
        return None
    way = [event for event in events if event.kind in WAY and event.detail.get("payment") == payment.pk]
    return way[-1].at if way and way[-1].kind == RETURNED else None
