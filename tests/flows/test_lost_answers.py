"""Every call to the gateway gets lost once, on its way there or back, with clocks that differ: everybody is charged once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.errors import BadSignature
from payments.sandbox import Sandbox
from subscriptions.actions import auto_renewals, scheduled
from subscriptions.models import AutoRenewal, Cart, Order
from tests.flows.lost_answers import AHEAD, APART, World, assert_charged_once
from tests.flows.lost_messages import LOSSES, lose_call
from tests.flows.webhook_queue import WebhookQueue
from tests.people import NOW, People

# What gets lost on the wire does not depend on the database; deaths of the process do, and are tried on both.
pytestmark = [pytest.mark.walk, pytest.mark.usefixtures("tenants_stay_apart", "no_job_breaks")]
INTENTS = "/v1/payment_intents"


@pytest.fixture(params=AHEAD, ids=["behind", "together", "ahead"])
def ahead(request: pytest.FixtureRequest) -> timedelta:
    """How far our clock is ahead of the gateway's."""
    found: timedelta = request.param
    return found


@pytest.fixture(params=LOSSES)
def world(
    people: People, billing: None, sandbox: Sandbox, webhooks: WebhookQueue, new_cart: Callable[..., Cart], ahead: timedelta,
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch,
) -> World:  # fmt: skip
    return World(people, sandbox, webhooks, new_cart, monkeypatch, ahead, request.param)


def each_call(world: World, prepare: Callable[[int], Any], timeline: Callable[[Any], None]) -> list[str]:
    """Run the story with its first call lost, then its second, until there is no such call any more; all calls of the last one."""
    for index in range(30):
        prepared = prepare(index)
        with lose_call(world.patch, world.loss, at=index) as calls, named(index, calls):
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
            world.webhooks.deliver(world.webhooks.take(), now=now)
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
