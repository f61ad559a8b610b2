"""What happens to the plan that is paid for in part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from communities.models import Entitlement
from payments import actions as payment_actions
from payments.gateways.base import Remote, RemoteState
from subscriptions import ledger
from subscriptions.actions import settlement
from subscriptions.models import Cart, Order
from tests.people import NOW
from tests.subscriptions.lookups import payment_of

DAY = timedelta(days=1)
SOON = NOW + 10 * DAY + timedelta(hours=3)
BOTH = "landline+booking"
Place = Callable[..., Order]
Fill = Callable[..., Cart]


def fresh(item: Entitlement) -> Entitlement:
    return Entitlement.objects.get(pk=item.pk)


def only(item: Entitlement):
    return Entitlement.objects.filter(pk=item.pk)


def pay(order: Order, now: datetime) -> Order:
    """The gateway tells of the money of an order."""
    if order.total_minor:
        payment = payment_of(order)
        remote = Remote(
            ref=f"cs_{payment.pk}", payment_ref=f"pi_{payment.pk}", state=RemoteState.SUCCEEDED, amount_minor=order.total_minor,
            captured_minor=order.total_minor, currency=order.currency, reference=order.number,
            is_live_mode=payment.is_live_mode, request_key=payment.request_key,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(payment_actions, "look_up", lambda *_, **__: remote)
            settlement.settle(payment.pk, now=now)
    return Order.objects.get(pk=order.pk)


def agree() -> None:
    assert [str(fault) for fault in ledger.verify()] == []
