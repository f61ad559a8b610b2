"""Mail about orders and auto-renewals: told once, to the right people, in their words, never silent about failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction

from accounts import actions as account_actions
from accounts import notify
from accounts.models import Membership, Notice, Organization, User
from communities.models import Site
from payments.sandbox import Sandbox
from smartplus import jobs
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import auto_renewals, orders, prices, settlement
from subscriptions.models import AutoRenewal, Cart, Order
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, payment_of
from tests.subscriptions.renewing import DUE, EXPIRY, at

RETRY_SCHEDULE = [DUE, EXPIRY - timedelta(days=2), EXPIRY - timedelta(days=1), EXPIRY, EXPIRY + timedelta(days=3)]
LAST = EXPIRY + timedelta(days=6)


@pytest.fixture
def order(people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place, sandbox: Sandbox) -> Order:
    """Dora's order of everything in Harbour View, approved at the gateway and not settled yet."""
    placed: Order = place(fill_cart())
    press(orders.start_payment(people.dora.actor, number=placed.number, return_base=BASE, now=NOW), "approve")
    return placed


def member(people: People, name: str, **grants: bool) -> Membership:
    added = account_actions.add_member(
        SYSTEM, organization=people.dora.firm, email=f"{name}@nordlys.example", name=name.title(), now=NOW
    )
    Membership.objects.filter(pk=added.pk).update(**grants)
    return added


def told(kind: str) -> list[tuple[str, str, str]]:
    found = Notice.objects.filter(key__startswith=f"{kind}:").order_by("pk")
    return [(notice.email, notice.topic, notice.state) for notice in found]


def test_who_gets_billing_mail_and_who_placed_it_hear_once_that_it_is_paid(people: People, order: Order) -> None:
    member(people, "berta", gets_billing_mail=True)
    member(people, "carl", gets_billing_mail=False)
    Membership.objects.filter(pk=people.dora.membership.pk).update(gets_billing_mail=False)
    for _ in range(3):
        settlement.settle(payment_of(order).pk, now=NOW)
    assert told("order-succeeded") == [
        ("dora@nordlys.example", "orders", "queued"),
        ("berta@nordlys.example", "orders", "queued"),
    ]
    assert {notice.organization for notice in Notice.objects.about(order)} == {people.dora.firm}
    notify.send_due(now=NOW)
    letter = mail.outbox[0]
    assert letter.subject == f"Order {order.number} is paid"
    assert letter.body.partition("\n-- \n")[0] == (
        "Hello Dora Lindqvist,\n\nthe payment is confirmed and the paid time is applied.\n\n"
        f"Order: {order.number}\nWhat: Activation of 5 items, Hafen Intercom GmbH\nAmount: US$10.20\n"
        "Active until: 22 Dec 2026\nPaid by: Nordlys Distribution\n\n"
        f"http://testserver/orders/{order.number}/\n"
    )


def test_the_day_is_that_of_the_site_wherever_the_mail_is_read(people: People, order: Order) -> None:
    User.objects.filter(pk=people.dora.membership.user_id).update(time_zone="Pacific/Auckland", language="de")
    settlement.settle(payment_of(order).pk, now=NOW + timedelta(hours=5))  # the 23rd in Auckland
    assert "22. Dez. 2026" in Notice.objects.about(order).get().body


def test_a_muted_topic_is_kept_and_not_sent(people: People, order: Order) -> None:
    notify.set_mutes(people.dora.membership.user, topics={"orders"}, now=NOW)
    settlement.settle(payment_of(order).pk, now=NOW)
    assert told("order-succeeded") == [("dora@nordlys.example", "orders", "muted")]
    assert notify.send_due(now=NOW) == 0


def test_who_left_the_firm_hears_nothing(people: People, order: Order) -> None:
    Membership.objects.filter(pk=people.dora.membership.pk).update(is_active=False)
    settlement.settle(payment_of(order).pk, now=NOW)
    order.refresh_from_db()
    assert (order.state, told("order-succeeded")) == ("succeed", [])


def test_what_is_rolled_back_is_not_told(people: People, order: Order) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        settlement.settle(payment_of(order).pk, now=NOW)
        raise RuntimeError
    assert not Notice.objects.exists()
    settlement.settle(payment_of(order).pk, now=NOW)
    assert len(told("order-succeeded")) == 1


def test_an_order_of_nothing_to_pay_is_told_too(people: People, harbour_view: Site, fill_cart, place) -> None:
    cart = fill_cart()
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts=dict.fromkeys(INVENTED_PRICES, 0), valid_from=NOW, now=NOW
    )
    order = place(cart)
    assert "there was nothing to pay, and the time is applied." in Notice.objects.about(order).get().body


@pytest.mark.rule("R50")
def test_money_that_does_not_fit_goes_to_the_operator_and_nobody_below_sees_whom_it_told(
    people: People, order: Order
) -> None:
    payment = payment_of(order)
    type(payment).objects.filter(pk=payment.pk).update(amount_minor=999)
    settlement.settle(payment.pk, now=NOW)
    settlement.settle(payment.pk, now=NOW)
    order.refresh_from_db()
    assert order.state == "review"
    assert told("order-review") == [("olga@vendor.example", "payment_failed", "queued")]
    assert Notice.objects.get().subject == f"Order {order.number} is under review"
    assert not Notice.objects.visible_to(people.dora.actor).exists()
    assert Notice.objects.visible_to(people.olga.actor).count() == 1


# --- auto-renewal -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("R44")
def test_each_failed_try_is_one_mail_and_the_end_of_the_retry_schedule_is_one(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    for number, instant in enumerate(RETRY_SCHEDULE, start=1):
        for minutes in (0, 1, 30):
            jobs.tick(now=at(sandbox, instant + timedelta(minutes=minutes)))
        assert told("renewal-failed") == number * [("dora@nordlys.example", "payment_failed", "sent")]
        assert told("renewal-suspended") == []
    for minutes in (0, 1, 60 * 24):
        jobs.tick(now=at(sandbox, LAST + timedelta(minutes=minutes)))
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "suspended"
    assert len(told("renewal-failed")) == 5
    assert told("renewal-suspended") == [("dora@nordlys.example", "payment_failed", "sent")]
    failed, suspended = Notice.objects.filter(topic="payment_failed").order_by("pk")[::5]
    tried = Order.objects.get(type="auto_renewal")
    assert failed.about_id == suspended.about_id == tried.pk
    assert failed.subject == f"Auto-renewal failed: order {tried.number} could not be charged"
    assert "Next try: 20 Dec 2026, 10:00\n" in failed.body
    assert suspended.subject == "Auto-renewal stopped: Hafen Intercom GmbH is not renewed any more"
    assert f"Order: {tried.number}\n" in suspended.body


@pytest.mark.rule("R44")
@pytest.mark.rule("R43")
@pytest.mark.rule("R5")
def test_an_auto_renewal_whose_payer_may_not_pay_any_more_charges_nothing_and_says_so(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    AutoRenewal.objects.filter(pk=auto_renewal.pk).update(payer=people.ivan.firm)
    jobs.tick(now=at(sandbox, DUE))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, Order.objects.filter(type="auto_renewal").count()) == ("suspended", 0)
    assert told("renewal-suspended") == [("ivan@hafen.example", "payment_failed", "sent")]
    assert (
        "may not pay for Hafen Intercom GmbH any more" in Notice.objects.get(key__startswith="renewal-suspended").body
    )
    assert Notice.objects.get(key__startswith="renewal-suspended").organization == people.ivan.firm


@pytest.mark.rule("R8")
def test_failed_payments_are_told_whatever_is_muted(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    notify.set_mutes(people.dora.membership.user, topics={"orders", "requests", "payment_failed"}, now=NOW)
    agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    assert told("renewal-failed") == [("dora@nordlys.example", "payment_failed", "sent")]


@pytest.mark.rule("R8")
@pytest.mark.rule("R44")
def test_a_failed_payment_is_told_to_somebody_whoever_ticked_nothing(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    """Nobody gets billing mail: then who may act hears it, then every administrator, and of a closed firm the one above."""
    auto_renewal = agree(card="no-funds-later")
    member(people, "gone", is_active=False)
    berta = member(people, "berta", gets_billing_mail=False)
    Membership.objects.filter(pk=people.dora.membership.pk).update(gets_billing_mail=False, manages_subscriptions=False)
    jobs.tick(now=at(sandbox, RETRY_SCHEDULE[0]))
    assert told("renewal-failed") == [("berta@nordlys.example", "payment_failed", "sent")]
    Membership.objects.filter(pk=berta.pk).update(manages_subscriptions=False)
    jobs.tick(now=at(sandbox, RETRY_SCHEDULE[1]))
    assert told("renewal-failed")[1:] == [
        ("dora@nordlys.example", "payment_failed", "sent"),
        ("berta@nordlys.example", "payment_failed", "sent"),
    ]
    Organization.objects.filter(pk=people.dora.firm.pk).update(is_active=False)
    jobs.tick(now=at(sandbox, RETRY_SCHEDULE[2]))
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "suspended"
    assert told("renewal-suspended") == [("olga@vendor.example", "payment_failed", "sent")]


def test_who_sees_no_prices_is_told_without_the_amount_and_no_subject_names_one(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    carl = member(people, "carl", sees_prices=False, gets_billing_mail=True)
    agree(card="no-funds-later")
    for instant in [*RETRY_SCHEDULE, LAST]:
        jobs.tick(now=at(sandbox, instant))
    kinds = {notice.key.split(":")[0] for notice in Notice.objects.filter(user_id=carl.user_id)}
    assert kinds == {"order-succeeded", "renewal-failed", "renewal-suspended"}
    for notice in Notice.objects.all():
        assert "US$" not in notice.subject
        assert ("US$10.20" in notice.body) == (notice.email == "dora@nordlys.example"), notice.body


def test_what_is_too_little_to_charge_is_kept_as_a_reason_without_amounts(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts=dict.fromkeys(INVENTED_PRICES, 1), valid_from=DUE, now=NOW
    )
    jobs.tick(now=at(sandbox, DUE))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.reason) == ("suspended", "too_small")
    assert auto_renewal.reason_words == "The amount is too small to be paid by card."


def test_an_auto_renewal_that_people_stop_is_not_called_a_failure(
    people: People, agree: Callable[..., AutoRenewal]
) -> None:
    auto_renewals.stop_auto_renewal(people.dora.actor, auto_renewal_id=agree().pk, now=NOW)
    assert told("renewal-suspended") == []


def test_a_renewal_that_succeeds_is_told_like_every_order(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    jobs.tick(now=at(sandbox, DUE))
    renewal = Order.objects.get(type="auto_renewal")
    assert "What: Auto Renewal of 5 items" in Notice.objects.about(renewal).get().body
    assert len(told("order-succeeded")) == 2
    assert Organization.objects.filter(orders=renewal).get() == people.dora.firm
