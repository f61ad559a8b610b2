"""Auto-renewal: a card kept at the checkout, an auto-renewal, exactly 30 days more each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from accounts import breakers
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, ItemFailure, Organization
from communities.actions import residents
from communities.catalogue import ServiceType
from communities.models import Entitlement, Resident, Site
from payments.gateways.stripe.client import longest_call_s
from payments.models import Payment, PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import auto_renewals, cards, orders, prices, renewals, settlement
from subscriptions.models import AutoRenewal, AutoRenewalItem, Cart, Order, ServicePeriod
from tests.payments.fixtures import press
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import untimed
from tests.subscriptions.conftest import BASE, entitlement, payment_of

EXPIRY = datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
DUE = EXPIRY - timedelta(days=3)
MONTHLY = 150 + 90 + 250 + 30 + 500


@pytest.fixture
def agree(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], billing: None, sandbox: Sandbox
) -> Callable[..., AutoRenewal]:
    """Pay everything in Harbour View for a month with Auto Renew ticked, with this test card."""
    from subscriptions.actions import carts

    def agree(*, card: str = "works", renewals: int | None = None) -> AutoRenewal:
        cart = fill_cart()
        shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
        order = orders.place_order(
            people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW,
            auto_renew=True, renewals=renewals,
        )  # fmt: skip
        press(
            orders.start_payment(people.dora.actor, number=order.number, return_base=BASE, now=NOW),
            "approve",
            card=card,
        )
        settlement.settle(payment_of(order).pk, now=NOW)
        return AutoRenewal.objects.get(order=order)

    return agree


def at(sandbox: Sandbox, instant: datetime) -> datetime:
    sandbox.clock.freeze(instant)
    return instant


def expiries() -> set[datetime | None]:
    return set(Entitlement.objects.exclude(variant="").values_list("expires_at", flat=True))


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
    residents.remove_resident(people.ivan.actor, resident_id=Resident.objects.get(apartment__number="1.01").pk, now=NOW)
    jobs.tick(now=at(sandbox, DUE))
    assert entitlement(Site.objects.get(), ServiceType.APP, "1.01").expires_at == EXPIRY
    assert expiries() == {EXPIRY + timedelta(days=30)}
    assert Order.objects.get(type=Order.Type.AUTO_RENEWAL).total_minor == MONTHLY - 150
    assert auto_renewal.items.filter(is_live=True).count() == 4


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


@pytest.mark.rule("R53")
@pytest.mark.rule("R44")
def test_the_ladder_keeps_one_order_that_ends_with_its_last_rung(
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
