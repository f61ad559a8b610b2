"""What the page of an auto-renewal's order shows: why it waits, when it is tried again, until when everything works, and what helps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from payments.models import Payment
from payments.models import State as PaymentState
from smartplus.access import PortalRequest
from subscriptions import rights
from subscriptions.actions import auto_renewals, cards
from subscriptions.models import AutoRenewal, Order


@dataclass(frozen=True, slots=True)
class Renewal:
    """The state of an unpaid auto-renewal order.

    `step`: charging (or about to be), unknown (no answer yet), waiting (for the next try), stopped (a card can still help), over (no card
    can), closed (another order renews its items by now, or none).
    """

    step: str
    reason: str
    card: str
    works_until: datetime | None
    zone: str  # time zone of the site with that end
    has_ended: bool  # paid time is over, so it is the grace that runs
    tries: list[datetime] = field(default_factory=list)
    auto_renewal_id: int = 0
    others: int = 0  # auto-renewals in the order
    may_change: bool = False


def of_order(request: PortalRequest, order: Order, payment: Payment | None) -> Renewal | None:
    """The values for an unpaid auto-renewal order; None for other orders."""
    if order.type != Order.Type.AUTO_RENEWAL or order.state not in {
        Order.State.PROCESSING,
        Order.State.FAILED,
        Order.State.CANCELLED,
    }:
        return None
    now, rows = request.now, list(order.renews.visible_to(request.actor).select_related("method").order_by("pk"))
    first = rows[0] if rows else None
    lines = order.lines.all() if rights.is_paid_by(request.actor, order) else order.lines.visible_to(request.actor)
    first_end = lines.filter(entitlement__expires_at__isnull=False).order_by("entitlement__expires_at", "pk")
    ends, works_until, zone = first_end.values_list(
        "entitlement__expires_at", "entitlement__works_until", "site__time_zone"
    ).first() or (None, None, "UTC")
    is_payer = order.payer_id == request.actor.organization_id
    last = order.events.filter(kind__in=["declined", "failed", "cancelled"]).last()
    return Renewal(
        step=_step(order, rows, payment, now),
        reason=last.reason if last else "",
        card=first.method.label if first else "",
        works_until=works_until,
        zone=zone,
        has_ended=bool(ends and ends <= now),
        tries=_tries(order, now),
        auto_renewal_id=first.pk if first else 0,
        others=max(0, len(rows) - 1),
        may_change=is_payer and rights.may_pay(request.actor),
    )


def _step(order: Order, rows: list[AutoRenewal], payment: Payment | None, now: datetime) -> str:
    if order.state == Order.State.PROCESSING:
        if order.next_try_at is not None and order.next_try_at > now:
            return "waiting"
        return "unknown" if payment is not None and payment.state == PaymentState.UNKNOWN else "charging"
    suspended = [row for row in rows if row.state == AutoRenewal.State.SUSPENDED]
    if order.state == Order.State.FAILED and suspended:
        return "stopped" if any(cards.is_recoverable(row, now=now) for row in suspended) else "over"
    return "closed"


def _tries(order: Order, now: datetime) -> list[datetime]:
    if order.state != Order.State.PROCESSING or order.next_try_at is None or order.next_try_at <= now:
        return []
    return [order.next_try_at, *auto_renewals.retry_times(auto_renewals.first_end(order)[0], after=order.next_try_at)]
