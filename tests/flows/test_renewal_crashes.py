"""The renewing process, killed before and after every commit and every call to the gateway, with clocks that differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from payments.sandbox import Sandbox
from subscriptions.actions import auto_renewals, renewals
from subscriptions.models import AutoRenewal, Cart, Order
from tests.flows import crash_points
from tests.flows.crashing import at_point
from tests.flows.lost_answers import AHEAD, World, assert_charged_once
from tests.flows.webhook_queue import WebhookQueue
from tests.people import People

pytestmark = [
    pytest.mark.crash,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("tenants_stay_apart", "no_job_breaks"),
]


@pytest.fixture
def world(
    people: People, billing: None, sandbox: Sandbox, webhooks: WebhookQueue, new_cart: Callable[..., Cart], monkeypatch: pytest.MonkeyPatch
) -> World:  # fmt: skip
    return World(people, sandbox, webhooks, new_cart, monkeypatch, timedelta(0), "")


def begin(world: World, number: int, card: str) -> tuple[AutoRenewal, datetime]:
    """The auto-renewal of story `number`, due now; of a card without money the first try is over, and the second is due."""
    world.ahead = AHEAD[number % len(AHEAD)]
    auto_renewal, due = world.agree(number, card)
    if card != "works":
        world.tick(due)
        with world.sandbox.store.lock:
            world.sandbox.store.methods[auto_renewal.method.gateway_ref]["card"]["last4"] = "4242"
        due += timedelta(days=1)
    world.at(due)
    return auto_renewal, due


def journey(due: datetime) -> crash_points.Journey:
    """What the worker does when an auto-renewal is due."""

    def walk(crash_points: Any) -> None:
        crash_points.phase = "renew"
        renewals.renew_due(now=due)

    return walk


def assert_renewed_once(world: World, auto_renewal: AutoRenewal, due: datetime) -> None:
    """After everything that is tried again by itself: one order, one charge, one period."""
    world.let_time_pass(due)
    assert_charged_once(world, Order.objects.get(type=Order.Type.AUTO_RENEWAL, renews=auto_renewal))
    auto_renewals.stop_auto_renewal(
        world.people.dora.actor, auto_renewal_id=auto_renewal.pk, now=due + timedelta(days=5)
    )


@pytest.mark.rule("R42")
@pytest.mark.rule("R44")
# The second try walks the first one's journey once more, with four times the points: once, on SQLite.
@pytest.mark.parametrize("card", ["works", pytest.param("no-funds-later", marks=pytest.mark.walk)])
def test_wherever_the_process_dies_the_renewal_charges_once(world: World, card: str) -> None:
    auto_renewal, due = begin(world, 0, card)
    journey(due)(SimpleNamespace())  # here first: what it imports, no child has to import again
    assert_renewed_once(world, auto_renewal, due)
    auto_renewal, due = begin(world, 1, card)
    points = crash_points.walk(journey(due), answer=list)
    assert_renewed_once(world, auto_renewal, due)
    outward = [index for index, label in enumerate(points) if label.endswith("COMMIT") or "/" in label]
    assert any("/confirm" in points[index] for index in outward)
    for number, index in enumerate(outward, start=2):
        with at_point(points[index]):
            auto_renewal, due = begin(world, number, card)
            assert crash_points.kill(journey(due), at=index, answer=list) == points[index]
            assert_renewed_once(world, auto_renewal, due)
