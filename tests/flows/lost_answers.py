"""The story in which answers of the gateway get lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from accounts.errors import Refused
from payments.errors import BadSignature, GatewayUnavailable
from payments.models import Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from subscriptions.actions import carts, orders
from subscriptions.models import AutoRenewal, Cart, Order, ServicePeriod
from tests.flows.ledger import assert_ledger_agrees
from tests.flows.webhook_queue import WebhookQueue, move_money
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE

AHEAD = [timedelta(minutes=-10), timedelta(0), timedelta(minutes=10)]
APART = timedelta(days=100)  # between two stories, so that nothing of one is due in the other
LATER = [
    timedelta(minutes=3),
    timedelta(minutes=9),
    timedelta(minutes=50),
    timedelta(hours=25),
    timedelta(hours=49),
    timedelta(days=4),
]


@dataclass
class World:
    """Dora, a gateway whose clock differs from ours by `ahead`, and the connection between them."""

    people: People
    sandbox: Sandbox
    webhooks: WebhookQueue
    new_cart: Callable[..., Cart]
    patch: pytest.MonkeyPatch
    ahead: timedelta
    loss: str

    def at(self, instant: datetime) -> datetime:
        """Set our clock to `instant`; the gateway's differs."""
        self.sandbox.clock.freeze(instant - self.ahead)
        return instant

    def order(self, cart: Cart, now: datetime, *, auto_renew: bool = False) -> Order:
        """See the price, accept the terms, press Pay."""
        shown = carts.priced(carts.contents(cart), distributor=self.people.dora.firm, months=1, now=now)
        return orders.place_order(
            self.people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1",
            return_base=BASE, now=now, auto_renew=auto_renew,
        )  # fmt: skip

    def pay(self, order: Order, now: datetime, card: str = "") -> None:
        """Go to the payment page, if the portal knows one, and approve."""
        with suppress(Refused, GatewayUnavailable):  # the gateway does not answer, or the order is paid already
            if url := orders.start_payment(self.people.dora.actor, number=order.number, return_base=BASE, now=now):
                press(url, "approve", card=card)

    def tick(self, instant: datetime) -> None:
        """Deliver the gateway's messages, if the clocks allow us to accept them, and run the jobs: once more after a round that did
        anything."""
        now = self.at(instant)
        with suppress(BadSignature):
            self.webhooks.deliver(self.webhooks.take(), now=now)
        if move_money(now=now):
            move_money(now=now + timedelta(seconds=1))

    def let_time_pass(self, start: datetime) -> None:
        """Go on until everything that is retried automatically was retried."""
        for pause in LATER:
            self.tick(start + pause)

    def agree(self, number: int, card: str) -> tuple[AutoRenewal, datetime]:
        """An auto-renewal with this test card, and the instant when it is due first."""
        now = self.at(NOW + number * APART)
        order = self.order(self.new_cart(f"Harbour {number}", now=now), now, auto_renew=True)
        self.pay(order, now, card)
        self.webhooks.take()
        self.tick(now + timedelta(minutes=3))
        auto_renewal = AutoRenewal.objects.get(order=order)
        assert auto_renewal.next_due_at is not None
        return auto_renewal, auto_renewal.next_due_at


def assert_charged_once(world: World, order: Order) -> None:
    """The gateway's charges, our payments and the periods agree: one charge, one payment, one period for each line."""
    order.refresh_from_db()
    assert order.state == Order.State.SUCCEED
    assert world.sandbox.state()["moved"][order.number] == {"amount": order.total_minor, "charges": 1}
    paid = Payment.objects.filter(subject=order.number, state=PaymentState.SUCCEEDED)
    assert [payment.captured_minor for payment in paid] == [order.total_minor]
    assert ServicePeriod.objects.filter(line__order=order).count() == order.line_count
    assert_ledger_agrees(world.sandbox)
