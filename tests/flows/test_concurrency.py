"""Several processes at the same thing in the same instant: one of them does it, the others find it done or are refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.errors import Conflict
from accounts.models import AuditEvent, Organization
from communities import expiries
from communities.actions import sites
from communities.catalogue import ServiceType
from communities.errors import ServiceLocked
from communities.models import Entitlement, ExpiryDay, Site
from payments import actions as payment_actions
from payments.errors import GatewayUnavailable
from payments.models import GatewayEvent, Payment
from payments.sandbox import Sandbox
from subscriptions import ledger
from subscriptions.actions import carts, orders, scheduled, settlement
from subscriptions.errors import IllegalTransition, ItemHeld, NotBillable
from subscriptions.models import Cart, Order, OrderEvent, OrderLine, ServicePeriod
from tests.flows.ledger import assert_ledger_agrees
from tests.flows.webhook_queue import WebhookQueue
from tests.lock_waits import alone, wait_for_waiting
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.races import together
from tests.sites import ADDRESS, OPTIONS
from tests.subscriptions.lookups import BASE, payment_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tenants_stay_apart")]
SOON = NOW + timedelta(minutes=1)
LATE = NOW + timedelta(minutes=46)  # unpaid orders are given up
ROUNDS = 5  # who is first differs from round to round


@pytest.fixture
def submit(people: People, billing: None) -> Callable[..., Callable[[], Order]]:
    """Somebody about to submit a cart at the price it has now; with `pay`, and to be sent to the pay page."""

    def prepare(cart: Cart, *, by: Person | None = None, pay: bool = False) -> Callable[[], Order]:
        actor = (by or people.dora).actor
        distributor = cart.installer.distributor
        assert distributor is not None
        shown = carts.priced(carts.contents(cart), distributor=distributor, months=cart.months, now=NOW).fingerprint()

        def go() -> Order:
            order = orders.place_order(
                actor, cart_id=cart.pk, fingerprint=shown, terms_version="1", return_base=BASE, now=NOW
            )
            if pay:
                orders.start_payment(actor, number=order.number, return_base=BASE, now=NOW)
            return order

        return go

    return prepare


@pytest.fixture
def waiting(
    people: People, new_cart: Callable[..., Cart], submit: Callable[..., Callable[[], Order]], webhooks: WebhookQueue
) -> Callable[[str], tuple[Order, str]]:
    """An order that waits at its pay page, and the page's address."""

    def make(name: str) -> tuple[Order, str]:
        order = submit(new_cart(name))()
        return order, orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW)

    return make


def cancel(people: People, order: Order) -> Callable[[], object]:
    """Dora about to give the order up."""
    return partial(orders.cancel_order, people.dora.actor, number=order.number, now=SOON)


def allow(outcomes: list[object], *refusals: type[Exception]) -> None:
    """Nothing went wrong but what may be refused."""
    wrong = [outcome for outcome in outcomes if isinstance(outcome, Exception) and not isinstance(outcome, refusals)]
    assert not wrong, wrong


@pytest.mark.rule("R48")
@pytest.mark.parametrize("times", [2, 4])
def test_a_cart_submitted_twice_at_once_is_one_order_with_one_payment(
    people: People, new_cart: Callable[..., Cart], submit: Callable[..., Any], sandbox: Sandbox, times: int
) -> None:
    for number in range(ROUNDS):
        cart = new_cart(f"Harbour {number}")
        outcomes = together(*[submit(cart, pay=True)] * times)
        allow(outcomes)
        assert len({order.pk for order in outcomes if isinstance(order, Order)}) == 1
        order = Order.objects.get(cart=cart)
        assert Order.objects.count() == number + 1
        assert Payment.objects.filter(subject=order.number).count() == 1
        assert [s["client_reference_id"] for s in sandbox.state()["sessions"]].count(order.number) == 1
        assert list(order.events.values_list("kind", flat=True)) == ["created", "sent"]
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R48")
@pytest.mark.parametrize("payers", [("dora", "dora"), ("dora", "ivan")])
def test_of_two_carts_with_a_common_item_one_gets_it_and_the_other_leaves_nothing(
    people: People,
    new_cart: Callable[..., Cart],
    fill_cart: Callable[..., Cart],
    submit: Callable[..., Any],
    sandbox: Sandbox,
    payers: tuple[str, str],
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=True)  # Dora lets him
    own_billing(people.ivan)
    for number in range(ROUNDS):
        items = list(carts.contents(new_cart(f"Harbour {number}")).order_by("pk"))
        first, second = (getattr(people, name) for name in payers)
        chosen = [fill_cart(by=first, items=items[:2]), fill_cart(by=second, items=items[:0:-1])]  # items[1] is common
        outcomes = together(*[submit(cart, by=person) for cart, person in zip(chosen, (first, second), strict=True)])
        (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Order)]
        (refusal,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert isinstance(refusal, ItemHeld), refusal
        assert str(refusal) == f"{items[1]} is already in order {winner.number}."
        assert Order.objects.count() == Payment.objects.count() == number + 1
        assert OrderEvent.objects.count() == AuditEvent.objects.filter(action="order.created").count() == number + 1
        assert OrderLine.objects.count() == 2 * (number + 1)
        won, lost = chosen if outcomes[0] is winner else chosen[::-1]
        assert (Cart.objects.get(pk=won.pk).order, Cart.objects.get(pk=lost.pk).order) == (winner, None)
        reserved = Entitlement.objects.filter(pk__in=[item.pk for item in items]).exclude(reserved_by=None)
        assert set(reserved) == set(carts.contents(won))
        assert {item.reserved_by for item in reserved} == {winner.pk}
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R48")
def test_carts_over_the_same_sites_in_another_order_do_not_block_each_other_for_good(
    people: People,
    new_cart: Callable[..., Cart],
    fill_cart: Callable[..., Cart],
    submit: Callable[..., Any],
    sandbox: Sandbox,
) -> None:
    for number in range(ROUNDS):
        one, two = (list(carts.contents(new_cart(f"{name} {number}")).order_by("pk")) for name in ("East", "West"))
        outcomes = together(
            submit(fill_cart(items=[one[0], two[0]])),
            submit(fill_cart(items=[two[1], one[1]])),
            submit(fill_cart(items=[two[2], one[2], one[0]])),
        )
        allow(outcomes, ItemHeld)
        assert sum(isinstance(outcome, Order) for outcome in outcomes) == 2
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R25")
def test_an_item_switched_off_while_it_is_ordered_is_either_ordered_or_refused(
    people: People, new_cart: Callable[..., Cart], submit: Callable[..., Any], sandbox: Sandbox
) -> None:
    for number in range(ROUNDS):
        cart = new_cart(f"Harbour {number}")
        site = Site.objects.get(name=f"Harbour {number}")
        outcomes = together(submit(cart), switching(people, site, booking=False))
        allow(outcomes, NotBillable)
        for line in OrderLine.objects.filter(order__cart=cart):
            assert line.variant  # priced as it was when the order was made
        assert Site.objects.get(pk=site.pk).booking is False
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R49")
def test_a_payment_settled_by_four_at_once_is_applied_once(
    waiting: Callable[[str], tuple[Order, str]], sandbox: Sandbox
) -> None:
    for number in range(ROUNDS):
        order, url = waiting(f"Harbour {number}")
        press(url, "approve")
        payment = payment_of(order)
        outcomes = together(*[partial(settlement.settle, payment.pk, now=SOON)] * 4)
        allow(outcomes)
        assert {getattr(outcome, "state", None) for outcome in outcomes} == {"succeed"}
        assert list(order.events.values_list("kind", flat=True)) == ["created", "sent", "confirmed", "applied"]
        assert ServicePeriod.objects.filter(line__order=order).count() == 3
        assert AuditEvent.objects.filter(action="order.succeeded", subject_id=order.pk).count() == 1
        assert_ledger_agrees(sandbox)


def test_the_summary_by_day_is_right_after_settlements_and_foldings_at_once(
    waiting: Callable[[str], tuple[Order, str]], sandbox: Sandbox
) -> None:
    for number in range(ROUNDS):
        paid = [waiting(f"Harbour {number}.{at}") for at in range(3)]
        for _order, url in paid:
            press(url, "approve")
        settling = [partial(settlement.settle, payment_of(order).pk, now=SOON) for order, _url in paid]
        allow(together(*settling, *[partial(expiries.fold, now=SOON)] * 2))
        assert {order.state for order in Order.objects.filter(pk__in=[order.pk for order, _url in paid])} == {"succeed"}
        assert list(ledger.verify()) == []
        expiries.fold(now=SOON)
        assert list(ledger.verify()) == []
        assert not ExpiryDay.objects.filter(stage=0).exists()


@pytest.mark.rule("R50")
def test_the_same_letter_at_four_doors_is_written_down_once_and_worked_on_once(
    waiting: Callable[[str], tuple[Order, str]], webhooks: WebhookQueue, sandbox: Sandbox
) -> None:
    for number in range(ROUNDS):
        order, url = waiting(f"Harbour {number}")
        press(url, "approve")
        assert sorted(webhooks.kinds()) == ["checkout.session.completed", "payment_intent.succeeded"]
        messages = webhooks.take()
        allow(together(*[partial(webhooks.deliver, messages, now=NOW)] * 4))
        assert GatewayEvent.objects.filter(state="new").count() == 2
        outcomes = together(*[partial(scheduled.process_events, now=SOON)] * 4)
        allow(outcomes)
        assert sum(done for done in outcomes if isinstance(done, int)) == 2
        assert set(GatewayEvent.objects.values_list("state", "tries")) == {("done", 1)}
        assert Order.objects.get(pk=order.pk).state == "succeed"
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R49")
@pytest.mark.rule("R50")
@pytest.mark.parametrize("is_paid", [True, False])
def test_worker_janitor_time_out_and_cancel_at_once_come_to_one_end(
    people: People, waiting: Callable[[str], tuple[Order, str]], webhooks: WebhookQueue, sandbox: Sandbox, is_paid: bool
) -> None:
    for number in range(ROUNDS):
        order, url = waiting(f"Harbour {number}")
        press(url, "approve" if is_paid else "decline")
        webhooks.deliver(webhooks.take(), now=NOW)
        outcomes = together(
            partial(scheduled.process_events, now=LATE),
            partial(scheduled.reconcile_stale_payments, now=LATE),
            partial(scheduled.expire_unpaid_orders, now=LATE),
            cancel(people, order),
        )
        allow(outcomes, IllegalTransition)
        state = Order.objects.get(pk=order.pk).state
        assert state in ({"succeed"} if is_paid else {"cancelled", "timeout"})
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R49")
@pytest.mark.rule("R52")
def test_who_pays_in_the_moment_of_the_cancel_gets_the_goods_or_keeps_the_money(
    people: People, waiting: Callable[[str], tuple[Order, str]], webhooks: WebhookQueue, sandbox: Sandbox
) -> None:
    for number in range(ROUNDS):
        order, url = waiting(f"Harbour {number}")
        outcomes = together(partial(press, url, "approve"), cancel(people, order))
        allow(outcomes)
        state, moved = Order.objects.get(pk=order.pk).state, sandbox.state()["moved"]
        assert (state, order.number in moved) in {("succeed", True), ("cancelled", False)}
        webhooks.deliver(webhooks.take(), now=NOW)
        assert scheduled.process_events(now=SOON) > 0
        assert Order.objects.get(pk=order.pk).state == state
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R48")
@pytest.mark.rule("R49")
def test_pay_pressed_again_while_the_order_is_cancelled_leaves_no_page_to_pay_at(
    people: People, waiting: Callable[[str], tuple[Order, str]], sandbox: Sandbox
) -> None:
    for number in range(ROUNDS):
        order, _url = waiting(f"Harbour {number}")
        again = partial(orders.start_payment, people.dora.actor, number=order.number, return_base=BASE, now=SOON)
        outcomes = together(cancel(people, order), again, again)
        allow(
            outcomes, IllegalTransition, GatewayUnavailable
        )  # who cancels is told when a new payment has begun meanwhile
        scheduled.reconcile_stale_payments(now=NOW + timedelta(minutes=10))
        scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=50))
        assert Order.objects.get(pk=order.pk).state in {"cancelled", "timeout"}
        assert_ledger_agrees(sandbox)


def switching(people: People, site: Site, **switches: bool) -> Callable[[], Site]:
    """Ivan about to save the services of a site, from the form as it looks now."""
    form: dict[str, Any] = {
        "site_id": site.pk, "version": site.version, "basics": {"name": site.name, **ADDRESS}, "free_members": None,
        "switches": {**site.switches, **switches}, "options": OPTIONS, "now": SOON,
    }  # fmt: skip
    return partial(sites.edit_site, people.ivan.actor, **form)


@pytest.mark.rule("R11")
@pytest.mark.rule("R13")
@pytest.mark.parametrize("was_on", [True, False])
def test_the_switch_is_on_after_a_first_pm_app_is_paid_while_somebody_switches_it_off(
    people: People, waiting: Callable[[str], tuple[Order, str]], sandbox: Sandbox, was_on: bool
) -> None:
    for number in range(ROUNDS):
        order, url = waiting(f"Harbour {number}")
        site = Site.objects.get(name=f"Harbour {number}")
        if was_on:
            site = switching(people, site, pm_app=True)()
        press(url, "approve")
        payment = payment_of(order)
        attempts: list[Callable[[], object]] = [
            partial(settlement.settle, payment.pk, now=SOON),
            switching(people, site, pm_app=False),
        ]
        outcomes = together(*(attempts if number % 2 else attempts[::-1]))
        allow(outcomes, ServiceLocked, Conflict)
        site.refresh_from_db()
        petra = Entitlement.objects.get(site=site, service_type=ServiceType.PM_APP)
        assert (petra.is_in_force(SOON), site.pm_app) == (True, True)
        assert_ledger_agrees(sandbox)


@pytest.mark.rule("R11")
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time; nobody waits inside")
def test_a_switch_that_waits_behind_the_settlement_finds_itself_locked(
    people: People, waiting: Callable[[str], tuple[Order, str]], sandbox: Sandbox
) -> None:
    order, url = waiting("Harbour")
    site = switching(people, Site.objects.get(), pm_app=True)()
    press(url, "approve")
    payment = payment_of(order)
    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            list(Entitlement.objects.select_for_update())  # what a settlement locks last
            settled = pool.submit(alone, partial(settlement.settle, payment.pk, now=SOON))
            wait_for_waiting(1)
            switched = pool.submit(alone, switching(people, site, pm_app=False))
            wait_for_waiting(2)
        assert settled.result(60).state == "succeed"
        with pytest.raises(ServiceLocked, match=r"Locked on: 1 PM App is active: Petra Holm until 22 Dec 2026\."):
            switched.result(60)
    assert Site.objects.get().pm_app is True
    assert_ledger_agrees(sandbox)


@pytest.mark.rule("R13")
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time; nobody waits inside")
def test_a_settlement_that_waits_behind_the_switch_puts_it_on_again(
    people: People, waiting: Callable[[str], tuple[Order, str]], sandbox: Sandbox
) -> None:
    order, url = waiting("Harbour")
    site = switching(people, Site.objects.get(), pm_app=True)()
    press(url, "approve")
    payment = payment_of(order)
    with ThreadPoolExecutor() as pool:
        with transaction.atomic():
            assert switching(people, site, pm_app=False, booking=False)().pm_app is False
            settled = pool.submit(alone, partial(settlement.settle, payment.pk, now=SOON))
            wait_for_waiting(1)
        assert settled.result(60).state == "succeed"
    site.refresh_from_db()
    assert (site.pm_app, site.booking, site.version) == (True, False, 5)
    assert AuditEvent.objects.filter(action="site.pm_app_switched_on").count() == 1
    assert_ledger_agrees(sandbox)


def own_billing(person: Person) -> None:
    """Billing information of somebody who pays besides Dora."""
    payment_actions.save_billing(
        person.actor,
        organization=person.firm,
        now=NOW,
        company=person.firm.name,
        email=person.email,
        street="Kaistraße 1",
        postal_code="20457",
        city="Hamburg",
        country="DE",
    )
