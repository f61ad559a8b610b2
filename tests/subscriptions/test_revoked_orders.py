"""Pay by Installer is taken back while an order waits for its money: the page closes, the items are free, money is never lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from accounts import actions as account_actions
from accounts.errors import NotPermitted
from accounts.models import Membership, Organization
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments import money
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import orders, scheduled
from subscriptions.models import Cart, Order
from tests.flows.tenants import assert_tenants_consistent
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People, Person
from tests.subscriptions.lookups import BASE, payment_of

SOON = NOW + timedelta(minutes=1)


def again(person: Person) -> Person:
    """The person as the next request of theirs would find them."""
    return Person(Membership.objects.select_related("organization", "user").get(pk=person.membership.pk))


def allow(people: People, *, pays: bool) -> None:
    """Dora sets Pay by Installer for Ivan's firm."""
    firm = Organization.objects.get(pk=people.ivan.firm.pk)
    account_actions.set_permissions(
        people.dora.actor, organization_id=firm.pk, version=firm.version, now=NOW,
        permissions={"pays_regular": pays, "pays_credits": False, "require_2fa": False, "sees_prices": True},
    )  # fmt: skip


@pytest.fixture
def checkout(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> tuple[Order, str]:
    """An order of Ivan over everything in Harbour View, its pay page open; then he may not pay any more."""
    allow(people, pays=True)
    ivan = again(people.ivan)
    payment_actions.save_billing(
        ivan.actor, organization=ivan.firm, now=NOW, company="Hafen", email="a@hafen.example", street="Kai 1",
        postal_code="20457", city="Hamburg", country="DE",
    )  # fmt: skip
    order = place(fill_cart(by=ivan), by=ivan)
    page = orders.start_payment(ivan.actor, number=order.number, return_base=BASE, now=NOW)
    allow(people, pays=False)
    return order, page


@pytest.mark.rule("R5")
def test_a_job_closes_the_pay_page_first_and_then_the_order(people: People, checkout: tuple[Order, str]) -> None:
    order, page = checkout
    assert jobs.tick(now=SOON)["revoked_orders"] == 1
    order.refresh_from_db()
    assert (order.state, payment_of(order).state) == ("cancelled", "expired")
    assert press(page, "approve").status != 303
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert list(order.events.values_list("kind", flat=True))[-2:] == ["may_not_pay", "cancelled"]
    assert jobs.tick(now=SOON + timedelta(minutes=1))["revoked_orders"] == 0
    assert_tenants_consistent()


@pytest.mark.rule("R5")
@pytest.mark.rule("R52")
def test_money_that_was_faster_is_honoured(people: People, checkout: tuple[Order, str]) -> None:
    order, page = checkout
    press(page, "approve")
    assert scheduled.cancel_unauthorized_orders(now=SOON) == 0
    order.refresh_from_db()
    assert order.state == "succeed"
    assert not Entitlement.objects.wanted().filter(expires_at=None).exists()


@pytest.mark.rule("R5")
def test_a_gateway_that_does_not_answer_keeps_the_order_for_the_next_time(
    people: People, checkout: tuple[Order, str], sandbox: Sandbox
) -> None:
    order, _page = checkout
    sandbox.stop()
    assert scheduled.cancel_unauthorized_orders(now=SOON) == 0
    order.refresh_from_db()
    assert order.state == "processing"


def test_what_others_pay_and_what_may_still_be_paid_stays_open(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order], sandbox: Sandbox
) -> None:
    order = place(fill_cart())
    allow(people, pays=True)
    allow(people, pays=False)
    assert scheduled.cancel_unauthorized_orders(now=SOON) == 0
    order.refresh_from_db()
    assert order.state == "processing"
    Organization.objects.filter(pk=people.dora.firm.pk).update(is_active=False)
    assert scheduled.cancel_unauthorized_orders(now=SOON) == 1


@pytest.mark.rule("R5")
@pytest.mark.parametrize("who", ["ivan", "dora"])
def test_the_payers_member_and_who_pays_above_it_cancel_and_nobody_else(
    people: People, checkout: tuple[Order, str], who: str
) -> None:
    order, page = checkout
    colleague = account_actions.add_member(
        SYSTEM, organization=people.ivan.firm, email="nils@hafen.example", name="Nils", now=NOW
    )
    Membership.objects.filter(pk=colleague.pk).update(manages_subscriptions=False)
    for person in (again(Person(colleague)), people.tess, people.petra, people.olga):
        with pytest.raises((NotPermitted, Order.DoesNotExist)):
            orders.cancel_order(person.actor, number=order.number, now=NOW)
    for person in (people.sam, people.mallory):
        with pytest.raises(Order.DoesNotExist):
            orders.cancel_order(person.actor, number=order.number, now=NOW)
    order.refresh_from_db()
    assert order.state == "processing"
    done = orders.cancel_order(again(getattr(people, who)).actor, number=order.number, now=NOW)
    assert (done.state, payment_of(order).state) == ("cancelled", "expired")
    assert press(page, "approve").status != 303


@pytest.mark.rule("R5")
def test_the_page_offers_pay_only_to_who_may_pay(
    people: People,
    checkout: tuple[Order, str],
    sign_in: Callable[[Person], Client],
    settings,
    time_machine_at_noon: None,
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    order, _page = checkout
    address = f"/orders/{order.number}/"
    for person in (people.ivan, people.dora):
        page = sign_in(person).get(address).content.decode()
        assert f'action="{address}pay/"' not in page
        assert f'action="{address}cancel/"' in page
        assert "Hafen Intercom GmbH pays this order." in page
    refused = sign_in(people.ivan).post(f"{address}pay/", follow=True).content.decode()
    assert "Your organization may not pay for this installer&#x27;s sites." in refused
    allow(people, pays=True)
    assert f'action="{address}pay/"' in sign_in(people.ivan).get(address).content.decode()
    allow(people, pays=False)
    assert "is cancelled" in sign_in(people.dora).post(f"{address}cancel/", follow=True).content.decode()


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("currency", "pays_regular", "pays_credits", "is_closed"),
    [
        ("USD", True, False, False),
        ("USD", False, True, True),
        (money.CREDITS, False, True, False),
        (money.CREDITS, True, False, True),
        (money.CREDITS, False, False, True),
    ],
)
def test_each_way_of_paying_has_its_own_permission(
    people: People,
    checkout: tuple[Order, str],
    currency: str,
    pays_regular: bool,
    pays_credits: bool,
    is_closed: bool,
) -> None:
    order, _page = checkout
    Order.objects.filter(pk=order.pk).update(currency=currency)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=pays_regular, pays_credits=pays_credits)
    assert Order.objects.unpermitted().exists() is is_closed
    assert scheduled.cancel_unauthorized_orders(now=SOON) == int(is_closed)
    order.refresh_from_db()
    assert order.state == ("cancelled" if is_closed else "processing")
    assert Entitlement.objects.filter(reserved_by=order.pk).count() == (0 if is_closed else order.line_count)


@pytest.mark.rule("R5")
def test_a_reseller_needs_no_permission_but_has_to_be_active(people: People, checkout: tuple[Order, str]) -> None:
    order, _page = checkout
    Order.objects.filter(pk=order.pk).update(payer=people.dora.firm)
    assert not Order.objects.unpermitted().exists()
    Organization.objects.filter(pk=people.dora.firm.pk).update(is_active=False)
    assert Order.objects.unpermitted().get() == order
