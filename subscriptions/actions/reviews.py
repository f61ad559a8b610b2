"""The way out of Under Review: the operator looks, then applies the order or pays the money back (R50, R52)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import Actor, Role
from accounts.typed import text
from payments import actions as payment_actions
from payments.models import Payment, State
from subscriptions.actions import moves, settlement
from subscriptions.errors import IllegalMove, ItemHeld
from subscriptions.models import Order

ORDER_JUDGED = audit.Word(
    "order.judged",
    gettext_lazy("Order decided by the operator"),
    gettext_lazy("Order %(what)s decided by the operator"),
    area=audit.Area.ORDERS,
)


@transaction.atomic
def resolve(actor: Actor, *, number: str, is_accepted: bool, reason: str, now: datetime) -> Order:
    """Apply an order under review as if its money had been right, or note that it was paid back at the gateway.

    Operator only, with a reason. Applying needs the items free: another order may have them by now. Paying back releases them; the
    refund itself is made in the gateway's own dashboard, and here is a row that says so for each payment that took money.
    """
    if actor.role is not Role.OPERATOR:
        raise NotPermitted
    reason = text.line(reason)
    if not reason:
        raise Refused(_("Say why, for whoever reads this later."), field="reason")
    order_id = Order.objects.visible_to(actor).values_list("pk", flat=True).get(number=number)
    order = settlement.lock_order(order_id)
    if order.state != Order.State.REVIEW:
        raise IllegalMove(_("This order is not under review any more."))
    moves.tell(order, "judged", now=now, actor=actor, reason=reason)
    if is_accepted:
        if not moves.reserve(order):
            raise ItemHeld(_("Some items are in another open order. Wait for it, or pay the money back."))
        settlement.fulfil(order, now=now)
    else:
        for payment in _paying(order):
            if left := payment_actions.refundable_minor(payment):
                payment_actions.note_outside(actor, payment, amount_minor=left, reason=reason, now=now)
        moves.follow_money(order, now=now)
        moves.release(order)
        moves.tell(order, "refunded", now=now, actor=actor)
    audit.record(
        actor,
        ORDER_JUDGED,
        order,
        now=now,
        tenant=order.payer,
        before={"state": Order.State.REVIEW.value},
        after={"state": order.state, "reason": reason},
    )
    return order


def _paying(order: Order) -> list[Payment]:
    """The payments that took money for a locked order, locked in the order of their ids."""
    paid = Payment.objects.of_order(order.number).filter(state=State.SUCCEEDED)
    return list(paid.order_by("pk").select_for_update(of=("self",), no_key=True))
