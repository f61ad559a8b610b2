"""The paying road, with the process killed at every point of it; people and jobs do what they do, and the books agree."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import RequestFactory

from accounts.models import AuditEvent
from communities.models import Site
from payments.models import GatewayEvent, Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from smartplus import webhooks
from subscriptions.actions import carts, orders, scheduled
from subscriptions.models import Cart, Order, ServicePeriod
from tests.flows import crash_points
from tests.flows.conftest import Letter, Post, move_money
from tests.flows.ledger import assert_ledger_agrees
from tests.payments.fixtures import press
from tests.people import NOW, People
from tests.subscriptions.conftest import BASE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tenants_stay_apart", "no_job_breaks")]
PHASES = ("place", "start", "approve", "hear", "settle")
AHEAD = [timedelta(minutes=-10), timedelta(0), timedelta(minutes=10)]  # of the gateway's clock, in turn
SOON = [timedelta(minutes=3), timedelta(minutes=10)]  # by then it is settled, with or without the gateway's letters
LATER = [timedelta(minutes=50), timedelta(days=1)]


@dataclass
class World:
    """Dora, the gateway, whose clock is another than ours, and a fresh community on a day of its own for each time the road is walked."""

    people: People
    sandbox: Sandbox
    post: Post
    new_cart: Callable[..., Cart]
    ahead: timedelta = timedelta(0)  # our clock before the gateway's

    def it_is(self, now: datetime) -> None:
        """By our clock; the gateway thinks otherwise."""
        self.sandbox.clock.freeze(now - self.ahead)

    def begin(self, number: int) -> tuple[Cart, datetime]:
        """The cart of story `number`, and the instant at which Dora submits it."""
        at = NOW + number * timedelta(days=2)
        self.ahead = AHEAD[number % len(AHEAD)]
        self.it_is(at)
        return self.new_cart(f"Harbour {number}"), at

    def submit(self, cart: Cart, now: datetime) -> Order:
        """Look at the price, accept the terms, press Pay."""
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
        """Where the portal sends Dora."""
        return orders.start_payment(self.people.dora.actor, number=number, return_base=BASE, now=now)

    def road(self, cart: Cart, at: datetime) -> crash_points.Road:
        """From the cart to paid time, as the web process and the worker do it between them."""

        def walk(crash_points: Any) -> None:
            crash_points.phase = "place"
            order = self.submit(cart, at)
            crash_points.phase = "start"
            url = self.pay_page(order.number, at)
            crash_points.phase = "approve"
            press(url, "approve")
            crash_points.phase = "hear"
            for letter in crash_points.ask():
                ring(letter, at)
            crash_points.phase = "settle"
            scheduled.process_events(now=at)

        return walk

    def come_back(self, cart: Cart, now: datetime) -> None:
        """Dora looks what became of it: submits again if there is no order, pays if it still waits."""
        self.it_is(now)
        cart.refresh_from_db()
        order = cart.order or self.submit(cart, now)
        if order.state == Order.State.PROCESSING and (url := self.pay_page(order.number, now)):
            press(url, "approve")  # where the page has taken money before, it says so and has no button

    def let_time_pass(self, at: datetime, pauses: list[timedelta]) -> None:
        """The jobs run at each of a few later instants, twice where the first round did anything."""
        for pause in pauses:
            self.it_is(at + pause)
            if move_money(now=at + pause):
                move_money(now=at + pause + timedelta(seconds=1))


def ring(letter: Letter, at: datetime) -> None:
    """The gateway's request at our door, through the true view."""
    body, headers = letter
    request = RequestFactory().post("/", body, content_type="application/json", headers=headers)
    with time_machine.travel(at, tick=False):
        assert webhooks.receive(request, "stripe").status_code == 200


@pytest.fixture
def world(people: People, billing: None, sandbox: Sandbox, post: Post, new_cart: Callable[..., Cart]) -> World:
    return World(people, sandbox, post, new_cart)


def assert_paid_once(world: World, cart: Cart) -> None:
    """The cart became one order, which took its total once and activated its three items once."""
    order = Order.objects.get(cart=cart)
    assert order.state == Order.State.SUCCEED
    assert world.sandbox.state()["moved"][order.number] == {"amount": order.total_minor, "charges": 1}
    (payment,) = Payment.objects.filter(subject=order.number)
    assert (payment.state, payment.captured_minor) == (PaymentState.SUCCEEDED, order.total_minor)
    assert Order.objects.filter(lines__entitlement__in=carts.contents(cart)).distinct().count() == 1
    assert ServicePeriod.objects.filter(line__order=order).count() == order.line_count == 3
    assert carts.contents(cart).filter(expires_at__isnull=False, reserved_by=None).count() == 3
    site = Site.objects.get(entitlements__in=carts.contents(cart)[:1])
    assert site.pm_app
    assert AuditEvent.objects.filter(action="site.pm_app_switched_on", subject_id=site.pk).count() == 1
    assert not GatewayEvent.objects.filter(state__in=["new", "failed"]).exists()


def map_of(world: World) -> list[str]:
    """The points of the road, found by walking it without a crash."""
    cart, at = world.begin(0)
    world.road(cart, at)(
        SimpleNamespace(ask=lambda: world.post.take(at=at))
    )  # here first: what it imports, no child has to import again
    assert_paid_once(world, cart)
    cart, at = world.begin(1)
    points = crash_points.walk(world.road(cart, at), answer=lambda: world.post.take(at=at))
    assert_paid_once(world, cart)
    return points


@contextmanager
def at_point(label: str) -> Iterator[None]:
    """What fails in here says where the process had been killed."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"The process was killed at “{label}”.")
        raise


def killed(world: World, points: list[str], number: int, index: int) -> tuple[Cart, datetime, list[Letter]]:
    """Scenario `number`: the cart whose road ended at point `index`, when that was, and the letters written until then."""
    cart, at = world.begin(number)
    letters: list[Letter] = []

    def answer() -> list[Letter]:
        letters.extend(world.post.take(at=at))
        return letters

    assert crash_points.kill(world.road(cart, at), at=index, answer=answer) == points[index]
    return cart, at, letters


def test_each_transaction_and_each_call_has_points_that_tell() -> None:
    points = [
        "place: before SELECT accounts_organization", "place: after SELECT accounts_organization",
        "place: before BEGIN", "place: after BEGIN",
        "place: before INSERT subscriptions_order", "place: after INSERT subscriptions_order",
        "place: before POST /v1/payment_intents", "place: after POST /v1/payment_intents",
        "place: before COMMIT", "place: after COMMIT",
        "start: before UPDATE payments_payment", "start: after UPDATE payments_payment",
    ]  # fmt: skip
    assert crash_points.telling(points) == [5, 6, 7, 8, 9, 10, 11]


@pytest.mark.rule("R48")
@pytest.mark.rule("R49")
@pytest.mark.parametrize("phase", PHASES)
def test_wherever_the_process_dies_the_payer_pays_once_and_gets_everything_once(world: World, phase: str) -> None:
    points = map_of(world)
    mine = [index for index in crash_points.telling(points) if points[index].startswith(f"{phase}:")]
    started = time.monotonic()
    for number, index in enumerate(mine, start=2):
        with at_point(points[index]):
            cart, at, letters = killed(world, points, number, index)
            world.come_back(cart, at + timedelta(minutes=1))
            letters += world.post.take(at=at)
            if index % 2 == 0:  # otherwise they are lost
                world.post.deliver(letters, now=at + timedelta(minutes=2))
            world.let_time_pass(at, SOON)
            assert_paid_once(world, cart)
            world.let_time_pass(at, LATER)
            assert_paid_once(world, cart)
            assert_ledger_agrees(world.sandbox)
    print(f"{phase}: killed at {len(mine)} of {len(points)} points in {time.monotonic() - started:.1f} s")


@pytest.mark.rule("R50")
@pytest.mark.rule("R53")
def test_if_nobody_comes_back_after_the_crash_the_order_ends_by_itself(world: World) -> None:
    points = map_of(world)
    outward = [index for index, label in enumerate(points) if label.endswith("COMMIT") or "/" in label]
    ends = Counter[str]()
    for number, index in enumerate(outward, start=2):
        with at_point(points[index]):
            cart, at, letters = killed(world, points, number, index)
            letters += world.post.take(at=at)
            if index % 2 == 0:
                world.post.deliver(letters, now=at + timedelta(minutes=2))
            world.let_time_pass(at, SOON + LATER)
            cart.refresh_from_db()
            if index > points.index("approve: before POST /pay/…"):
                assert_paid_once(world, cart)
            else:
                assert cart.order is None or cart.order.state == Order.State.TIMEOUT
                assert carts.contents(cart).filter(reserved_by=None, expires_at=None).count() == 3
            assert_ledger_agrees(world.sandbox)
            ends[cart.order.state if cart.order else "none"] += 1
    assert set(ends) == {"none", "timeout", "succeed"}, ends
