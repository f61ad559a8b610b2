"""A card is charged once for a period, whatever our clock says and whichever answer is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import carts, orders, settlement
from subscriptions.models import AutoRenewal, Cart, Order, ServicePeriod
from tests.flows.ledger import assert_ledger_agrees
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE, payment_of

EXPIRY = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
DUE = EXPIRY - timedelta(days=3)


@pytest.fixture
def agree(people: People, billing: None, new_cart: Callable[..., Cart], sandbox: Sandbox) -> Callable[..., AutoRenewal]:
    """Dora pays a fresh community of Ivan with Auto Renew."""

    def agree(card: str = "works") -> AutoRenewal:
        cart = new_cart("Harbour")
        shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
        order = orders.place_order(
            people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE,
            now=NOW, auto_renew=True,
        )  # fmt: skip
        page = orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW)
        press(page, "approve", card=card)
        settlement.settle(payment_of(order).pk, now=NOW)
        return AutoRenewal.objects.get(order=order)

    return agree


def tick(sandbox: Sandbox, at: datetime, *, ahead: timedelta) -> None:
    """The jobs run at `at` by our clock, which is `ahead` of the gateway's."""
    sandbox.clock.freeze(at - ahead)
    jobs.tick(now=at)


@pytest.mark.rule("R42")
@pytest.mark.parametrize("ahead", [timedelta(seconds=150), timedelta(0), timedelta(minutes=-10), timedelta(minutes=10)])
def test_a_charge_whose_answer_was_lost_is_not_made_again_whatever_our_clock_says(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox, ahead: timedelta
) -> None:
    agree()
    sandbox.faults.arm("charge_fails_after")
    for pause in (timedelta(0), timedelta(hours=25), timedelta(hours=49), timedelta(days=4)):
        tick(sandbox, DUE + pause, ahead=ahead)
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert order.state == Order.State.SUCCEED
    assert sandbox.state()["moved"][order.number] == {"amount": order.total_minor, "charges": 1}
    assert ServicePeriod.objects.filter(line__order=order).count() == order.line_count
    assert_ledger_agrees(sandbox)
