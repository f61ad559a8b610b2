"""The story in which the process is killed between a cart and paid time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import time_machine
from django.test import RequestFactory

from payments.sandbox import Sandbox
from smartplus import webhooks
from subscriptions.actions import carts, orders, scheduled
from subscriptions.models import Cart, Order
from tests.flows import crash_points
from tests.flows.webhook_queue import SignedMessage, WebhookQueue, move_money
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE

AHEAD = [timedelta(minutes=-10), timedelta(0), timedelta(minutes=10)]  # differences of the gateway's clock, in turn
# After these it is settled, with or without the gateway's messages
SOON = [timedelta(minutes=3), timedelta(minutes=10)]
LATER = [timedelta(minutes=50), timedelta(days=1)]


@dataclass
class World:
    """Dora, a gateway with another clock than ours, and a new community on a day of its own for each run of the journey."""

    people: People
    sandbox: Sandbox
    webhooks: WebhookQueue
    new_cart: Callable[..., Cart]
    ahead: timedelta = timedelta(0)  # how far our clock is ahead of the gateway's

    def it_is(self, now: datetime) -> None:
        """Set our clock; the gateway's differs."""
        self.sandbox.clock.freeze(now - self.ahead)

    def begin(self, number: int) -> tuple[Cart, datetime]:
        """The cart of story `number`, and the instant at which Dora submits it."""
        at = NOW + number * timedelta(days=2)
        self.ahead = AHEAD[number % len(AHEAD)]
        self.it_is(at)
        return self.new_cart(f"Harbour {number}"), at

    def submit(self, cart: Cart, now: datetime) -> Order:
        """See the price, accept the terms, press Pay."""
        distributor = cart.installer.distributor
        assert distributor is not None
        shown = carts.priced(carts.contents(cart), distributor=distributor, months=cart.months, now=now)
        return orders.place_order(
            self.people.dora.actor,
            cart_id=cart.pk,
            fingerprint=shown.fingerprint(),
            terms_version="1",
            return_base=BASE,
            now=now,
        )

    def pay_page(self, number: str, now: datetime) -> str:
        """The address to which the portal redirects Dora."""
        return orders.start_payment(self.people.dora.actor, number=number, return_base=BASE, now=now)

    def journey(self, cart: Cart, at: datetime) -> crash_points.Journey:
        """From the cart to paid time, as the web process and the worker do it together."""

        def walk(crash_points: Any) -> None:
            crash_points.phase = "place"
            order = self.submit(cart, at)
            crash_points.phase = "start"
            url = self.pay_page(order.number, at)
            crash_points.phase = "approve"
            press(url, "approve")
            crash_points.phase = "hear"
            for message in crash_points.ask():
                deliver(message, at)
            crash_points.phase = "settle"
            scheduled.process_events(now=at)

        return walk

    def come_back(self, cart: Cart, now: datetime) -> None:
        """Dora looks at the result: she submits again if there is no order, and pays if it still waits."""
        self.it_is(now)
        cart.refresh_from_db()
        order = cart.order or self.submit(cart, now)
        if order.state == Order.State.PROCESSING and (url := self.pay_page(order.number, now)):
            press(url, "approve")  # a page that has taken the money says so and has no button

    def let_time_pass(self, at: datetime, pauses: list[timedelta]) -> None:
        """Run the jobs at some later instants, twice where the first round did anything."""
        for pause in pauses:
            self.it_is(at + pause)
            if move_money(now=at + pause):
                move_money(now=at + pause + timedelta(seconds=1))


def deliver(message: SignedMessage, at: datetime) -> None:
    """The gateway's request to our webhook address, through the real view."""
    body, headers = message
    request = RequestFactory().post("/", body, content_type="application/json", headers=headers)
    with time_machine.travel(at, tick=False):
        assert webhooks.receive(request, "stripe").status_code == 200


@contextmanager
def at_point(label: str) -> Iterator[None]:
    """An error inside is reported with the point at which the process was killed."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"The process was killed at “{label}”.")
        raise
