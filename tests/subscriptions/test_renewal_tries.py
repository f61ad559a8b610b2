"""A renewal that is not paid at once: the retry schedule, what waits, what stops it (ADR 5, R44)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import ItemFailure
from communities.actions import residents
from communities.catalogue import ServiceType
from communities.models import Entitlement, Resident, Site
from payments.models import Payment
from payments.sandbox import Sandbox
from smartplus import jobs
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import auto_renewals, prices, renewals, settlement
from subscriptions.models import AutoRenewal, Order
from tests.people import SYSTEM, People, Person
from tests.portal.html import untimed
from tests.subscriptions.lookups import entitlement
from tests.subscriptions.renewing import DUE, EXPIRY, MONTHLY, at, expiries


@pytest.mark.rule("R53")
@pytest.mark.rule("R44")
def test_the_retry_schedule_keeps_one_order_that_ends_with_its_last_try(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    tries_left = [EXPIRY - timedelta(days=days) for days in (3, 2, 1, 0, -3, -6)]
    for number, (try_, following) in enumerate(zip(tries_left, [*tries_left[1:], None], strict=True), start=1):
        for minutes in (0, 1, 50):
            jobs.tick(now=at(sandbox, try_ + timedelta(minutes=minutes)))
        order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
        auto_renewal.refresh_from_db()
        assert Payment.objects.filter(subject=order.number, state="declined").count() == auto_renewal.tries == number
        assert auto_renewal.reason_words == "The card has not enough funds."
        if following:
            assert (order.state, order.next_try_at) == ("processing", following)
            assert (auto_renewal.state, auto_renewal.next_due_at, auto_renewal.renewal) == ("active", following, order)
            assert Entitlement.objects.filter(reserved_by=order.pk).count() == order.lines.count() == 5
    assert (order.state, order.total_minor, order.next_try_at) == ("failed", MONTHLY, None)
    assert (auto_renewal.state, expiries()) == ("suspended", {EXPIRY})
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    assert order.number not in sandbox.state()["moved"]
    kinds = list(order.events.values_list("kind", flat=True))
    assert kinds == ["created", *["charged", "declined"] * 5, "charged", "failed"]
    jobs.tick(now=at(sandbox, EXPIRY + timedelta(days=6, hours=1)))
    assert Order.objects.filter(type=Order.Type.AUTO_RENEWAL).count() == 1


@pytest.mark.rule("R1")
def test_each_reader_is_told_how_long_its_own_sites_work_not_how_long_others_do(
    people: People,
    harbour_view: Site,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., object],
    agree: Callable[..., AutoRenewal],
    sandbox: Sandbox,
    sign_in: Callable[[Person], Client],
) -> None:
    """One order renews Harbour View, which Petra manages, and Pier Court, which she does not and which ends two days before."""
    pier = make_site("Pier Court")
    make_apartment(pier, "9.01")
    agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    Entitlement.objects.filter(site=pier).exclude(expires_at=None).pay_until(EXPIRY - timedelta(days=2))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    with time_machine.travel(DUE, tick=False):
        pages = {
            person.email: untimed(sign_in(person).get(f"/orders/{order.number}/").content.decode())
            for person in (people.petra, people.dora)
        }
    assert "Everything works until 29 Dec 2026" in pages[people.petra.email]
    assert "27 Dec" not in pages[people.petra.email]
    assert "Everything works until 27 Dec 2026" in pages[people.dora.email]


@pytest.mark.rule("R40")
def test_a_try_that_works_extends_by_the_price_of_the_first_one(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    from payments.sandbox.cards import CARDS

    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    prices.publish_price_list(
        SYSTEM, currency="USD", amounts={key: 2 * n for key, n in INVENTED_PRICES.items()}, valid_from=DUE, now=DUE
    )
    with pytest.MonkeyPatch.context() as funds:
        funds.setitem(CARDS, "no-funds-later", replace(CARDS["no-funds-later"], failure=None))
        jobs.tick(now=at(sandbox, EXPIRY + timedelta(days=3)))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (order.state, expiries()) == ("succeed", {EXPIRY + timedelta(days=30)})
    assert sandbox.state()["moved"][order.number] == {"amount": MONTHLY, "charges": 1}
    auto_renewal.refresh_from_db()
    assert (auto_renewal.tries, auto_renewal.reason, auto_renewal.next_due_at) == (0, "", DUE + timedelta(days=30))


@pytest.mark.rule("R44")
def test_a_decline_that_nobody_was_left_to_note_is_noted_by_the_janitor(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto_renewal = agree(card="no-funds-later")
    with pytest.MonkeyPatch.context() as death, pytest.raises(KeyboardInterrupt):
        death.setattr(settlement, "settle", lambda *_args, **_how: (_ for _ in ()).throw(KeyboardInterrupt))
        renewals.renew_due(now=at(sandbox, DUE))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (order.next_try_at, Payment.objects.get(subject=order.number).state) == (None, "declined")
    for minutes in (1, 5, 6):
        jobs.tick(now=at(sandbox, DUE + timedelta(minutes=minutes)))
    order.refresh_from_db()
    auto_renewal.refresh_from_db()
    assert (order.next_try_at, auto_renewal.tries) == (EXPIRY - timedelta(days=2), 1)


@pytest.mark.rule("R25")
@pytest.mark.rule("R26")
def test_a_service_that_is_switched_off_between_two_tries_is_not_charged(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:

    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    residents.remove_resident(people.ivan.actor, resident_id=Resident.objects.get(apartment__number="1.01").pk, now=DUE)
    jobs.tick(now=at(sandbox, EXPIRY - timedelta(days=2)))
    first, second = Order.objects.filter(type=Order.Type.AUTO_RENEWAL).order_by("pk")
    assert (first.state, second.state) == ("cancelled", "processing")
    assert first.events.latest("pk").reason == "One of its services left the auto-renewal. The others are ordered anew."
    assert (second.total_minor, second.next_try_at) == (MONTHLY - 150, EXPIRY - timedelta(days=1))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.renewal, auto_renewal.tries) == (second, 2)
    assert not entitlement(Site.objects.get(), ServiceType.APP, "1.01").reserved_by


@pytest.mark.rule("R46")
def test_an_order_that_waited_through_an_outage_until_its_items_lapsed_fails(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    jobs.tick(now=at(sandbox, EXPIRY + timedelta(days=8)))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    auto_renewal.refresh_from_db()
    assert (order.state, auto_renewal.state, auto_renewal.reason) == ("failed", "suspended", "lapsed")
    assert Payment.objects.filter(subject=order.number).count() == 1
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_stopping_between_two_tries_cancels_the_order_and_frees_its_items(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    jobs.tick(now=at(sandbox, DUE))
    auto_renewals.stop_auto_renewal(people.dora.actor, auto_renewal_id=auto_renewal.pk, now=DUE)
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert (order.state, order.closed_at, order.next_try_at) == ("cancelled", DUE, None)
    assert (order.events.latest("pk").reason, order.events.latest("pk").actor_words) == (
        "Stopped by Dora Lindqvist.",
        "Dora Lindqvist",
    )
    assert order.events.earliest("pk").actor_words == "SmartPlus, by itself"
    assert not Entitlement.objects.exclude(reserved_by=None).exists()
    jobs.tick(now=at(sandbox, EXPIRY - timedelta(days=2)))
    assert Payment.objects.filter(subject=order.number).count() == 1


def test_stopping_while_it_is_being_charged_lets_the_answer_decide(
    people: People, agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    sandbox.faults.arm("charge_fails_after", 9)
    jobs.tick(now=at(sandbox, DUE))
    auto_renewals.stop_auto_renewal(people.dora.actor, auto_renewal_id=auto_renewal.pk, now=DUE)
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert order.state == "processing"
    sandbox.faults.clear()
    jobs.tick(now=at(sandbox, DUE + timedelta(minutes=10)))
    order.refresh_from_db()
    auto_renewal.refresh_from_db()
    assert (order.state, auto_renewal.state) == ("cancelled", "ended")
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_a_charge_without_answer_is_found_out_and_never_repeated(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    agree()
    sandbox.faults.arm("charge_fails_after", 9)
    jobs.tick(now=at(sandbox, DUE))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    assert order.state == "processing"
    sandbox.faults.clear()
    for minutes in (1, 5, 60, 120):
        jobs.tick(now=at(sandbox, DUE + timedelta(minutes=minutes)))
    order.refresh_from_db()
    assert order.state == "succeed"
    assert Order.objects.filter(type=Order.Type.AUTO_RENEWAL).count() == 1
    assert sandbox.state()["moved"][order.number] == {"amount": MONTHLY, "charges": 1}
    assert expiries() == {EXPIRY + timedelta(days=30)}


def test_a_claimed_payer_is_left_alone_until_the_lease_is_over(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    assert [group.ids for group in renewals.claim(auto_renewal.payer_id, now=DUE)] == [[auto_renewal.pk]]
    assert renewals.claim(auto_renewal.payer_id, now=DUE) == []
    assert renewals.renew_due(now=at(sandbox, DUE + timedelta(minutes=14))) == 0
    assert renewals.renew_due(now=at(sandbox, DUE + timedelta(minutes=15))) == 1
    assert expiries() == {EXPIRY + timedelta(days=30)}


def test_a_hard_decline_is_not_tried_again(agree: Callable[..., AutoRenewal], sandbox: Sandbox) -> None:
    auto_renewal = agree(card="lost-later")
    for days in (3, 2, 1, 0):
        jobs.tick(now=at(sandbox, EXPIRY - timedelta(days=days)))
    auto_renewal.refresh_from_db()
    assert (auto_renewal.state, auto_renewal.tries) == ("suspended", 1)
    assert Order.objects.filter(type=Order.Type.AUTO_RENEWAL).count() == 1
    assert expiries() == {EXPIRY}


@pytest.mark.rule("R44")
def test_a_payer_whose_earlier_try_can_not_be_closed_waits_behind_the_others_and_is_told_of(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree(card="no-funds-later")
    renewals.renew_due(now=at(sandbox, DUE))
    order = Order.objects.get(type=Order.Type.AUTO_RENEWAL)
    with sandbox.store.lock:
        sandbox.store.intents.clear()
    Payment.objects.filter(subject=order.number).update(gateway_account="acct_of_former_keys")
    second = at(sandbox, DUE + timedelta(days=1))
    assert renewals.renew_due(now=second) == 0
    failure = ItemFailure.objects.get(job="renewals")
    assert (failure.item_id, failure.is_expected, failure.next_try_at) == (
        auto_renewal.pk,
        True,
        second + timedelta(minutes=1),
    )
    assert renewals.renew_due(now=second + timedelta(seconds=20)) == 0
    failure.refresh_from_db()
    assert failure.tries == 1  # left alone until then
    assert Payment.objects.filter(subject=order.number).count() == 1


@pytest.mark.rule("R48")
def test_what_is_in_somebodys_open_order_is_not_looked_at_before_all_others_each_time(
    agree: Callable[..., AutoRenewal], sandbox: Sandbox
) -> None:
    auto_renewal = agree()
    Entitlement.objects.exclude(variant="").update(reserved_by=10**6)
    assert renewals.renew_due(now=at(sandbox, DUE)) == 0
    auto_renewal.refresh_from_db()
    assert auto_renewal.next_due_at == DUE + renewals.LOOK_AGAIN
    Entitlement.objects.update(reserved_by=None)
    assert renewals.renew_due(now=at(sandbox, DUE + renewals.LOOK_AGAIN)) == 1
    assert expiries() == {EXPIRY + timedelta(days=30)}
