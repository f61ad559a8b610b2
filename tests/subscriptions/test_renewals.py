"""Auto-renewal: a card kept at the checkout, an auto-renewal, exactly 30 days more each time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings

from accounts import breakers
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Organization
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.gateways.stripe.client import longest_call_s
from payments.models import Payment, PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import auto_renewals, cards, orders, renewals, settlement
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order, ServicePeriod
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE, entitlement, payment_of
from tests.subscriptions.renewing import DUE, EXPIRY, MONTHLY, at, expiries


def test_paying_with_auto_renew_keeps_the_card_by_consent_and_makes_the_auto_renewal(
    people: People, agree: Callable[..., AutoRenewal]
) -> None:
    auto_renewal = agree(renewals=6)
    card = PaymentMethod.objects.get()
    assert (auto_renewal.method, auto_renewal.payer, auto_renewal.renewals_left) == (card, people.dora.firm, 6)
    assert (card.owner, card.last4, card.consent_by, card.consent_at) == (
        people.dora.firm,
        "4242",
        people.dora.membership.user,
        NOW,
    )
    assert (auto_renewal.next_due_at, auto_renewal.items.filter(is_live=True).count()) == (DUE, 5)
    assert AuditEvent.objects.filter(action="auto_renewal.made", subject_id=auto_renewal.pk).count() == 1


def test_without_the_tick_no_card_is_kept(
    people: People, harbour_view: Site, fill_cart, place, sandbox: Sandbox
) -> None:
    order = place(fill_cart())
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)
    assert not PaymentMethod.objects.exists()
    assert not AutoRenewal.objects.exists()


@pytest.mark.rule("R42")
def test_the_auto_renewal_extends_by_exactly_thirty_days_once_however_often_it_runs(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    assert renewals.renew_due(now=at(sandbox, DUE - timedelta(seconds=1))) == 0
    assert expiries() == {EXPIRY}
    for minutes in (0, 0, 1, 30, 600):
        jobs.tick(now=at(sandbox, DUE + timedelta(minutes=minutes)))
    assert expiries() == {EXPIRY + timedelta(days=30)}
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (order.state, order.total_minor, order.payer) == ("succeed", MONTHLY, people.dora.firm)
    assert sandbox.state()["moved"][order.number] == {"amount": MONTHLY, "charges": 1}
    assert ServicePeriod.objects.filter(starts_at=EXPIRY, ends_at=EXPIRY + timedelta(days=30)).count() == 5
    auto_renewal.refresh_from_db()
    assert (auto_renewal.next_due_at, auto_renewal.claimed_until) == (DUE + timedelta(days=30), None)
    jobs.tick(now=at(sandbox, DUE + timedelta(days=30)))
    assert expiries() == {EXPIRY + timedelta(days=60)}


@pytest.mark.rule("R46")
def test_a_late_renewal_still_starts_at_the_expiry(agree: Callable[..., AutoRenewal], sandbox: Sandbox) -> None:
    agree()
    jobs.tick(now=at(sandbox, EXPIRY + timedelta(days=6)))
    assert expiries() == {EXPIRY + timedelta(days=30)}


@pytest.mark.rule("R46")
def test_what_lapsed_is_never_renewed_by_itself(agree: Callable[..., AutoRenewal], sandbox: Sandbox) -> None:
    auto_renewal = agree()
    jobs.tick(now=at(sandbox, EXPIRY + timedelta(days=7)))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, expiries()) == ("suspended", {EXPIRY})
    assert auto_renewal.reason_words == "Its paid time and the days of grace ran out: it lapsed on 29 Dec 2026."
    assert set(AutoRenewalItem.objects.values_list("reason", flat=True)) == {"item_lapsed"}
    assert not Order.objects.filter(type=Order.Type.AUTO_RENEWAL).exists()


@pytest.mark.rule("R43")
def test_it_stops_after_the_agreed_number(agree: Callable[..., AutoRenewal], sandbox: Sandbox) -> None:
    auto_renewal = agree(renewals=2)
    for cycle in range(5):
        jobs.tick(now=at(sandbox, DUE + timedelta(days=30 * cycle)))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.renewals_left) == ("ended", 0)
    assert expiries() == {EXPIRY + timedelta(days=60)}


@pytest.mark.rule("R43")
@pytest.mark.rule("R25")
def test_a_service_that_is_off_leaves_the_auto_renewal(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:

    auto_renewal = agree()
    plan = entitlement(Site.objects.get(), ServiceType.PREMIUM, "1.01")
    Entitlement.objects.filter(pk=plan.pk).update(variant="")
    jobs.tick(now=at(sandbox, DUE))
    plan.refresh_from_db()
    assert plan.expires_at == EXPIRY
    assert expiries() == {EXPIRY + timedelta(days=30)}
    assert Order.objects.get(type=Order.Type.AUTO_RENEWAL).total_minor == MONTHLY - 90
    assert auto_renewal.items.filter(is_live=True).count() == 4
    assert AutoRenewalItem.objects.get(entitlement=plan).reason == "service_off"


@pytest.mark.rule("R43")
def test_a_payer_that_may_not_pay_any_more_is_not_charged(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    Organization.objects.filter(pk=people.dora.firm.pk).update(is_active=False)
    jobs.tick(now=at(sandbox, DUE))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, expiries()) == ("suspended", {EXPIRY})
    assert "may not pay" in auto_renewal.reason_words
    assert not Order.objects.filter(type=Order.Type.AUTO_RENEWAL).exists()
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_a_gateway_that_hangs_ends_a_charge_before_the_lease_of_its_payer() -> None:
    a_call = timedelta(seconds=longest_call_s(settings.STRIPE_TIMEOUT_S))
    assert renewals.CALLS_PER_CHARGE * a_call < renewals.LEASE
    assert a_call < breakers.PROBE


def test_whoever_pays_stops_it_and_paid_time_stays(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    for stranger in (people.sam, people.mallory):
        with pytest.raises(AutoRenewal.DoesNotExist):
            auto_renewals.stop_auto_renewal(stranger.actor, auto_renewal_id=auto_renewal.pk, now=NOW)
    for other in (people.ivan, people.petra, people.tess):
        with pytest.raises((NotPermitted, AutoRenewal.DoesNotExist)):
            auto_renewals.stop_auto_renewal(other.actor, auto_renewal_id=auto_renewal.pk, now=NOW)
    auto_renewals.stop_auto_renewal(people.dora.actor, auto_renewal_id=auto_renewal.pk, now=NOW)
    cards.remove_card(people.dora.actor, method_id=auto_renewal.method_id, now=NOW)
    jobs.tick(now=at(sandbox, DUE))
    assert expiries() == {EXPIRY}
    assert not Order.objects.filter(type=Order.Type.AUTO_RENEWAL).exists()


def test_an_automatic_order_is_neither_paid_by_hand_nor_timed_out(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    sandbox.faults.arm("unavailable", 99)
    jobs.tick(now=at(sandbox, DUE))
    jobs.tick(now=at(sandbox, DUE + timedelta(hours=2)))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert order.state == "processing"
    for act in (
        lambda: orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=DUE),
        lambda: orders.cancel_order(people.dora.actor, number=order.number, now=DUE),
    ):
        with pytest.raises(Refused):
            act()
    assert Payment.objects.filter(subject=order.number).count() == 1
