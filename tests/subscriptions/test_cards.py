"""Another card for an auto-renewal: a stored one, a new one, also after it stopped; and a card that is removed with what it renews."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Membership, Notice, User
from communities.models import Entitlement
from payments.errors import MethodUnusable
from payments.models import Payment, PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from subscriptions.actions import auto_renewals, cards, settlement
from subscriptions.errors import MayNotPay
from subscriptions.models import AutoRenewal
from tests.payments.pay_page import press
from tests.people import NOW, People
from tests.subscriptions.lookups import BASE
from tests.subscriptions.renewing import DUE, EXPIRY, MONTHLY, at, expiries, renewals_of

THIRTY = timedelta(days=30)


def save_new_card(
    people: People, auto_renewal: AutoRenewal, sandbox: Sandbox, now: datetime, card: str = "works"
) -> None:
    """Dora at the gateway's page, and the worker that asks what became of it."""
    url = cards.start_card_setup(people.dora.actor, auto_renewal_id=auto_renewal.pk, return_base=BASE, now=now)
    press(url, "approve", card=card)
    settlement.settle_setups(auto_renewal.pk, now=now)
    settlement.settle_setups(auto_renewal.pk, now=now)


@pytest.mark.rule("R53")
@pytest.mark.rule("R42")
def test_another_stored_card_is_tried_at_once_with_the_same_order(
    people: People, agree: Callable[..., AutoRenewal], store_card, sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    good = store_card(people.dora)
    jobs.tick(now=at(sandbox, DUE))
    [order] = renewals_of(auto_renewal)
    cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=good.pk, now=DUE)
    jobs.tick(now=at(sandbox, DUE + timedelta(minutes=1)))
    order.refresh_from_db()
    auto_renewal.refresh_from_db()
    assert (order.state, renewals_of(auto_renewal)) == ("succeed", [order])
    assert expiries() == {EXPIRY + THIRTY}
    assert sandbox.state()["moved"][order.number] == {"amount": MONTHLY, "charges": 1}
    assert (auto_renewal.state, auto_renewal.method, auto_renewal.tries) == ("active", good, 0)
    assert [event.sentence for event in order.events.filter(kind__in=["charged", "card"])] == [
        "Charging Visa ending 9995",
        "Another card: Visa ending 4242",
        "Charging Visa ending 4242",
    ]
    audit = AuditEvent.objects.get(action="auto_renewal.card_changed")
    assert (audit.before, audit.after) == ({"card": "Visa ending 9995"}, {"card": "Visa ending 4242"})


@pytest.mark.parametrize("card", ["lost-later", "no-funds-later"])
def test_a_stopped_auto_renewal_goes_on_with_another_card_as_long_as_its_items_run(
    people: People, agree: Callable[..., AutoRenewal], store_card, sandbox: Sandbox, card: str
) -> None:
    auto_renewal = agree(card=card)
    good = store_card(people.dora)
    for days in (3, 2, 1, 0, -3, -6):
        jobs.tick(now=at(sandbox, EXPIRY - timedelta(days=days)))
    auto_renewal.refresh_from_db()
    assert auto_renewal.state == "suspended"
    now = at(sandbox, EXPIRY + timedelta(days=6, hours=12))
    cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=good.pk, now=now)
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.next_due_at, auto_renewal.reason) == ("active", now, "")
    jobs.tick(now=now)
    assert [order.state for order in renewals_of(auto_renewal)] == ["failed", "succeed"]
    assert expiries() == {EXPIRY + THIRTY}
    assert auto_renewal.items.filter(is_live=True).count() == 5


@pytest.mark.rule("R46")
def test_what_has_lapsed_is_not_brought_back_by_a_card(
    people: People, agree: Callable[..., AutoRenewal], store_card, sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="lost-later")
    good = store_card(people.dora)
    jobs.tick(now=at(sandbox, DUE))
    late = EXPIRY + timedelta(days=7)
    for act in (
        lambda: cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=good.pk, now=late),
        lambda: cards.start_card_setup(people.dora.actor, auto_renewal_id=auto_renewal.pk, return_base=BASE, now=late),
    ):
        with pytest.raises(Refused, match="Its paid time has lapsed"):
            act()
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.method == good) == ("suspended", False)


def test_only_members_of_the_payer_who_manage_subscriptions_choose_and_only_cards_of_the_payer(
    people: People, agree: Callable[..., AutoRenewal], store_card, sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    own, foreign = store_card(people.dora, reference="SP-261122-A"), store_card(people.mallory, reference="SP-261122-B")
    for stranger in (people.sam, people.mallory):
        with pytest.raises(AutoRenewal.DoesNotExist):
            cards.change_card(stranger.actor, auto_renewal_id=auto_renewal.pk, method_id=own.pk, now=NOW)
    for other in (people.ivan, people.petra, people.tess, people.olga):
        with pytest.raises(NotPermitted):
            cards.change_card(other.actor, auto_renewal_id=auto_renewal.pk, method_id=own.pk, now=NOW)
    with pytest.raises(PaymentMethod.DoesNotExist):
        cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=foreign.pk, now=NOW)
    PaymentMethod.objects.filter(pk=own.pk).update(failed_at=NOW)
    with pytest.raises(MethodUnusable):
        cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=own.pk, now=NOW)
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=False)
    people.dora.membership.refresh_from_db()
    with pytest.raises(NotPermitted):
        cards.start_card_setup(people.dora.actor, auto_renewal_id=auto_renewal.pk, return_base=BASE, now=NOW)
    assert AutoRenewal.objects.get().method == auto_renewal.method


@pytest.mark.rule("R5")
def test_a_payer_that_may_not_pay_any_more_brings_nothing_back(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    type(people.dora.firm).objects.filter(pk=people.dora.firm.pk).update(is_active=False)
    jobs.tick(now=at(sandbox, DUE))
    with pytest.raises(MayNotPay):
        cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=auto_renewal.method_id, now=DUE)


def test_what_people_stopped_stays_stopped(people: People, agree: Callable[..., AutoRenewal]) -> None:
    auto_renewal = agree()
    auto_renewals.stop_auto_renewal(people.dora.actor, auto_renewal_id=auto_renewal.pk, now=NOW)
    with pytest.raises(Refused, match="has ended"):
        cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=auto_renewal.method_id, now=NOW)


def test_a_new_card_is_stored_at_the_gateway_and_tried_at_once(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="lost-later")
    jobs.tick(now=at(sandbox, DUE))
    save_new_card(people, auto_renewal, sandbox, DUE)
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.method.label, auto_renewal.next_due_at) == (
        "active",
        "Visa ending 4242",
        DUE,
    )
    assert auto_renewal.method.consent_by == people.dora.membership.user
    jobs.tick(now=DUE)
    assert expiries() == {EXPIRY + THIRTY}
    assert AuditEvent.objects.filter(action="auto_renewal.card_changed").count() == 1
    assert sum(row["charges"] for row in sandbox.state()["moved"].values()) == 2


def test_a_card_is_exchanged_before_anything_fails_and_nothing_is_charged_for_it(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    save_new_card(people, auto_renewal, sandbox, NOW, card="confirm-later")
    auto_renewal.refresh_from_db()
    assert (auto_renewal.method.last4, auto_renewal.next_due_at) == ("3184", DUE)
    jobs.tick(now=at(sandbox, NOW + timedelta(minutes=1)))
    assert renewals_of(auto_renewal) == []


def test_whoever_leaves_the_page_keeps_the_old_card(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    cards.start_card_setup(people.dora.actor, auto_renewal_id=auto_renewal.pk, return_base=BASE, now=NOW)
    jobs.tick(now=at(sandbox, NOW + timedelta(hours=1)))
    assert Payment.objects.get(kind="setup").state == "expired"
    assert AutoRenewal.objects.get().method == auto_renewal.method


def test_a_card_chosen_while_the_old_one_is_charged_is_tried_when_that_fails(
    people: People, agree: Callable[..., AutoRenewal], store_card, sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    good = store_card(people.dora)
    sandbox.faults.arm("charge_fails_after", 9)
    jobs.tick(now=at(sandbox, DUE))
    cards.change_card(people.dora.actor, auto_renewal_id=auto_renewal.pk, method_id=good.pk, now=DUE)
    sandbox.faults.clear()
    for minutes in (6, 7):
        jobs.tick(now=at(sandbox, DUE + timedelta(minutes=minutes)))
    [order] = renewals_of(auto_renewal)
    assert (order.state, expiries()) == ("succeed", {EXPIRY + THIRTY})
    assert sandbox.state()["moved"][order.number] == {"amount": MONTHLY, "charges": 1}


def test_a_card_that_renews_is_removed_with_what_it_renews_once_that_was_said(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    with pytest.raises(Refused, match="other auto-renewals than you were shown"):
        cards.remove_card(people.dora.actor, method_id=auto_renewal.method_id, now=DUE)
    assert AutoRenewal.objects.get().state == "active"
    cards.remove_card(people.dora.actor, method_id=auto_renewal.method_id, stops=1, now=DUE)
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.reason_words) == (
        "ended",
        "Stopped by Dora Lindqvist, who removed the card.",
    )
    assert PaymentMethod.objects.get().removed_at == DUE
    assert renewals_of(auto_renewal)[0].state == "cancelled"
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_an_auto_renewal_that_took_a_card_while_it_was_removed_says_that_it_will_fail(
    people: People, agree: Callable[..., AutoRenewal]
) -> None:
    auto_renewal = agree(card="works")
    renewed = Entitlement.objects.filter(auto_renewal_items__auto_renewal=auto_renewal)
    assert set(renewed.values_list("mode", flat=True)) == {"auto"}
    PaymentMethod.objects.filter(pk=auto_renewal.method_id).update(removed_at=DUE)
    jobs.run("expiry_days", now=DUE + timedelta(seconds=10))
    assert set(renewed.values_list("mode", flat=True)) == {"fail"}


@pytest.mark.rule("R44")
def test_the_mail_gives_its_reason_in_the_readers_language(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    User.objects.filter(pk=people.dora.membership.user_id).update(language="de")
    agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    assert "Die Karte ist nicht ausreichend gedeckt." in Notice.objects.get(key__startswith="renewal-failed").body
    jobs.tick(now=at(sandbox, EXPIRY + timedelta(days=8)))
    body = Notice.objects.get(key__startswith="renewal-suspended").body
    assert "29. Dez. 2026" in body
    assert "Nothing" not in body
