"""Orders whose payment nobody can tell the end of, and money that comes when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from payments.errors import GatewayUnavailable
from payments.models import State
from payments.sandbox import Sandbox
from subscriptions.actions import orders, settlement, transitions
from subscriptions.models import Cart, Order
from tests.flows.ledger import assert_ledger_agrees
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, payment_of

pytestmark = pytest.mark.usefixtures("tenants_stay_apart")


@pytest.mark.rule("R53")
def test_an_order_is_not_given_up_before_its_page_is_known_to_be_closed(
    people: People, new_cart: Callable[..., Cart], place: Callable[[Cart], Order], sandbox: Sandbox
) -> None:
    order = place(new_cart("Harbour"))
    sandbox.faults.arm("unavailable", 3)  # the SDK's three tries to find out about the page; then the gateway is back
    with pytest.raises(GatewayUnavailable):
        orders.cancel_order(people.dora.actor, number=order.number, now=NOW)
    order.refresh_from_db()
    assert (order.state, payment_of(order).state) == ("processing", State.UNKNOWN)  # perhaps there is a page
    assert order.lines.filter(entitlement__reserved_by=order.pk).count() == 3
    assert_ledger_agrees(sandbox)
    assert orders.cancel_order(people.dora.actor, number=order.number, now=NOW).state == "cancelled"
    assert payment_of(order).state == State.EXPIRED
    assert sandbox.state()["moved"] == {}
    assert_ledger_agrees(sandbox)


@pytest.mark.rule("R52")
@pytest.mark.parametrize(("has_rival", "state"), [(False, "succeed"), (True, "review")])
def test_money_that_comes_late_is_told_once_and_never_dropped(
    people: People,
    new_cart: Callable[..., Cart],
    fill_cart: Callable[..., Cart],
    place: Callable[[Cart], Order],
    sandbox: Sandbox,
    has_rival: bool,
    state: str,
) -> None:
    order = place(new_cart("Harbour"))
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    transitions.close(order, Order.State.TIMEOUT, now=NOW, actor=SYSTEM)
    if has_rival:
        place(fill_cart())
    for minutes in (1, 2):
        settlement.settle(payment_of(order).pk, now=NOW + timedelta(minutes=minutes))
    order.refresh_from_db()
    assert order.state == state
    assert list(order.events.values_list("kind", flat=True)).count("late") == 1
    assert sandbox.state()["moved"] == {order.number: {"amount": order.total_minor, "charges": 1}}
    assert_ledger_agrees(sandbox)
