"""An installer that may not pay asks; whoever pays above approves into a ready cart, or refuses; R5 is looked at each time."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from accounts import actions as account_actions
from accounts import notify
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Membership, Notice
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions.actions import orders, request_decisions, settlement
from subscriptions.errors import MayNotPay
from subscriptions.models import Cart, Order, RenewalRequest, RequestItem
from tests.flows.tenants import assert_tenants_consistent
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People
from tests.subscriptions.lookups import BASE, entitlement, payment_of
from tests.subscriptions.requests.scenes import LATER, Ask, again, revoke, told


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
