"""Back from the gateway's page: the answer is awaited, nobody is offered to pay twice, and each attempt is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from communities.models import Site
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions.actions import orders, returns, settlement
from subscriptions.models import Cart, Order
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.subscriptions.lookups import BASE


class Clock:
    """The clock that the pages read."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    def __call__(self, **later: float) -> datetime:
        """Let so much time pass since NOW."""
        self._traveller.move_to(NOW + timedelta(**later))
        return NOW + timedelta(**later)


@pytest.fixture
def at() -> Iterator[Clock]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield Clock(traveller)


@pytest.fixture
def dora(people: People, sign_in: Callable[[Person], Client]) -> Client:
    return sign_in(people.dora)


@pytest.fixture
def order(
    at: Clock,
    people: People,
    harbour_view: Site,
    fill_cart: Callable[..., Cart],
    place: Callable[..., Order],
    sandbox: Sandbox,
) -> Order:
    """An order of Dora whose page is open at the gateway."""
    order = place(fill_cart())
    orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW)
    return order


def seen(client: Client, order: Order, way: str = "") -> str:
    answer = client.get(f"/orders/{order.number}/{way}", follow=True)
    assert answer.status_code == 200
    assert_clean(answer.content.decode())
    return " ".join(answer.content.decode().split())


def buttons(page: str) -> set[str]:
    """What can be pressed about the order."""
    found = re.findall(r"<button[^>]*>\s*(Pay US\$[0-9.]+|Cancel order|Check again)\s*</button>", page)
    return {text.split(" US")[0] for text in found}


def timeline(order: Order) -> list[str]:
    return list(order.events.values_list("kind", flat=True))


@pytest.mark.rule("R51")
def test_for_two_minutes_nobody_is_offered_to_pay_or_cancel_then_one_can_ask(
    at: Clock, order: Order, dora: Client, people: People, sign_in: Callable[[Person], Client]
) -> None:
    assert buttons(seen(dora, order)) == {"Pay", "Cancel order"}
    page = seen(dora, order, "returned/")
    assert "This usually takes under ten seconds." in page
    assert 'hx-trigger="every 2s"' in page
    assert "<noscript>" in page
    for later in (1, 30, 119):
        at(seconds=later)
        for way in ("", "returned/"):
            assert buttons(seen(dora, order, way)) == set(), later
    at(seconds=120)
    page = seen(dora, order)
    assert buttons(page) == {"Check again", "Pay", "Cancel order"}
    assert "Stripe has not confirmed a payment yet" in page
    assert 'hx-trigger="every 10s"' in page
    assert timeline(order) == ["created", "sent", "returned"]
    assert "Back from the payment page, the answer is awaited" in page
    for other in (people.ivan, people.petra):
        assert buttons(seen(sign_in(other), order)) == set()


def test_check_again_really_asks(at: Clock, order: Order, dora: Client, sandbox: Sandbox) -> None:
    seen(dora, order, "returned/")
    at(minutes=3)
    page = " ".join(dora.post(f"/orders/{order.number}/check/", follow=True).content.decode().split())
    assert "Asked just now: Stripe has no payment for this order yet." in page
    sandbox.faults.arm("unavailable", 3)
    page = dora.post(f"/orders/{order.number}/check/", follow=True).content.decode()
    assert "did not answer" in page
    sandbox.faults.clear()
    press(Payment.objects.get().checkout_url, "approve")
    order.refresh_from_db()
    assert order.state == "processing"
    page = dora.post(f"/orders/{order.number}/check/", follow=True).content.decode()
    assert "Done: 5 items are active until" in page
    assert buttons(page) == set()


@pytest.mark.rule("R5")
def test_only_who_may_pay_notes_and_asks(
    at: Clock, order: Order, dora: Client, people: People, sign_in: Callable[[Person], Client]
) -> None:
    for person in (people.ivan, people.petra, people.olga):
        client = sign_in(person)
        client.get(f"/orders/{order.number}/returned/")
        client.get(f"/orders/{order.number}/left/")
        assert client.post(f"/orders/{order.number}/check/").status_code == 403
    mallory = sign_in(people.mallory)
    for way in ("returned/", "left/"):
        assert mallory.get(f"/orders/{order.number}/{way}").status_code == 404
    assert mallory.post(f"/orders/{order.number}/check/").status_code == 404
    assert timeline(order) == ["created", "sent"]
    assert buttons(seen(dora, order)) == {"Pay", "Cancel order"}


def test_a_cancel_at_the_gateway_leaves_a_message_and_a_line(at: Clock, order: Order, dora: Client) -> None:
    assert Payment.objects.get().cancel_url == f"{BASE}/orders/{order.number}/left/"
    page = seen(dora, order, "left/")
    assert "You left the payment page without paying. The items are kept for you until 22 Nov 2026" in page
    assert "Back from the payment page without paying" in page
    assert buttons(page) == {"Pay", "Cancel order"}
    assert "You left the payment page" not in seen(dora, order, "left/")  # reloaded
    assert timeline(order) == ["created", "sent", "left"]


def test_each_further_attempt_leaves_a_message_and_a_line(at: Clock, order: Order, dora: Client) -> None:
    url = Payment.objects.get().checkout_url
    for second in (5, 6):
        at(seconds=second)
        seen(dora, order, "left/")
        for _click in range(2):
            assert dora.post(f"/orders/{order.number}/pay/")["Location"] == url
    page = seen(dora, order, "left/")
    assert f"This was attempt 3 to pay order {order.number}." in page
    assert "Sent to Stripe again, attempt 2" in page
    assert "Sent to Stripe again, attempt 3" in page
    assert timeline(order) == ["created", "sent", "left", "sent_again", "left", "sent_again", "left"]


def test_who_goes_to_the_page_once_more_and_comes_back_is_waited_for_again(
    at: Clock, order: Order, dora: Client
) -> None:
    seen(dora, order, "returned/")
    at(minutes=5)
    dora.post(f"/orders/{order.number}/pay/")
    at(minutes=6)
    assert buttons(seen(dora, order, "returned/")) == set()
    at(minutes=8)
    assert "Check again" in buttons(seen(dora, order))
    assert timeline(order) == ["created", "sent", "returned", "sent_again", "returned"]


def test_each_card_that_is_declined_is_told_also_for_the_same_reason(at: Clock, order: Order, dora: Client) -> None:
    payment = Payment.objects.get()
    for _attempt in range(2):
        press(payment.checkout_url, "decline")
        for _look in range(2):
            settlement.settle(payment.pk, now=NOW)
    assert timeline(order) == ["created", "sent", "declined", "declined"]
    assert seen(dora, order).count("The payment was declined") == 2


def test_what_ended_is_not_awaited(at: Clock, order: Order, dora: Client, people: People) -> None:
    seen(dora, order, "returned/")
    orders.cancel_order(people.dora.actor, number=order.number, now=NOW)
    assert "Nothing was charged" in seen(dora, order, "returned/")
    assert returns.record_left(people.dora.actor, number=order.number, now=NOW) is False
    assert timeline(order) == ["created", "sent", "returned", "cancelled"]
