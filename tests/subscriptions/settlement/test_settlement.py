"""From verified money to paid time, through the true SDK and the sandbox's real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, ItemFailure, Notice
from communities.actions import sites
from communities.catalogue import ServiceType
from communities.errors import ServiceLocked
from communities.models import Entitlement, Site, State
from payments.errors import GatewayUnavailable
from payments.models import GatewayEvent, Payment
from payments.models import State as PaymentState
from payments.sandbox import Sandbox
from subscriptions import bulk_sql
from subscriptions.actions import scheduled, settlement, transitions
from subscriptions.errors import IllegalTransition
from subscriptions.models import Cart, Order, ServicePeriod
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.sites import ADDRESS, OPTIONS
from tests.subscriptions.lookups import entitlement, payment_of
from tests.subscriptions.settlement.scenes import A_MONTH_LATER, fresh, kinds, open_page, unpaid


@pytest.mark.rule("R49")
def test_an_approved_payment_activates_everything_once(people: People, order: Order) -> None:
    press(open_page(people, order), "approve")
    for minutes in (1, 2, 600):
        settlement.settle(payment_of(order).pk, now=NOW + timedelta(minutes=minutes))
    order = fresh(order)
    assert (order.state, order.closed_at) == ("succeed", NOW + timedelta(minutes=1))
    assert kinds(order) == ["created", "sent", "confirmed", "applied"]
    applied = NOW + timedelta(minutes=1)
    for row in Entitlement.objects.filter(lines__order=order):
        assert (row.expires_at, row.reserved_by, row.paid_variant) == (
            datetime(2026, 12, 22, 9, 1, tzinfo=UTC),
            None,
            row.variant,
        )
        assert row.state(applied) is State.ACTIVE
        assert row.is_usable(applied)
        assert row.last_charged_at == applied
    assert ServicePeriod.objects.count() == order.line_count == 5
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert AuditEvent.objects.filter(action="order.succeeded", subject_id=order.pk).count() == 1
    payment = payment_of(order)
    assert (payment.state, payment.captured_minor) == (PaymentState.SUCCEEDED, order.total_minor)


@pytest.mark.rule("R13")
@pytest.mark.rule("R11")
def test_the_first_paid_pm_app_switches_it_on_and_locks_it(people: People, harbour_view: Site, order: Order) -> None:
    press(open_page(people, order), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    site = Site.objects.get(pk=harbour_view.pk)
    assert site.pm_app is True
    off: dict[str, Any] = {
        "site_id": site.pk, "version": site.version, "basics": {"name": site.name, **ADDRESS}, "free_members": None,
        "switches": {**site.switches, "pm_app": False}, "options": OPTIONS,
    }  # fmt: skip
    with pytest.raises(ServiceLocked, match=r"Locked on: 1 PM App is active: Petra Holm until 22 Dec 2026\."):
        sites.edit_site(people.ivan.actor, now=A_MONTH_LATER + timedelta(days=6), **off)
    assert Site.objects.get(pk=site.pk).pm_app is True
    changed = sites.edit_site(
        people.ivan.actor, now=A_MONTH_LATER + timedelta(days=7), **off
    )  # the grace is over (R12)
    assert changed.pm_app is False


@pytest.mark.rule("R33")
def test_paid_time_stays_with_the_apartment(people: People, order: Order) -> None:
    from communities.actions import residents
    from communities.models import Apartment, Resident

    press(open_page(people, order), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    apartment = Apartment.objects.get(number="1.01")
    expiry = entitlement(apartment.site, ServiceType.APP, "1.01").expires_at
    residents.remove_resident(people.ivan.actor, resident_id=Resident.objects.get(apartment=apartment).pk, now=NOW)
    moved_out = entitlement(apartment.site, ServiceType.APP, "1.01")
    assert (moved_out.variant, moved_out.expires_at) == ("", expiry)
    residents.add_resident(people.ivan.actor, apartment_id=apartment.pk, name="Next", mobile="+49 40 1234567", now=NOW)
    moved_in = entitlement(apartment.site, ServiceType.APP, "1.01")
    assert (moved_in.variant, moved_in.expires_at, moved_in.is_usable(NOW)) == ("monitor", expiry, True)


@pytest.mark.rule("R51")
def test_nothing_but_the_gateway_makes_an_order_paid(people: People, order: Order) -> None:
    open_page(people, order)
    settlement.settle_order(order.number, now=NOW)  # what coming back from the page leads to
    assert fresh(order).state == "processing"
    assert unpaid(order)


def test_a_declined_card_changes_nothing_and_the_page_can_be_tried_again(people: People, order: Order) -> None:
    url = open_page(people, order)
    press(url, "decline")
    settlement.settle(payment_of(order).pk, now=NOW)
    assert (fresh(order).state, unpaid(order)) == ("processing", True)
    assert open_page(people, order) == url
    press(url, "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    assert fresh(order).state == "succeed"


def test_a_declined_card_is_told_once_while_its_page_stays_open(people: People, order: Order) -> None:
    page = open_page(people, order)
    press(page, "decline")
    for minutes in (1, 2):
        settlement.settle(payment_of(order).pk, now=NOW + timedelta(minutes=minutes))
    assert (fresh(order).state, kinds(order)) == ("processing", ["created", "sent", "declined"])
    assert order.events.get(kind="declined").reason == "The bank declined the card."
    press(page, "approve")
    settlement.settle(payment_of(order).pk, now=NOW + timedelta(minutes=3))
    assert fresh(order).state == "succeed"


@pytest.mark.rule("R50")
def test_a_wrong_amount_puts_the_order_under_review(people: People, order: Order, sandbox: Sandbox) -> None:
    sandbox.faults.arm("wrong_amount")
    press(open_page(people, order), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    assert fresh(order).state == "review"
    assert kinds(order)[-1] == "mismatch"
    assert unpaid(order)
    assert AuditEvent.objects.filter(action="order.review").count() == 1


def test_an_open_failing_gateway_leaves_the_payment_unknown_and_the_janitor_finds_out(
    people: People, order: Order, sandbox: Sandbox
) -> None:
    sandbox.faults.arm("create_fails_after", 9)
    with pytest.raises(GatewayUnavailable):
        open_page(people, order)
    assert (payment_of(order).state, fresh(order).state) == (PaymentState.UNKNOWN, "processing")
    sandbox.faults.clear()
    scheduled.reconcile_stale_payments(now=NOW + timedelta(minutes=3))
    payment = payment_of(order)
    assert payment.state == PaymentState.PENDING
    press(payment.checkout_url, "approve")
    scheduled.reconcile_stale_payments(now=NOW + timedelta(minutes=10))
    assert fresh(order).state == "succeed"
    assert sandbox.state()["moved"] == {order.number: {"amount": order.total_minor, "charges": 1}}


@pytest.mark.rule("R50")
def test_duplicate_and_late_events_are_harmless(people: People, order: Order) -> None:
    press(open_page(people, order), "approve")
    ref = payment_of(order).gateway_ref
    for number, kind in enumerate(
        ["payment_intent.succeeded", "checkout.session.completed", "checkout.session.expired"] * 2
    ):
        GatewayEvent.objects.create(
            gateway="stripe",
            event_id=f"evt_{number}",
            kind=kind,
            object_ref=ref,
            raw_body=b"{}",
            received_at=NOW,
            next_try_at=NOW,
        )
    assert scheduled.process_events(now=NOW) == 6
    assert scheduled.process_events(now=NOW) == 0
    assert fresh(order).state == "succeed"
    assert ServicePeriod.objects.count() == 5


def test_an_event_that_fails_is_tried_again_later(people: People, order: Order, sandbox: Sandbox) -> None:
    press(open_page(people, order), "approve")
    event = GatewayEvent.objects.create(
        gateway="stripe",
        event_id="evt_1",
        kind="checkout.session.completed",
        object_ref=payment_of(order).gateway_ref,
        raw_body=b"{}",
        received_at=NOW,
        next_try_at=NOW,
    )
    sandbox.faults.arm("unavailable", 99)
    assert scheduled.process_events(now=NOW) == 0
    event.refresh_from_db()
    assert (event.state, event.tries) == ("failed", 1)
    assert "GatewayUnavailable" in event.last_error
    sandbox.faults.clear()
    assert scheduled.process_events(now=NOW + timedelta(seconds=30)) == 0
    assert scheduled.process_events(now=NOW + timedelta(minutes=2)) == 1
    assert fresh(order).state == "succeed"


@pytest.mark.rule("R49")
def test_a_slow_worker_whose_event_another_one_finished_leaves_no_failure(
    people: People, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = GatewayEvent.objects.create(
        gateway="stripe",
        event_id="evt_1",
        kind="payment_intent.succeeded",
        raw_body=b"",
        received_at=NOW,
        next_try_at=NOW,
    )

    def hang(event: GatewayEvent, *, now: datetime) -> bool:
        GatewayEvent.objects.update(state="done", next_try_at=None)
        raise GatewayUnavailable("hung until another worker had done it")

    monkeypatch.setattr(scheduled, "process_event", hang)
    assert scheduled.process_events(now=NOW) == 0
    event.refresh_from_db()
    assert (event.state, event.last_error) == ("done", "")
    assert not ItemFailure.objects.exists()


def test_an_order_moves_only_as_it_may(people: People, order: Order) -> None:
    for state in ("succeed", "refunded"):
        with pytest.raises((IllegalTransition, ValueError)):
            transitions.transition(fresh(order), state, now=NOW)
    transitions.close(order, Order.State.CANCELLED, now=NOW, actor=SYSTEM)
    for state in ("processing", "succeed", "timeout", "failed"):
        with pytest.raises(IllegalTransition):
            transitions.transition(fresh(order), state, now=NOW)
    assert fresh(order).state == "cancelled"


def test_the_same_start_can_not_be_paid_for_twice(people: People, order: Order) -> None:
    press(open_page(people, order), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    period = ServicePeriod.objects.latest("pk")
    period.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        period.save()


def test_an_order_of_price_zero_needs_no_gateway(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    from smartplus.demo import INVENTED_PRICES
    from subscriptions.actions import prices

    free = dict.fromkeys(INVENTED_PRICES, 0)
    cart = fill_cart()
    prices.publish_price_list(SYSTEM, currency="USD", amounts=free, valid_from=NOW, now=NOW)
    order = place(cart)
    assert (order.state, order.total_minor, Payment.objects.count()) == ("succeed", 0, 0)
    assert ServicePeriod.objects.count() == 5


def test_settling_costs_the_same_statements_for_two_apartments_and_for_forty(
    people: People,
    harbour_view: Site,
    make_apartment,
    fill_cart,
    place,
    sandbox: Sandbox,
    django_assert_max_num_queries,
) -> None:
    for number in range(40):
        make_apartment(harbour_view, f"2.{number:02d}")
    order = place(fill_cart())
    assert order.line_count == 85
    press(open_page(people, order), "approve")
    with django_assert_max_num_queries(36):  # of them 5 tell the one recipient
        settlement.settle(payment_of(order).pk, now=NOW)
    assert fresh(order).state == "succeed"


@pytest.mark.rule("R52")
@pytest.mark.parametrize("change", ["taken", "moved", "paid already"])
def test_money_that_can_not_be_applied_brings_the_order_under_review_and_moves_nothing(
    people: People, order: Order, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(open_page(people, order), "approve")
    app = entitlement(Site.objects.get(), ServiceType.APP, "1.01")
    if change == "taken":
        Entitlement.objects.filter(pk=app.pk).update(reserved_by=None)
    elif change == "moved":
        monkeypatch.setattr(bulk_sql, "extend", lambda order, made, **_: order.line_count - 1)
    else:
        at = NOW + timedelta(minutes=1)
        line = order.lines.get(entitlement=app)
        line.pk = None
        other = Order.objects.get(pk=order.pk)
        other.pk, other.number, other.state, other.closed_at = None, "SP-261122-OTHER", "succeed", NOW
        other.save(force_insert=True)
        line._state.adding, line.order = True, other
        line.save()
        ServicePeriod.objects.create(entitlement=app, line=line, variant="x", starts_at=at, ends_at=at + timedelta(1))
    rows = list(Entitlement.objects.order_by("pk").values())
    for minutes in (1, 2):
        settlement.settle(payment_of(order).pk, now=NOW + timedelta(minutes=minutes))
    order = fresh(order)
    assert order.state == "review"
    assert payment_of(order).state == PaymentState.SUCCEEDED
    assert kinds(order) == ["created", "sent", "unapplied"]
    assert not ServicePeriod.objects.filter(line__order=order).exists()
    assert list(Entitlement.objects.order_by("pk").values()) == rows
    assert AuditEvent.objects.filter(action="order.review", subject_id=order.pk).count() == 1
    assert Notice.objects.filter(about_id=order.pk, key__startswith="order-review:").count() == 1
