"""An installer that may not pay asks; whoever pays above approves into a ready cart, or refuses; R5 is looked at each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from accounts import actions as account_actions
from accounts import notify
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Membership, Notice, Organization
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions.actions import carts, orders, request_decisions, requests, scheduled, settlement
from subscriptions.errors import MayNotPay, RequestClosed
from subscriptions.models import Cart, Order, RenewalRequest, RequestItem
from tests.flows.tenants import assert_tenants_consistent
from tests.payments.fixtures import press
from tests.people import NOW, SYSTEM, People, Person
from tests.subscriptions.conftest import BASE, entitlement, payment_of

Ask = Callable[..., RenewalRequest]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def ask(people: People, harbour_view: Site) -> Ask:
    """Ivan requests items of Harbour View: everything, or those given."""

    def ask(
        *, by: Person | None = None, items: Iterable[Entitlement] | None = None, months: int = 3, note: str = ""
    ) -> RenewalRequest:
        person = by or people.ivan
        chosen = (
            items
            if items is not None
            else carts.activatable(person.actor, installer=person.firm, site_kind="community")
        )
        return requests.request_activation(
            person.actor, site_kind="community", entitlement_ids=[item.pk for item in chosen], months=months, note=note,
            now=NOW,
        )  # fmt: skip

    return ask


def told(request: RenewalRequest) -> list[tuple[str, str]]:
    return [(notice.email, notice.key.split(":")[0]) for notice in Notice.objects.about(request).order_by("pk")]


def trail(request: RenewalRequest) -> list[str]:
    return list(
        AuditEvent.objects.filter(subject_type="renewalrequest", subject_id=request.pk)
        .order_by("pk")
        .values_list("action", flat=True)
    )


def paid(people: People, order: Order) -> None:
    press(orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    settlement.settle(payment_of(order).pk, now=NOW)


def revoke(firm: Organization, **fields: bool) -> None:
    Organization.objects.filter(pk=firm.pk).update(**fields)


def again(person: Person) -> Person:
    """The person as the next request of theirs would find them."""
    return Person(Membership.objects.select_related("organization", "user").get(pk=person.membership.pk))


# --- R5 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R5")
def test_permission_is_looked_at_when_the_order_is_placed_and_again_before_the_charge(
    people: People, harbour_view: Site, price_list: object, fill_cart, place, billing, sandbox: Sandbox
) -> None:
    revoke(people.ivan.firm, pays_regular=True)
    ivan = again(people.ivan)
    cart = fill_cart(by=ivan)
    revoke(people.ivan.firm, pays_regular=False)
    with pytest.raises(MayNotPay):
        place(cart, by=ivan)
    assert (Order.objects.count(), Payment.objects.count()) == (0, 0)
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    revoke(people.ivan.firm, pays_regular=True)
    from payments import actions as payment_actions

    payment_actions.save_billing(
        ivan.actor, organization=ivan.firm, now=NOW, company="Hafen", email="a@hafen.example", street="Kai 1",
        postal_code="20457", city="Hamburg", country="DE",
    )  # fmt: skip
    order = place(cart, by=ivan)
    revoke(people.ivan.firm, pays_regular=False)
    with pytest.raises(MayNotPay):
        orders.start_payment(ivan.actor, number=order.number, return_base=BASE, now=NOW)
    assert (payment_of(order).state, payment_of(order).checkout_url) == ("created", "")
    order.refresh_from_db()
    assert order.state == "processing"


@pytest.mark.rule("R5")
def test_verified_money_is_never_refused_for_permission(
    people: People, harbour_view: Site, fill_cart, place, billing, sandbox: Sandbox
) -> None:
    from payments import actions as payment_actions

    revoke(people.ivan.firm, pays_regular=True)
    ivan = again(people.ivan)
    payment_actions.save_billing(
        ivan.actor, organization=ivan.firm, now=NOW, company="Hafen", email="a@hafen.example", street="Kai 1",
        postal_code="20457", city="Hamburg", country="DE",
    )  # fmt: skip
    order = place(fill_cart(by=ivan), by=ivan)
    press(orders.start_payment(ivan.actor, number=order.number, return_base=BASE, now=NOW), "approve")
    revoke(people.ivan.firm, pays_regular=False)
    settlement.settle(payment_of(order).pk, now=NOW)
    order.refresh_from_db()
    assert order.state == "succeed"
    assert not Entitlement.objects.wanted().filter(expires_at=None).exists()


@pytest.mark.rule("R5")
def test_a_member_who_does_not_manage_subscriptions_neither_pays_nor_requests_nor_decides(
    people: People, harbour_view: Site, price_list: object, ask: Ask, fill_cart
) -> None:
    asked = ask(items=[entitlement(harbour_view, ServiceType.APP, "1.01")])
    Membership.objects.update(manages_subscriptions=False)
    with pytest.raises(MayNotPay):
        fill_cart(by=again(people.dora), items=[entitlement(harbour_view, ServiceType.APP, "1.02")])
    with pytest.raises(NotPermitted):
        ask(by=again(people.ivan), items=[entitlement(harbour_view, ServiceType.APP, "1.02")])
    with pytest.raises(MayNotPay):
        request_decisions.approve(again(people.dora).actor, request_id=asked.pk, now=NOW)
    with pytest.raises(MayNotPay):
        request_decisions.refuse(again(people.dora).actor, request_id=asked.pk, reason="No.", now=NOW)
    with pytest.raises(NotPermitted):
        request_decisions.withdraw(again(people.ivan).actor, request_id=asked.pk, now=NOW)
    assert (RenewalRequest.objects.count(), Cart.objects.count()) == (1, 0)
    asked.refresh_from_db()
    assert (asked.state, asked.version) == ("open", 1)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_request_is_kept_audited_and_told_to_those_who_decide(people: People, ask: Ask) -> None:
    asked = ask(note="The tenants move in on Monday.")
    assert (asked.state, asked.kind, asked.months, asked.items.count()) == ("open", "activation", 3, 5)
    assert (asked.installer, asked.subdistributor, asked.distributor) == (people.ivan.firm, None, people.dora.firm)
    assert told(asked) == [("dora@nordlys.example", "request-made")]
    event = AuditEvent.objects.get(action="request.made")
    assert (event.actor_label, event.after["items"], event.installer_id) == ("Ivan Brandt", 5, people.ivan.firm.pk)
    assert notify.send_due(now=NOW) == 1
    (letter,) = mail.outbox
    assert letter.subject == "Hafen Intercom GmbH asks you to activate 5 items"
    assert letter.body.partition("\n-- \n")[0] == (
        "Hello Dora Lindqvist,\n\n"
        "the firm may not pay itself and asks you to. Look at it and approve it, which leads to the checkout, or refuse it with a"
        " reason.\n\n"
        "What: Activation of 5 items, 3 months\nInstaller: Hafen Intercom GmbH\nRequested by: Ivan Brandt\n"
        f"Note: The tenants move in on Monday.\n\nhttp://testserver/subscription/requests/{asked.pk}/\n"
    )
    assert_tenants_consistent()


def test_below_a_sub_distributor_it_is_asked_and_both_above_see_it(
    people: People, make_site, make_apartment, ask: Ask, price_list: object
) -> None:
    site = make_site("Fjord", by=people.ines)
    make_apartment(site, by=people.ines)
    asked = ask(by=people.ines)
    assert asked.subdistributor == people.sam.firm
    assert told(asked) == [("sam@sund.example", "request-made")]
    for person in (people.sam, people.dora, people.ines, people.olga):
        assert list(RenewalRequest.objects.visible_to(person.actor)) == [asked]
    for person in (people.ivan, people.tess, people.petra, people.mallory, people.igor):
        assert not RenewalRequest.objects.visible_to(person.actor).exists()
    cart = request_decisions.approve(people.sam.actor, request_id=asked.pk, now=NOW).cart
    assert cart.organization == people.sam.firm
    with pytest.raises(Refused, match=r"Sund Partner approved it and is paying for it right now\."):
        request_decisions.approve(people.dora.actor, request_id=asked.pk, now=NOW)
    assert (
        request_decisions.approve(people.dora.actor, request_id=asked.pk, now=LATER).cart.organization
        == people.dora.firm
    )
    assert_tenants_consistent()


def test_where_nobody_may_decide_those_who_hear_about_money_are_told(people: People, ask: Ask) -> None:
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=False)
    assert told(ask()) == [("dora@nordlys.example", "request-made")]
    Membership.objects.filter(pk=people.dora.membership.pk).update(gets_billing_mail=False)
    RequestItem.objects.update(is_live=False)
    assert told(ask()) == [("dora@nordlys.example", "request-made")]
    Membership.objects.filter(pk=people.dora.membership.pk).update(is_active=False)
    RequestItem.objects.update(is_live=False)
    assert told(ask()) == []


def test_where_who_asked_has_left_the_decision_goes_to_those_who_could_have(people: People, ask: Ask) -> None:
    """Ivan, and not Nils: he manages no subscriptions. A login that still works elsewhere is no reason to write to it."""
    asked = ask()
    for name, grants in (("ida", {}), ("nils", {"manages_subscriptions": False})):
        added = account_actions.add_member(
            SYSTEM, organization=people.ivan.firm, email=f"{name}@hafen.example", name=name.title(), now=NOW
        )
        Membership.objects.filter(pk=added.pk).update(**grants)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=False)
    request_decisions.refuse(people.dora.actor, request_id=asked.pk, reason="Not now.", now=NOW)
    assert told(asked) == [("dora@nordlys.example", "request-made"), ("ida@hafen.example", "request-refused")]


def test_an_item_is_in_one_open_request_only(people: People, harbour_view: Site, ask: Ask) -> None:
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    first = ask(items=[app])
    with pytest.raises(Refused, match=r"1 of the ticked items is left out: App, Quay House 1\.01"):
        ask(items=[app, entitlement(harbour_view, ServiceType.APP, "1.02")])
    assert RenewalRequest.objects.get() == first
    with pytest.raises(IntegrityError), transaction.atomic():
        RequestItem.objects.create(request=RenewalRequest.objects.create(
            installer=first.installer, distributor=first.distributor, requested_by=first.requested_by,
            site_kind="community", months=1, created_at=NOW,
        ), entitlement=app)  # fmt: skip
    request_decisions.withdraw(people.ivan.actor, request_id=first.pk, now=NOW)
    assert ask(items=[app]).state == "open"


@pytest.mark.parametrize(
    ("months", "note", "sentence"),
    [(0, "", "between 1 and 60"), (61, "", "between 1 and 60"), (1, "x" * 501, "500 characters")],
)
def test_what_does_not_fit_is_refused(people: People, ask: Ask, months: int, note: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        ask(months=months, note=note)
    with pytest.raises(Refused, match="Tick at least one item"):
        ask(items=[])
    assert not RenewalRequest.objects.exists()
    assert not Notice.objects.exists()


def test_only_an_installer_that_may_not_pay_requests_and_only_its_own_items(
    people: People, harbour_view: Site, ask: Ask
) -> None:
    app = entitlement(harbour_view, ServiceType.APP, "1.01")
    for person in (people.dora, people.sam, people.tess, people.petra):
        with pytest.raises(NotPermitted):
            ask(by=person, items=[app])
    for stranger in (people.igor, people.ines):
        with pytest.raises(Refused, match="1 of the ticked items is not there any more"):
            ask(by=stranger, items=[app])
    revoke(people.ivan.firm, pays_regular=True)
    with pytest.raises(NotPermitted, match="Your firm may pay itself"):
        ask(by=again(people.ivan))
    assert not RenewalRequest.objects.exists()


# --- deciding ---------------------------------------------------------------------------------------------------------


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
    assert trail(asked) == ["request.made", "request.approved", "request.done"]
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
    assert trail(asked) == [
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
