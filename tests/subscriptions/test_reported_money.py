"""Money that the gateway told of: found by the very object, settled any number of times, and never dropped where it is not found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from accounts.models import AuditEvent, Notice
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments import events
from payments.errors import EarlierOpen, OtherAccount
from payments.models import EventState, GatewayEvent, Payment, PaymentMethod
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from payments.sandbox.webhook_sender import sign
from subscriptions.actions import orders, reviews, scheduled, settlement
from subscriptions.models import Cart, Order, ServicePeriod
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE, payment_of


@pytest.fixture
def order(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> Order:
    """An unpaid order over everything in Harbour View, for one month."""
    return place(fill_cart())


def open_page(people: People, order: Order) -> str:
    return orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW)


def tell(kind: str, ref: str, key: str, *, now: Any = NOW) -> GatewayEvent:
    """A signed message that claims something about an object."""
    body = json.dumps(
        {"id": f"evt_{kind}_{ref}", "type": kind, "data": {"object": {"id": ref, "metadata": {"request_key": key}}}}
    ).encode()
    signature = sign(body, settings.STRIPE_WEBHOOK_SECRET, int(now.timestamp()))
    assert events.receive("stripe", body, {"Stripe-Signature": signature}, now=now)
    return GatewayEvent.objects.get(event_id=f"evt_{kind}_{ref}")


def everything() -> list[Any]:
    """All that settling may write, so that doing it again can be seen to write nothing."""
    return [
        list(Order.objects.order_by("pk").values()),
        list(Payment.objects.order_by("pk").values("pk", "state", "captured_minor", "refunded_minor", "closed_at")),
        list(ServicePeriod.objects.order_by("pk").values()),
        list(Entitlement.objects.order_by("pk").values()),
        AuditEvent.objects.count(),
        Notice.objects.count(),
        list(Order.objects.order_by("pk").values_list("events__kind", flat=True)),
    ]


@pytest.mark.rule("R49")
@pytest.mark.parametrize("end", ["succeed", "review", "refunded", "accepted"])
def test_what_was_decided_about_money_stays_decided_however_often_it_is_told_of(
    people: People, order: Order, sandbox: Sandbox, end: str
) -> None:
    url = open_page(people, order)
    if end != "succeed":
        sandbox.faults.arm("wrong_amount")
    press(url, "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    if end in {"refunded", "accepted"}:
        reviews.resolve(people.olga.actor, number=order.number, is_accepted=end == "accepted", reason="Seen.", now=NOW)
    payment = payment_of(order)
    before = everything()
    told = tell("payment_intent.succeeded", payment.gateway_payment_ref, payment.request_key)
    late = tell("checkout.session.completed", payment.gateway_ref, payment.request_key)
    assert scheduled.process_events(now=NOW + timedelta(minutes=1)) == 2
    for event in (told, late):
        event.refresh_from_db()
        assert event.state == EventState.DONE
    order.refresh_from_db()
    assert order.state == {"accepted": "succeed"}.get(end, end)
    assert everything() == before


@pytest.mark.rule("R50")
def test_money_that_is_told_of_and_not_found_alarms_the_operator_and_charges_nothing_more(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    url = open_page(people, order)
    payment = payment_of(order)
    event = tell("payment_intent.succeeded", payment.gateway_ref, payment.request_key)  # nobody has paid
    for minutes in (1, 3):
        assert scheduled.process_events(now=NOW + timedelta(minutes=minutes)) == 0
    event.refresh_from_db()
    assert (event.state, event.tries) == (EventState.FAILED, 2)
    assert "told of money" in event.last_error
    [mail] = Notice.objects.filter(topic="payment_failed")
    assert (mail.user, order.number in mail.subject) == (people.olga.membership.user, True)
    assert list(order.events.filter(kind="unfound").values_list("detail__payment", flat=True)) == [payment.pk]
    payment_actions.expire(payment.pk, now=NOW + timedelta(minutes=4))
    with pytest.raises(EarlierOpen):
        open_page(people, order)
    assert Payment.objects.filter(subject=order.number).count() == 1
    assert press(url, "approve").status == 200  # closed
    assert sandbox.state()["moved"] == {}


@pytest.mark.rule("R50")
def test_the_event_is_done_as_soon_as_its_money_is_found(people: People, order: Order, sandbox: Sandbox) -> None:
    url = open_page(people, order)
    payment = payment_of(order)
    event = tell("payment_intent.succeeded", payment.gateway_ref, payment.request_key)
    assert scheduled.process_events(now=NOW) == 0
    press(url, "approve")
    assert scheduled.process_events(now=NOW + timedelta(minutes=2)) == 1
    event.refresh_from_db()
    order.refresh_from_db()
    assert (event.state, order.state) == (EventState.DONE, "succeed")


@pytest.mark.rule("R50")
def test_a_second_object_that_took_money_for_the_same_request_is_a_refund_that_is_due_and_told_once(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    press(open_page(people, order), "approve")
    payment = payment_of(order)
    settlement.settle(payment.pk, now=NOW)
    payment.refresh_from_db()
    with sandbox.store.lock:  # what must never be: the gateway took it twice under one request
        twin = sandbox.store.intents[payment.gateway_payment_ref] | {"id": "pi_twin"}
        sandbox.store.intents["pi_twin"] = twin
    event = tell("payment_intent.succeeded", "pi_twin", payment.request_key)
    for minutes in (1, 2):
        settlement.settle_reported(event, payment.pk, now=NOW + timedelta(minutes=minutes))
    order.refresh_from_db()
    assert (
        order.state,
        list(order.events.filter(kind="duplicate_payment").values_list("detail__payment_ref", flat=True)),
    ) == (
        "succeed",
        ["pi_twin"],
    )
    assert Notice.objects.filter(topic="payment_failed", user=people.olga.membership.user).count() == 1
    assert ServicePeriod.objects.count() == order.line_count


@pytest.mark.rule("R50")
def test_an_object_that_does_not_carry_the_key_of_the_payment_is_not_believed(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    press(open_page(people, order), "approve")
    payment = payment_of(order)
    with sandbox.store.lock:
        [intent] = sandbox.store.intents.values()
        intent["metadata"] = {"reference": order.number, "request_key": "another"}
    Payment.objects.update(gateway_ref="", state=PaymentState.EXPIRED)
    event = tell("payment_intent.succeeded", intent["id"], payment.request_key)
    assert scheduled.process_events(now=NOW) == 0
    event.refresh_from_db()
    order.refresh_from_db()
    assert (event.state, order.state) == (EventState.FAILED, "processing")
    assert ServicePeriod.objects.count() == 0


def test_an_event_about_a_card_reaches_the_card(
    people: People, order: Order, sandbox: Sandbox, store_card: Callable[..., PaymentMethod]
) -> None:
    card = store_card(people.dora)
    sandbox.processor.renew_card(card.gateway_ref, exp_year=2041)
    told = [
        tell("payment_method.automatically_updated", card.gateway_ref, ""),
        tell("payment_method.updated", "pm_of_somebody_else", ""),
    ]
    scheduled.process_events(now=NOW)
    for event in told:
        event.refresh_from_db()
    card.refresh_from_db()
    assert [event.state for event in told] == [EventState.DONE, EventState.IGNORED]
    assert card.exp_year == 2041


def test_other_keys_decide_nothing_and_the_operator_is_told_once(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    press(open_page(people, order), "approve")
    payment = payment_of(order)
    assert payment.gateway_account == "acct_sandbox"
    with sandbox.store.lock:
        sandbox.store.account, pages = "acct_other", dict(sandbox.store.sessions)
        sandbox.store.sessions.clear()
    payment_actions.keys.ask("stripe", now=NOW)
    late = NOW + timedelta(hours=3)
    for minutes in (0, 6):
        with pytest.raises(OtherAccount):
            settlement.settle(payment.pk, now=late + timedelta(minutes=minutes))
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.state, order.state) == ("pending", "processing")
    assert list(order.events.filter(kind="other_account").values_list("detail__payment", flat=True)) == [payment.pk]
    [mail] = Notice.objects.filter(topic="payment_failed")
    assert (mail.user, order.number in mail.subject) == (people.olga.membership.user, True)
    with sandbox.store.lock:
        sandbox.store.account, sandbox.store.sessions = "acct_sandbox", pages
    payment_actions.keys.ask("stripe", now=late)
    settlement.settle(payment.pk, now=late + timedelta(minutes=12))
    order.refresh_from_db()
    assert order.state == "succeed"
