"""Approving, refusing, withdrawing, and what is paid meanwhile (R5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import NotPermitted, Refused
from accounts.models import Notice
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions.actions import carts, orders, request_decisions, scheduled, settlement
from subscriptions.errors import MayNotPay, RequestClosed
from subscriptions.models import Cart, Order, RenewalRequest, RequestItem
from tests.flows.tenants import assert_tenants_consistent
from tests.people import NOW, People
from tests.subscriptions.lookups import entitlement, payment_of
from tests.subscriptions.requests.scenes import Ask, audit_codes, paid, told


def test_approving_gives_a_cart_that_the_checkout_pays_and_then_the_request_is_done(
    people: People, ask: Ask, price_list: object, place, sandbox: Sandbox
) -> None:
    asked = ask()
    approval = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    assert (approval.cart.organization, approval.cart.months, approval.left_out) == (people.dora.firm, 3, ())
    assert carts.contents(approval.cart).count() == 5
    order = place(approval.cart)
    with pytest.raises(Refused, match=f"being paid with order {order.number}"):
        request_decisions.withdraw(people.ivan.actor, request_id=asked.pk, now=NOW)
    paid(people, order)
    settlement.settle(payment_of(order).pk, now=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.reason, asked.decided_by) == (
        "done",
        f"Paid with order {order.number}.",
        people.dora.membership.user,
    )
    assert not RequestItem.objects.filter(is_live=True).exists()
    assert told(asked) == [
        ("dora@nordlys.example", "request-made"),
        ("ivan@hafen.example", "request-approved"),
        ("ivan@hafen.example", "request-done"),
    ]
    assert audit_codes(asked) == ["request.made", "request.approved", "request.done"]
    assert not Entitlement.objects.wanted().filter(expires_at=None).exists()
    with pytest.raises(RequestClosed, match="paid already"):
        request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    assert_tenants_consistent()


def test_approving_twice_gives_the_same_cart(people: People, ask: Ask, price_list: object, place) -> None:
    asked = ask()
    first = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    second = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    assert (second.cart, Cart.objects.count(), carts.contents(second.cart).count()) == (first.cart, 1, 5)
    order = place(first.cart)
    assert request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW).cart.order == order
    assert told(asked).count(("ivan@hafen.example", "request-approved")) == 1


def test_what_was_activated_or_switched_off_meanwhile_is_left_out_and_named(
    people: People, harbour_view: Site, ask: Ask, price_list: object, fill_cart, place, sandbox: Sandbox
) -> None:
    asked = ask()
    paid(people, place(fill_cart(items=[entitlement(harbour_view, ServiceType.APP, "1.01")])))
    asked.refresh_from_db()
    assert (asked.state, asked.items.filter(is_live=True).count()) == ("open", 4)
    off = entitlement(harbour_view, ServiceType.PREMIUM, "1.02")
    Entitlement.objects.filter(pk=off.pk).update(variant="")
    approval = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    assert approval.left_out == ("Premium Plan, Quay House 1.02",)
    assert set(carts.contents(approval.cart).values_list("service_type", flat=True)) == {"app", "premium", "pm_app"}
    assert carts.contents(approval.cart).count() == 3
    assert "- Premium Plan, Quay House 1.02" in Notice.objects.get(key__startswith="request-approved").body
    gone = entitlement(harbour_view, ServiceType.APP, "1.02")
    Entitlement.objects.filter(pk=gone.pk).update(variant="")
    twice = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    assert (twice.cart, twice.left_out, carts.contents(twice.cart).count()) == (
        approval.cart,
        ("App, Quay House 1.02",),
        2,
    )
    Entitlement.objects.filter(expires_at=None).update(variant="")
    with pytest.raises(Refused, match="Nothing of this request can be activated any more"):
        request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)


def test_a_request_whose_items_another_order_paid_is_done(
    people: People, harbour_view: Site, ask: Ask, price_list: object, fill_cart, place, sandbox: Sandbox
) -> None:
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    asked = ask(items=[app])
    order = place(fill_cart(items=[app]))
    paid(people, order)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by, asked.reason) == ("done", None, f"Paid with order {order.number}.")
    assert told(asked)[-1] == ("ivan@hafen.example", "request-done")


@pytest.mark.parametrize("how", ["cancelled", "timeout"])
def test_an_order_that_is_given_up_opens_the_request_again(
    people: People, ask: Ask, price_list: object, place, sandbox: Sandbox, how: str
) -> None:
    asked = ask()
    order = place(request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW).cart)
    if how == "cancelled":
        orders.cancel_order(people.dora.actor, number=order.number, now=NOW)
    else:
        assert scheduled.expire_unpaid_orders(now=NOW + timedelta(minutes=46)) == 1
    asked.refresh_from_db()
    assert (asked.state, asked.cart, asked.decided_by, asked.decided_at) == ("open", None, None, None)
    assert told(asked)[-1] == ("ivan@hafen.example", "request-reopened")
    cart = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW).cart
    assert carts.contents(cart).count() == 5
    paid(people, place(cart))
    asked.refresh_from_db()
    assert asked.state == "done"
    assert audit_codes(asked) == [
        "request.made", "request.approved", "request.reopened", "request.approved", "request.done",
    ]  # fmt: skip


def test_refusing_needs_a_reason_which_the_installer_reads(people: People, ask: Ask) -> None:
    asked = ask()
    with pytest.raises(Refused, match="Say why"):
        request_decisions.refuse(people.dora.actor, request_id=asked.pk, reason="  ", now=NOW)
    asked.refresh_from_db()
    assert asked.state == "open"
    request_decisions.refuse(people.dora.actor, request_id=asked.pk, reason="Pay the last invoice first.", now=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.reason, asked.decided_at) == ("refused", "Pay the last invoice first.", NOW)
    assert told(asked)[-1] == ("ivan@hafen.example", "request-refused")
    assert "Reason: Pay the last invoice first.\n" in Notice.objects.get(key__startswith="request-refused").body
    assert ask().state == "open"
    with pytest.raises(IntegrityError), transaction.atomic():
        RenewalRequest.objects.filter(pk=asked.pk).update(reason="")


def test_a_request_withdrawn_meanwhile_is_neither_approved_nor_paid(
    people: People, ask: Ask, price_list: object, place
) -> None:
    asked = ask()
    cart = request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW).cart
    request_decisions.withdraw(people.ivan.actor, request_id=asked.pk, now=NOW)
    with pytest.raises(RequestClosed, match="withdrawn this request in the meantime"):
        place(cart)
    with pytest.raises(RequestClosed, match="withdrawn this request in the meantime"):
        request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    with pytest.raises(RequestClosed, match="withdrawn this request in the meantime"):
        request_decisions.refuse(people.dora.actor, request_id=asked.pk, reason="No.", now=NOW)
    assert (Order.objects.count(), Payment.objects.count()) == (0, 0)
    assert told(asked)[-1] == ("dora@nordlys.example", "request-withdrawn")


@pytest.mark.rule("R1")
def test_somebody_elses_request_does_not_exist(people: People, ask: Ask, price_list: object) -> None:
    asked = ask()
    for stranger in (people.mallory, people.igor, people.sam, people.ines, people.petra, people.tess):
        for act in (
            lambda who: request_decisions.approve(who, request_id=asked.pk, now=NOW),
            lambda who: request_decisions.refuse(who, request_id=asked.pk, reason="No.", now=NOW),
            lambda who: request_decisions.withdraw(who, request_id=asked.pk, now=NOW),
        ):
            with pytest.raises(RenewalRequest.DoesNotExist):
                act(stranger.actor)
    with pytest.raises(MayNotPay):
        request_decisions.approve(people.ivan.actor, request_id=asked.pk, now=NOW)
    with pytest.raises(NotPermitted):
        request_decisions.withdraw(people.dora.actor, request_id=asked.pk, now=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.version, Cart.objects.count()) == ("open", 1, 0)
