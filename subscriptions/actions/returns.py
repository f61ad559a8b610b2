"""The way to the gateway's page and back: its events in the order's timeline."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.errors import NotPermitted
from accounts.scope import Actor
from payments.models import LIVE, Payment
from subscriptions import rights
from subscriptions.actions import settlement, transitions
from subscriptions.errors import IllegalTransition
from subscriptions.models import Order, OrderEvent
from subscriptions.order_choices import AWAITED, LEFT, RETURNED, SENT, SENT_AGAIN, WAY

SAME_CLICK = timedelta(seconds=10)  # two clicks at once are one attempt


@transaction.atomic
def record_sent(actor: Actor, payment: Payment, *, now: datetime) -> int:
    """Record, once for each attempt, that a person is sent to the page of this payment. Returns the number of the attempt for the order."""
    order = Order.objects.select_for_update(no_key=True).get(
        number=payment.subject
    )  # of two clicks at once, one is recorded
    last, before = order.events.filter(kind__in=WAY).last(), attempts(order.number)
    is_sent = last is not None and last.kind in {SENT, SENT_AGAIN} and last.detail.get("payment") == payment.pk
    if last is not None and is_sent and now - last.at < SAME_CLICK:
        return before
    attempt = before + 1
    transitions.log_event(
        order, SENT if attempt == 1 else SENT_AGAIN, now=now, actor=actor, gateway=payment.gateway_label, payment=payment.pk,
        attempt=attempt,
    )  # fmt: skip
    return attempt


def attempts(number: str) -> int:
    """How often a person was sent to the gateway to pay this order."""
    return OrderEvent.objects.filter(order__number=number, kind__in=[SENT, SENT_AGAIN]).count()


def record_returned(actor: Actor, *, number: str, now: datetime) -> bool:
    """Record that the payer came back from the page as if it had paid, which proves nothing (R51). Returns whether it was new."""
    return _record(actor, RETURNED, number=number, now=now)


def record_left(actor: Actor, *, number: str, now: datetime) -> bool:
    """Record that the payer pressed Cancel on the gateway's page. Page and order stay open. Returns whether it was new."""
    return _record(actor, LEFT, number=number, now=now)


@transaction.atomic
def _record(actor: Actor, kind: str, *, number: str, now: datetime) -> bool:
    """Only for an order that waits for its money, by a person who may pay it, and once: anybody can open an address, and several times."""
    visible = Order.objects.visible_to(actor).select_related("payer", "installer")
    order = visible.select_for_update(of=("self",), no_key=True).get(number=number)
    if order.state != Order.State.PROCESSING or not rights.may_start(actor, order):
        return False
    last = order.events.filter(kind__in=WAY).last()
    payment = Payment.objects.of_order(number).filter(state__in=LIVE).order_by("-pk").first()
    if last is None or payment is None or last.detail.get("payment") != payment.pk:
        return False
    if last.kind == kind and (kind == LEFT or now - last.at < AWAITED):
        return False
    transitions.log_event(order, kind, now=now, actor=actor, payment=payment.pk)
    return True


def check(actor: Actor, *, number: str, now: datetime) -> Order:
    """Ask the gateway about the order now, for a person who may pay it. Raises GatewayUnavailable."""
    order = Order.objects.visible_to(actor).select_related("payer", "installer").get(number=number)
    if not rights.may_start(actor, order):
        raise NotPermitted
    if order.type == Order.Type.AUTO_RENEWAL:
        raise IllegalTransition
    settlement.settle_order(number, now=now)
    order.refresh_from_db(fields=["state", "closed_at"])
    return order
