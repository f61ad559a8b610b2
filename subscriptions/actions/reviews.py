"""The operator's decisions about money that does not fit: an order under review is applied or paid back, and money paid twice is recorded
as paid back (R50, R52)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import Actor, Role
from accounts.typed import text
from payments import actions as payment_actions
from payments import money
from payments.models import Payment, State
from subscriptions.actions import fulfilment, settlement, transitions
from subscriptions.errors import IllegalTransition, ItemHeld
from subscriptions.models import Order

ORDER_REVIEWED = audit.Word(
    "order.assessed",
    gettext_lazy("Order decided by the operator"),
    gettext_lazy("Order %(what)s decided by the operator"),
    area=audit.Area.ORDERS,
)
DUPLICATE_REPAID = audit.Word(
    "payment.duplicate_repaid",
    gettext_lazy("Order paid twice, one payment paid back"),
    gettext_lazy("%(what)s was paid twice, one payment was paid back"),
    area=audit.Area.ORDERS,
)


@transaction.atomic
def resolve(
    actor: Actor, *, number: str, is_accepted: bool, reason: str, now: datetime, seen_minor: int | None = None
) -> Order:
    """Apply an order under review as if its money had been right, or record that it was paid back at the gateway.

    Operator only, with a reason. Applying refuses items that another order has meanwhile. Paying back releases the items; the refund itself
    is made in the gateway's dashboard, and a row records it for each payment that took money. `seen_minor` is the amount that the page
    showed: refused if more came in since, which nobody has paid back. None if the caller read it in this transaction.
    """
    reason = _reason(actor, reason)
    order_id = Order.objects.visible_to(actor).values_list("pk", flat=True).get(number=number)
    order = settlement.lock_order(order_id)
    if order.state != Order.State.REVIEW:
        raise IllegalTransition(_("This order is not under review any more."))
    transitions.log_event(order, "assessed", now=now, actor=actor, reason=reason)
    if is_accepted:
        if not transitions.reserve(order):
            raise ItemHeld(_("Some items are in another open order. Wait for it, or pay the money back."))
        fulfilment.fulfil(order, now=now)
    else:
        paying = _paying(order)
        _refuse_news(paid_for(order), seen_minor, order)
        for payment in paying:
            if left := payment_actions.refundable_minor(payment):
                payment_actions.record_outside_refund(actor, payment, amount_minor=left, reason=reason, now=now)
        transitions.transition_if_refunded(order, now=now)
        transitions.release(order)
        transitions.log_event(order, "refunded", now=now, actor=actor)
    audit.record(
        actor,
        ORDER_REVIEWED,
        order,
        now=now,
        tenant=order.payer,
        before={"state": Order.State.REVIEW.value},
        after={"state": order.state, "reason": reason},
    )
    return order


def paid_for(order: Order) -> int:
    """The money that came in for an order, less what was paid back."""
    return sum(map(payment_actions.refundable_minor, _taken(order)))


@dataclass(frozen=True, slots=True)
class DuplicatePayment:
    """Money that came although the order was paid: the gateway's object, its payment, and the amount. `refundable_minor` is the part that
    this payment can refund; for a second object of one payment it is 0."""

    payment: Payment
    payment_ref: str
    amount_minor: int
    refundable_minor: int


def duplicate_payments_of(order: Order) -> list[DuplicatePayment]:
    """Money that came in addition to an order's own payment and is not recorded as paid back."""
    told = list(
        order.events.filter(kind__in=["duplicate_payment", "repaid"]).order_by("pk").values_list("kind", "detail")
    )
    repaid = {detail["payment_ref"] for kind, detail in told if kind == "repaid"}
    waiting = [detail for kind, detail in told if kind == "duplicate_payment" and detail["payment_ref"] not in repaid]
    payments = Payment.objects.in_bulk({detail["payment"] for detail in waiting})
    found = []
    for detail in waiting:
        payment, ref = payments[detail["payment"]], detail["payment_ref"]
        is_its_own = payment.gateway_payment_ref == ref
        left = payment_actions.refundable_minor(payment) if is_its_own else 0
        if left or not is_its_own:
            found.append(DuplicatePayment(payment, ref, left or payment.amount_minor, left))
    return found


@transaction.atomic
def record_duplicate_repaid(
    actor: Actor, *, number: str, reason: str, now: datetime, seen_minor: int | None = None
) -> Order:
    """Record that everything paid twice for an order was paid back, in the gateway's dashboard or by bank transfer.

    Operator only, with a reason. The order keeps its state, since its own money stays. An order under review is decided as a whole instead.
    `seen_minor` is the amount that the page showed, as in `resolve`.
    """
    reason = _reason(actor, reason)
    order = settlement.lock_order(Order.objects.visible_to(actor).values_list("pk", flat=True).get(number=number))
    _paying(order)
    found = duplicate_payments_of(order)
    if not found or order.state not in {Order.State.SUCCEED, Order.State.REFUNDED}:
        raise IllegalTransition(_("Nothing that was paid twice for this order waits to be paid back."))
    _refuse_news(sum(duplicate.amount_minor for duplicate in found), seen_minor, order)
    for duplicate in found:
        payment, ref = duplicate.payment, duplicate.payment_ref
        if left := duplicate.refundable_minor:
            payment_actions.record_outside_refund(actor, payment, amount_minor=left, reason=reason, now=now)
        transitions.log_event(order, "repaid", now=now, actor=actor, payment_ref=ref, reason=reason)
        audit.record(
            actor, DUPLICATE_REPAID, payment, now=now, tenant=order.payer,
            before={"refunded_minor": payment.refunded_minor},
            after={
                "amount_minor": duplicate.amount_minor, "refunded_minor": payment.refunded_minor + left,
                "payment_ref": ref, "reason": reason,
            },
        )  # fmt: skip
    return order


def _refuse_news(minor: int, seen_minor: int | None, order: Order) -> None:
    """Refuse if the amount is not the one that the page showed."""
    if seen_minor not in {None, minor}:
        raise Refused(
            _("What came in is %(amount)s by now. Look at the order again.")
            % {"amount": money.show(minor, order.currency)}
        )


def _reason(actor: Actor, reason: str) -> str:
    """The reason in one line. Refuses an empty one, and people who are not the operator."""
    if actor.role is not Role.OPERATOR:
        raise NotPermitted
    reason = text.line(reason)
    if not reason:
        raise Refused(_("Say why, for whoever reads this later."), field="reason")
    return reason


def _taken(order: Order) -> QuerySet[Payment]:
    """The payments that took money for an order, in the order of their ids."""
    return Payment.objects.of_order(order.number).filter(state=State.SUCCEEDED).order_by("pk")


def _paying(order: Order) -> list[Payment]:
    """As `_taken`, locked; the order is locked already."""
    return list(_taken(order).select_for_update(of=("self",), no_key=True))
