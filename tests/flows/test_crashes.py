"""The paying journey, with the process killed at every point of it; people and jobs do what they do, and the books agree."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from accounts.models import AuditEvent
from communities.models import Site
from payments.models import GatewayEvent, Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from subscriptions.actions import carts
from subscriptions.models import Cart, Order, ServicePeriod
from tests.flows import crash_points
from tests.flows.crashing import LATER, SOON, World, at_point
from tests.flows.ledger import assert_ledger_agrees
from tests.flows.webhook_queue import SignedMessage, WebhookQueue
from tests.people import People

pytestmark = [
    pytest.mark.crash,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("tenants_stay_apart", "no_job_breaks"),
]
PHASES = ("place", "start", "approve", "hear", "settle")


@pytest.fixture
def world(
    people: People, billing: None, sandbox: Sandbox, webhooks: WebhookQueue, new_cart: Callable[..., Cart]
) -> World:
    return World(people, sandbox, webhooks, new_cart)


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
    """The points of the journey, found by walking it without a crash."""
    cart, at = world.begin(0)
    world.journey(cart, at)(
        SimpleNamespace(ask=lambda: world.webhooks.take(at=at))
    )  # here first: what it imports, no child has to import again
    assert_paid_once(world, cart)
    cart, at = world.begin(1)
    points = crash_points.walk(world.journey(cart, at), answer=lambda: world.webhooks.take(at=at))
    assert_paid_once(world, cart)
    return points


def killed(world: World, points: list[str], number: int, index: int) -> tuple[Cart, datetime, list[SignedMessage]]:
    """Scenario `number`: the cart whose journey ended at point `index`, when that was, and the messages written until then."""
    cart, at = world.begin(number)
    messages: list[SignedMessage] = []

    def answer() -> list[SignedMessage]:
        messages.extend(world.webhooks.take(at=at))
        return messages

    assert crash_points.kill(world.journey(cart, at), at=index, answer=answer) == points[index]
    return cart, at, messages


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
            cart, at, messages = killed(world, points, number, index)
            world.come_back(cart, at + timedelta(minutes=1))
            messages += world.webhooks.take(at=at)
            if index % 2 == 0:  # otherwise they are lost
                world.webhooks.deliver(messages, now=at + timedelta(minutes=2))
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
            cart, at, messages = killed(world, points, number, index)
            messages += world.webhooks.take(at=at)
            if index % 2 == 0:
                world.webhooks.deliver(messages, now=at + timedelta(minutes=2))
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
