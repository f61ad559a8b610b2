"""Auto-renewals that share a card share a waiting order: what ends one of them must not charge, hold or renew what is not wanted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.test import Client

from accounts.models import AuditEvent, Notice
from communities.models import Entitlement, Site
from payments.errors import GatewayUnavailable
from payments.models import Payment, PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import cards, carts, orders, renewals, settlement
from subscriptions.models import AutoRenewal, Cart, Order
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.subscriptions.lookups import BASE, payment_of
from tests.subscriptions.renewing import DUE, EXPIRY, at

SignIn = Callable[[Person], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def two(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: object, sandbox: Sandbox
) -> Callable[[str], list[AutoRenewal]]:
    """Two auto-renewals of Dora with one card: apartment 1.01, and everything else."""

    def make(card: str) -> list[AutoRenewal]:
        items = list(carts.activatable(people.dora.actor, installer=people.ivan.firm, site_kind="community"))
        first = [item for item in items if item.target.number == "1.01"]
        made = []
        for group in (first, [item for item in items if item not in first]):
            cart = fill_cart(items=group)
            shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
            order = orders.place_order(
                people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE,
                now=NOW, auto_renew=True, renewals=None,
            )  # fmt: skip
            page = orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW)
            press(page, "approve", card=card)
            settlement.settle(payment_of(order).pk, now=NOW)
            made.append(AutoRenewal.objects.get(order=order))
        AutoRenewal.objects.filter(pk=made[1].pk).update(method=made[0].method)
        return made

    return make


def the_renewals() -> list[Order]:
    return list(Order.objects.filter(type="auto_renewal").order_by("pk"))


@pytest.mark.rule("R25")
@pytest.mark.rule("R43")
def test_an_order_that_ended_with_one_auto_renewal_is_never_charged_for_the_other(
    people: People, two: Callable[[str], list[AutoRenewal]], store_card: Callable[..., PaymentMethod], sandbox: Sandbox
) -> None:
    first, second = two("no-funds-later")
    good = store_card(people.dora)
    jobs.tick(now=at(sandbox, DUE))
    (shared,) = the_renewals()
    of_first = Entitlement.objects.filter(target__number="1.01")
    paid_until = set(of_first.values_list("expires_at", flat=True))
    of_first.update(variant="")  # everything of the first is switched off while their order waits
    cards.change_card(people.dora.actor, auto_renewal_id=second.pk, method_id=good.pk, now=DUE)
    jobs.tick(now=at(sandbox, DUE + timedelta(minutes=1)))
    shared.refresh_from_db()
    _old, anew = the_renewals()
    assert (shared.state, anew.state) == ("failed", "succeed")
    assert set(of_first.values_list("expires_at", flat=True)) == paid_until
    assert anew.total_minor < shared.total_minor
    assert sandbox.state()["moved"].get(shared.number) is None
    assert sandbox.state()["moved"][anew.number] == {"amount": anew.total_minor, "charges": 1}
    first.refresh_from_db()
    assert first.state == "suspended"
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


@pytest.mark.rule("R44")
def test_auto_renewals_that_came_to_differ_in_their_card_are_not_charged_without_end(
    people: People, two: Callable[[str], list[AutoRenewal]], store_card: Callable[..., PaymentMethod], sandbox: Sandbox
) -> None:
    _first, second = two("no-funds-later")
    other = store_card(people.dora, "no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    AutoRenewal.objects.filter(pk=second.pk).update(method=other)  # as a race could leave them
    Order.objects.filter(type="auto_renewal").update(next_try_at=DUE)
    AutoRenewal.objects.update(next_due_at=DUE)
    for minutes in range(1, 20):
        jobs.tick(now=at(sandbox, DUE + timedelta(minutes=minutes)))
    assert Payment.objects.filter(kind="off_session").count() == 2
    assert Notice.objects.filter(key__startswith="renewal-failed").count() == 2


@pytest.mark.rule("R44")
def test_a_charge_that_the_gateway_knows_no_more_does_not_hold_its_items_for_ever(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    with mock.patch.object(settlement, "settle", side_effect=GatewayUnavailable("down")):
        renewals.renew_due(now=at(sandbox, DUE))  # the process ends between the charge and its settlement
    Payment.objects.filter(kind="off_session").update(gateway_ref="pi_gone")
    for days in (1, 2, 5, 9, 20):
        jobs.tick(now=at(sandbox, DUE + timedelta(days=days)))
    auto_renewal.refresh_from_db()
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert not Order.objects.filter(state="processing").exists()
    alarm = Notice.objects.get(key__startswith="order-forgotten")
    assert alarm.user == people.olga.membership.user


def test_the_mail_of_a_parked_auto_renewal_does_not_name_an_order_that_was_paid(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    jobs.tick(now=at(sandbox, DUE))
    (paid,) = the_renewals()
    Entitlement.objects.update(variant="")
    jobs.tick(now=at(sandbox, DUE + timedelta(days=30)))
    mail = Notice.objects.get(key__startswith="renewal-suspended")
    assert paid.number not in mail.body
    assert mail.about_type == "autorenewal"


@pytest.mark.rule("R9")
@pytest.mark.rule("R44")
def test_items_that_lapse_alone_are_written_down_and_told(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    left = auto_renewal.items.order_by("pk")[0]
    Entitlement.objects.filter(pk=left.entitlement_id).pay_until(EXPIRY - timedelta(days=12))
    jobs.tick(now=at(sandbox, DUE))
    left.refresh_from_db()
    assert (left.is_live, left.reason) == (False, "item_lapsed")
    assert AuditEvent.objects.get(action="auto_renewal.items_left").after == {
        "switched_off": 0,
        "archived": 0,
        "lapsed": 1,
    }
    mail = Notice.objects.get(key__startswith="renewal-lapsed")
    assert (mail.user, mail.topic) == (people.dora.membership.user, "payment_failed")
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "active"


def test_a_page_for_a_new_card_that_is_over_is_opened_anew(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()

    def page(now: datetime) -> str:
        return cards.start_card_setup(people.dora.actor, auto_renewal_id=auto_renewal.pk, return_base=BASE, now=now)

    first = page(NOW)
    assert page(NOW + timedelta(minutes=1)) == first
    later = at(sandbox, NOW + timedelta(minutes=50))
    assert page(later) != first
