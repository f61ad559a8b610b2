"""An order that is not paid: its page, its time, its cancelling, and money that comes late (R50, R53)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Notice
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.errors import GatewayForgot, GatewayUnavailable
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from subscriptions.actions import orders, scheduled, settlement, transitions
from subscriptions.models import Cart, Order
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import entitlement, payment_of
from tests.subscriptions.settlement.scenes import fresh, kinds, open_page, unpaid


def test_pay_opens_a_new_page_where_the_old_one_is_over(people: People, order: Order, sandbox: Sandbox) -> None:
    first = open_page(people, order)
    assert open_page(people, order, now=NOW + timedelta(minutes=1)) == first  # it is still open: the same one
    later = NOW + timedelta(minutes=46)
    sandbox.clock.freeze(later)  # it ended, and nobody told us
    second = open_page(people, order, now=later)
    assert second != first
    press(second, "approve")
    settlement.settle(payment_of(order).pk, now=later)
    assert fresh(order).state == "succeed"


def test_pay_opens_nothing_where_the_money_turns_out_to_be_there(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    press(open_page(people, order), "approve")  # and nobody told us
    assert open_page(people, order, now=NOW + timedelta(minutes=1)) == ""
    assert fresh(order).state == "succeed"
    assert sandbox.state()["moved"] == {order.number: {"amount": order.total_minor, "charges": 1}}


def test_pay_finds_the_page_whose_address_was_lost(people: People, order: Order, sandbox: Sandbox) -> None:
    sandbox.faults.arm("create_fails_after")
    with pytest.raises(GatewayUnavailable):
        open_page(people, order)
    page = open_page(people, order, now=NOW + timedelta(minutes=1))  # no need to wait for the janitor
    lost, opened = (session["url"] for session in sandbox.state()["sessions"])
    assert page == payment_of(order).checkout_url == opened
    assert page != lost  # which nobody is ever told of
    press(page, "approve")
    settlement.settle(payment_of(order).pk, now=NOW + timedelta(minutes=2))
    assert fresh(order).state == "succeed"


@pytest.mark.rule("R53")
def test_a_page_that_the_gateway_knows_no_more_ends_its_order_in_time_and_alarms_the_operator(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    open_page(people, order)
    with sandbox.store.lock:
        sandbox.store.sessions.clear()  # as with the keys of another account
    with pytest.raises(GatewayForgot):
        orders.cancel_order(people.dora.actor, number=order.number, now=NOW + timedelta(minutes=5))
    assert fresh(order).state == "processing"
    assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=46)) == 1
    assert (fresh(order).state, unpaid(order)) == ("timeout", True)
    assert kinds(order) == ["created", "sent", "forgotten", "timeout"]
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    told = Notice.objects.get(topic="payment_failed")
    assert (told.user, order.number in told.subject) == (people.olga.membership.user, True)


@pytest.mark.rule("R53")
def test_an_unpaid_order_times_out_after_45_minutes_and_releases_its_items(people: People, order: Order) -> None:
    url = open_page(people, order)
    assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=44, seconds=59)) == 0
    assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=45)) == 1
    assert fresh(order).state == "timeout"
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert "approve" not in press(url).text.casefold() or press(url, "approve").status != 303
    assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=46)) == 0


@pytest.mark.rule("R53")
@pytest.mark.parametrize("hours", [1, 25])
def test_an_order_whose_process_died_before_the_gateway_heard_of_it_is_given_up_however_late_the_janitor_comes(
    people: People, order: Order, sandbox: Sandbox, hours: int
) -> None:
    assert payment_of(order).state == PaymentState.CREATED
    late = NOW + timedelta(hours=hours)
    sandbox.clock.freeze(late)
    assert scheduled.expire_unpaid_orders(now=late) == 1
    assert (fresh(order).state, payment_of(order).state) == ("timeout", PaymentState.EXPIRED)
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_an_order_whose_slow_payment_failed_can_be_paid_again(people: People, order: Order, sandbox: Sandbox) -> None:
    open_page(people, order)
    payment = payment_of(order)
    sandbox.processor.decline(payment.gateway_ref)  # of a card; then a slow method is chosen
    session = sandbox.store.sessions[payment.gateway_ref]
    intent = sandbox.store.intents[session["payment_intent"]]
    session |= {"status": "complete", "url": None}
    intent |= {"status": "processing"}
    settlement.settle(payment.pk, now=NOW)
    assert (fresh(order).state, payment_of(order).state) == ("processing", PaymentState.PENDING)
    intent |= {"status": "requires_payment_method", "last_payment_error": {"message": "No funds."}}
    settlement.settle(payment.pk, now=NOW)
    assert (fresh(order).state, payment_of(order).state) == ("processing", PaymentState.DECLINED)
    press(open_page(people, order), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    assert fresh(order).state == "succeed"
    assert sandbox.state()["moved"][order.number] == {"amount": order.total_minor, "charges": 1}


def test_an_order_that_was_paid_in_the_last_second_succeeds_instead_of_timing_out(people: People, order: Order) -> None:
    press(open_page(people, order), "approve")
    assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=45)) == 0
    assert fresh(order).state == "succeed"


def test_an_order_without_answer_from_the_gateway_is_not_timed_out(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    open_page(people, order)
    sandbox.stop()
    assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=50)) == 0
    assert fresh(order).state == "processing"
    assert Entitlement.objects.filter(reserved_by=order.pk).count() == 5


def test_cancelling_closes_the_pay_page_first(people: People, order: Order) -> None:
    url = open_page(people, order)
    assert orders.cancel_order(people.dora.actor, number=order.number, now=NOW).state == "cancelled"
    press(url, "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    assert (fresh(order).state, unpaid(order)) == ("cancelled", True)


def test_cancelling_what_is_paid_already_lets_it_succeed(people: People, order: Order) -> None:
    press(open_page(people, order), "approve")
    assert orders.cancel_order(people.dora.actor, number=order.number, now=NOW).state == "succeed"


@pytest.mark.rule("R52")
def test_late_money_is_honoured_from_the_moment_it_arrives(people: People, order: Order) -> None:
    press(open_page(people, order), "approve")
    transitions.close(order, Order.State.TIMEOUT, now=NOW, actor=SYSTEM)
    settlement.settle(payment_of(order).pk, now=NOW + timedelta(days=2))
    assert fresh(order).state == "succeed"
    assert kinds(order)[-3:] == ["late", "confirmed", "applied"]
    app = entitlement(Site.objects.get(), ServiceType.APP, "1.01")
    assert app.expires_at == datetime(2026, 12, 24, 9, 0, tzinfo=UTC)


@pytest.mark.rule("R52")
def test_late_money_for_items_of_another_order_goes_under_review(
    people: People, order: Order, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    press(open_page(people, order), "approve")
    transitions.close(order, Order.State.TIMEOUT, now=NOW, actor=SYSTEM)
    second = place(fill_cart())
    settlement.settle(payment_of(order).pk, now=NOW)
    assert (fresh(order).state, fresh(second).state) == ("review", "processing")
    assert unpaid(order)
    assert Entitlement.objects.filter(reserved_by=second.pk).count() == 5
