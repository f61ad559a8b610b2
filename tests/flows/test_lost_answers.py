"""Every call to the gateway gets lost once, on its way there or back, with clocks that differ: everybody is charged once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.errors import Refused
from payments.errors import BadSignature
from payments.models import Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from subscriptions.actions import auto_renewals, carts, orders, scheduled
from subscriptions.models import AutoRenewal, Cart, Order, ServicePeriod
from tests.flows.conftest import Post, move_money
from tests.flows.ledger import assert_ledger_agrees
from tests.flows.wire import LOSSES, losing
from tests.payments.fixtures import press
from tests.people import NOW, People
from tests.subscriptions.conftest import BASE

# What gets lost on the wire does not depend on the database; deaths of the process do, and are tried on both.
pytestmark = [pytest.mark.walk, pytest.mark.usefixtures("tenants_stay_apart", "no_job_breaks")]
AHEAD = [timedelta(minutes=-10), timedelta(0), timedelta(minutes=10)]
INTENTS = "/v1/payment_intents"
APART = timedelta(days=100)  # between two stories, so that nothing of the one is due in the other
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
    """Dora, a gateway whose clock differs from ours by `ahead`, and the wire between."""

    people: People
    sandbox: Sandbox
    post: Post
    new_cart: Callable[..., Cart]
    patch: pytest.MonkeyPatch
    ahead: timedelta
    loss: str

    def at(self, instant: datetime) -> datetime:
        """It is `instant` here; the gateway thinks otherwise."""
        self.sandbox.clock.freeze(instant - self.ahead)
        return instant

    def order(self, cart: Cart, now: datetime, *, auto_renew: bool = False) -> Order:
        """Look at the price, accept the terms, press Pay."""
        shown = carts.priced(carts.contents(cart), distributor=self.people.dora.firm, months=1, now=now)
        return orders.place_order(
            self.people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1",
            return_base=BASE, now=now, auto_renew=auto_renew,
        )  # fmt: skip

    def pay(self, order: Order, now: datetime, card: str = "") -> None:
        """Go to the pay page, if the portal knows one now, and approve."""
        with suppress(Refused):  # the gateway does not answer, or it is paid already
            if url := orders.start_payment(self.people.dora.actor, number=order.number, return_base=BASE, now=now):
                press(url, "approve", card=card)

    def tick(self, instant: datetime) -> None:
        """The gateway's letters arrive, where the clocks let us believe them, and the jobs run: once more after a round that did anything."""
        now = self.at(instant)
        with suppress(BadSignature):
            self.post.deliver(self.post.take(), now=now)
        if move_money(now=now):
            move_money(now=now + timedelta(seconds=1))

    def let_time_pass(self, start: datetime) -> None:
        """Until everything that anybody tries again by itself is tried."""
        for pause in LATER:
            self.tick(start + pause)

    def agree(self, number: int, card: str) -> tuple[AutoRenewal, datetime]:
        """An auto-renewal with this test card, and when it is due first."""
        now = self.at(NOW + number * APART)
        order = self.order(self.new_cart(f"Harbour {number}", now=now), now, auto_renew=True)
        self.pay(order, now, card)
        self.post.take()
        self.tick(now + timedelta(minutes=3))
        auto_renewal = AutoRenewal.objects.get(order=order)
        assert auto_renewal.next_due_at is not None
        return auto_renewal, auto_renewal.next_due_at


@pytest.fixture(params=AHEAD, ids=["behind", "together", "ahead"])
def ahead(request: pytest.FixtureRequest) -> timedelta:
    """How far our clock is ahead of the gateway's."""
    found: timedelta = request.param
    return found


@pytest.fixture(params=LOSSES)
def world(
    people: People, billing: None, sandbox: Sandbox, post: Post, new_cart: Callable[..., Cart], ahead: timedelta,
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch,
) -> World:  # fmt: skip
    return World(people, sandbox, post, new_cart, monkeypatch, ahead, request.param)


def each_call(world: World, prepare: Callable[[int], Any], timeline: Callable[[Any], None]) -> list[str]:
    """Run the story with its first call lost, then its second, until there is no such call any more; all calls of the last one."""
    for index in range(30):
        prepared = prepare(index)
        with losing(world.patch, world.loss, at=index) as calls, named(index, calls):
            timeline(prepared)
        if index >= len(calls):
            return calls
    raise AssertionError("the story never ends")


@contextmanager
def named(index: int, calls: list[str]) -> Iterator[None]:
    """What fails in here says which call had been lost."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"Lost was call {index} of {calls}")
        raise


def assert_charged_once(world: World, order: Order) -> None:
    """The gateway's book of money, our payments and the periods: one charge, one payment, one period for each line."""
    order.refresh_from_db()
    assert order.state == Order.State.SUCCEED
    assert world.sandbox.state()["moved"][order.number] == {"amount": order.total_minor, "charges": 1}
    paid = Payment.objects.filter(subject=order.number, state=PaymentState.SUCCEEDED)
    assert [payment.captured_minor for payment in paid] == [order.total_minor]
    assert ServicePeriod.objects.filter(line__order=order).count() == order.line_count
    assert_ledger_agrees(world.sandbox)


@pytest.mark.rule("R48")
@pytest.mark.rule("R49")
def test_a_checkout_is_paid_once_whichever_call_gets_lost(world: World) -> None:
    def prepare(number: int) -> tuple[Order, datetime]:
        now = world.at(NOW + number * APART)
        return world.order(world.new_cart(f"Harbour {number}", now=now), now), now

    def timeline(prepared: tuple[Order, datetime]) -> None:
        order, now = prepared
        world.pay(order, now)
        with suppress(BadSignature):
            world.post.deliver(world.post.take(), now=now)
        scheduled.process_events(now=now)
        again = world.at(now + timedelta(minutes=1))
        world.pay(order, again)  # Dora looks again, and pays where it still waits
        world.let_time_pass(now)
        assert_charged_once(world, order)

    calls = each_call(world, prepare, timeline)
    assert {"POST /v1/checkout/sessions", "GET /v1/checkout/sessions/…"} <= set(calls)


@pytest.mark.rule("R42")
def test_a_renewal_is_charged_once_whichever_call_gets_lost(world: World) -> None:
    def timeline(prepared: tuple[AutoRenewal, datetime]) -> None:
        auto_renewal, due = prepared
        world.tick(due)
        world.let_time_pass(due)
        order = Order.objects.get(type=Order.Type.AUTO_RENEWAL, renews=auto_renewal)
        assert_charged_once(world, order)
        auto_renewals.stop_auto_renewal(
            world.people.dora.actor, auto_renewal_id=auto_renewal.pk, now=due + timedelta(days=5)
        )

    calls = each_call(world, lambda number: world.agree(number, "works"), timeline)
    assert {f"POST {INTENTS}", f"POST {INTENTS}/…/confirm", f"GET {INTENTS}/…"} <= set(calls)


@pytest.mark.rule("R42")
@pytest.mark.rule("R44")
def test_the_next_rung_charges_once_whichever_call_gets_lost(world: World) -> None:
    """The card is empty on the first day and has money on the second: by then the first try has to be closed."""

    def timeline(prepared: tuple[AutoRenewal, datetime]) -> None:
        auto_renewal, due = prepared
        world.tick(due)
        order = Order.objects.get(type=Order.Type.AUTO_RENEWAL, renews=auto_renewal)
        with world.sandbox.store.lock:
            world.sandbox.store.methods[auto_renewal.method.gateway_ref]["card"]["last4"] = "4242"
        world.let_time_pass(due)
        assert_charged_once(world, order)
        auto_renewals.stop_auto_renewal(
            world.people.dora.actor, auto_renewal_id=auto_renewal.pk, now=due + timedelta(days=5)
        )

    calls = each_call(world, lambda number: world.agree(number, "no-funds-later"), timeline)
    assert f"POST {INTENTS}/…/cancel" in calls
