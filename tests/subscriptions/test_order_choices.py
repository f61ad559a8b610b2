"""What is offered for an unpaid order, before and after its payer came back from the payment page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments.models import Payment, State
from subscriptions.models import Order, OrderEvent
from subscriptions.order_choices import AWAITED, OrderChoices, choices_of
from tests.people import NOW, People

SENT = OrderEvent(kind="sent", at=NOW, detail={"payment": 7})
BACK = OrderEvent(kind="returned", at=NOW, detail={"payment": 7})
LEFT = OrderEvent(kind="left", at=NOW + timedelta(seconds=5), detail={"payment": 7})


def choices(
    people: People, *events: OrderEvent, after: timedelta = timedelta(), state: str = "processing", pk: int = 7
) -> OrderChoices:
    order = Order(payer=people.dora.firm, installer=people.ivan.firm, state=state, type=Order.Type.ACTIVATION)
    payment = Payment(pk=pk, state=State.PENDING)
    return choices_of(people.dora.actor, order, events=events, payment=payment, now=NOW + after)


def offered(found: OrderChoices) -> tuple[bool, bool, bool]:
    return found.may_pay, found.may_cancel, found.may_check


@pytest.mark.rule("R51")
def test_while_the_answer_is_awaited_nothing_is_offered_and_then_all(people: People) -> None:
    assert offered(choices(people, SENT)) == (True, True, False)
    for after in (timedelta(), AWAITED - timedelta(seconds=1)):
        found = choices(people, SENT, BACK, after=after)
        assert (found.has_returned, found.is_awaited, offered(found)) == (True, True, (False, False, False))
    found = choices(people, SENT, BACK, after=AWAITED)
    assert (found.has_returned, found.is_awaited, offered(found)) == (True, False, (True, True, True))


def test_who_left_the_page_or_came_back_from_another_payment_waits_for_nothing(people: People) -> None:
    for found in (choices(people, SENT, BACK, LEFT), choices(people, SENT, BACK, pk=8)):
        assert (found.has_returned, found.is_awaited, offered(found)) == (False, False, (True, True, False))


def test_a_closed_order_offers_only_to_be_ordered_again(people: People) -> None:
    found = choices(people, SENT, BACK, state="cancelled")
    assert (offered(found), found.is_awaited, found.may_reorder) == ((False, False, False), False, True)
