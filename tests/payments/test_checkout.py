"""Dora pays at the gateway's page, and what we know of it afterwards. Real HTTP, the true SDK, no money."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from payments import actions
from payments.errors import AlreadyPaid, GatewayRefused, GatewayUnavailable
from payments.gateways.base import RemoteState
from payments.models import Payment, State
from tests.payments.pay_page import press
from tests.people import NOW

REFERENCE = "SP-261122-AAAAAAAA"
LATER = NOW + timedelta(minutes=2)


def settle(payment, now=LATER):
    """What the floor above does: ask, then note under lock."""
    remote = actions.look_up(payment, now=now)
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        if remote is not None:
            actions.apply_remote_state(locked, remote, now=now)
    return locked, remote


def test_an_approved_payment_is_found_succeeded(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    assert (payment.state, payment.checkout_url) == (State.PENDING, f"{sandbox.url}/pay/{payment.gateway_ref}")
    page = press(payment.checkout_url)
    assert page.status == 200
    for shown in ("Sandbox – no real money", "US$12.50", "5 services of Harbour View", REFERENCE):
        assert shown in page.text
    back = press(payment.checkout_url, "approve")
    assert (back.status, back.location) == (
        303,
        f"https://portal.example/orders/{REFERENCE}/?session={payment.gateway_ref}",
    )
    assert Payment.objects.get().state == State.PENDING  # R51: coming back proves nothing
    payment, remote = settle(payment)
    assert (payment.state, payment.captured_minor, payment.checked_at) == (State.SUCCEEDED, 1250, LATER)
    assert payment.gateway_payment_ref.startswith("pi_")
    assert actions.mismatch_of(payment, remote) is None
    assert sandbox.state()["moved"] == {REFERENCE: {"amount": 1250, "charges": 1}}


def test_a_declined_card_leaves_the_page_open_and_says_why(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    page = press(payment.checkout_url, "decline")
    assert (page.status, page.location) == (200, "")
    assert "Your card was declined." in page.text
    payment, remote = settle(payment)
    assert remote.state is RemoteState.OPEN
    assert (payment.state, payment.decline_reason) == (State.PENDING, "Your card was declined.")
    press(payment.checkout_url, "approve")  # another card
    payment, _ = settle(payment)
    assert (payment.state, payment.decline_reason, payment.captured_minor) == (State.SUCCEEDED, "", 1250)


def test_who_cancels_goes_back_and_may_still_pay(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    page = press(payment.checkout_url, "cancel")
    assert (page.status, page.location) == (303, f"https://portal.example/orders/{REFERENCE}/")
    payment, _ = settle(payment)
    assert payment.state == State.PENDING
    assert press(payment.checkout_url, "approve").status == 303


def test_an_expired_page_takes_no_money(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    remote = actions.expire(payment.pk, now=LATER)
    assert remote is not None
    assert remote.state is RemoteState.EXPIRED
    payment.refresh_from_db()
    assert payment.state == State.EXPIRED
    page = press(payment.checkout_url, "approve")
    assert (page.status, page.location) == (200, "")
    assert "expired" in page.text
    assert sandbox.state()["moved"] == {}
    assert actions.expire(payment.pk, now=LATER) is None  # nothing left to close


def test_the_page_ends_by_itself_after_its_time(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    assert payment.expires_at == NOW + timedelta(minutes=45)
    sandbox.clock.freeze(payment.expires_at)
    payment, remote = settle(payment, now=payment.expires_at)
    assert (payment.state, remote.state) == (State.EXPIRED, RemoteState.EXPIRED)


def test_closing_a_page_that_was_paid_tells_of_the_money_and_leaves_noting_it_to_the_caller(
    people, sandbox, begin_payment
):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    press(payment.checkout_url, "approve")
    remote = actions.expire(payment.pk, now=LATER)
    assert remote is not None
    assert (remote.state, remote.captured_minor) == (RemoteState.SUCCEEDED, 1250)
    assert Payment.objects.get().state == State.PENDING


def test_beginning_twice_returns_the_same_live_payment(people, begin_payment):
    first = begin_payment(people.dora)
    assert begin_payment(people.dora, now=LATER) == first
    assert Payment.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():  # and the database holds it too
        Payment.objects.create(
            purpose="order", subject=REFERENCE, request_key="another", gateway="stripe", payer=people.dora.firm, amount_minor=1250,
            currency="USD", description="x", created_at=NOW, updated_at=NOW, expires_at=NOW,
        )  # fmt: skip


def test_after_a_declined_payment_a_new_one_may_begin(people, begin_payment):
    first = begin_payment(people.dora)
    Payment.objects.update(state=State.DECLINED)
    second = begin_payment(people.dora)
    assert second.pk != first.pk
    assert second.request_key != first.request_key


def test_what_is_paid_is_not_paid_again(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    press(payment.checkout_url, "approve")
    settle(payment)
    with pytest.raises(AlreadyPaid):
        begin_payment(people.dora, now=LATER)
    assert Payment.objects.count() == 1


def test_starting_twice_opens_one_page(people, sandbox, begin_payment):
    payment = begin_payment(people.dora)
    first = actions.start_checkout(payment.pk, now=NOW)
    Payment.objects.update(state=State.CREATED, gateway_ref="", checkout_url="")  # we died before storing the answer
    again = actions.start_checkout(payment.pk, now=LATER)
    assert (again.gateway_ref, again.checkout_url) == (first.gateway_ref, first.checkout_url)
    assert len(sandbox.state()["sessions"]) == 1
    sandbox.stop()
    assert actions.start_checkout(payment.pk, now=LATER).checkout_url == first.checkout_url  # no HTTP at all


def test_one_lost_answer_is_made_good_by_the_sdk_under_the_same_key(people, sandbox, settings, begin_payment):
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm("create_times_out_after", 1)
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    assert payment.state == State.PENDING
    assert len(sandbox.state()["sessions"]) == 1


def test_a_time_out_is_unknown_and_looking_up_recovers_the_same_page(people, sandbox, settings, begin_payment):
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm("create_times_out_after", 3)  # the first try and both retries
    payment = begin_payment(people.dora)
    with pytest.raises(GatewayUnavailable):
        actions.start_checkout(payment.pk, now=NOW)
    payment.refresh_from_db()
    assert (payment.state, payment.gateway_ref, payment.decline_reason) == (State.UNKNOWN, "", "")
    assert begin_payment(people.dora, now=LATER) == payment  # no second payment while this one is unknown
    settings.STRIPE_TIMEOUT_S = 20
    payment, remote = settle(payment)
    assert (payment.state, remote.state) == (State.PENDING, RemoteState.OPEN)
    assert len(sandbox.state()["sessions"]) == 1
    press(payment.checkout_url, "approve")
    assert settle(payment)[0].state == State.SUCCEEDED
    assert sandbox.state()["moved"] == {REFERENCE: {"amount": 1250, "charges": 1}}


def test_a_stored_500_is_not_believed_and_nobody_was_ever_told_of_its_page(people, sandbox, begin_payment):
    for number in range(3):
        other = begin_payment(people.dora, f"SP-261122-OTHER{number}")
        actions.start_checkout(other.pk, now=NOW)
    sandbox.faults.arm("create_fails_after")
    payment = begin_payment(people.dora)
    with pytest.raises(GatewayUnavailable):
        actions.start_checkout(payment.pk, now=NOW)
    payment.refresh_from_db()
    assert payment.state == State.UNKNOWN
    payment, remote = settle(payment)
    assert (payment.state, remote.reference) == (State.PENDING, REFERENCE)
    assert press(payment.checkout_url, "approve").status == 303
    ours = [row for row in sandbox.state()["sessions"] if row["client_reference_id"] == REFERENCE]
    assert [row["status"] for row in ours] == ["open", "complete"]  # the first one's address is known to nobody
    assert ours[1]["id"] == payment.gateway_ref
    assert sandbox.state()["moved"] == {REFERENCE: {"amount": 1250, "charges": 1}}


def test_unknown_ends_by_evidence_only(people, sandbox, begin_payment):
    sandbox.faults.arm("unavailable", 100)
    payment = begin_payment(people.dora)
    with pytest.raises(GatewayUnavailable):
        actions.start_checkout(payment.pk, now=NOW)
    with pytest.raises(GatewayUnavailable):
        actions.look_up(payment, now=LATER)
    payment.refresh_from_db()
    assert (payment.state, payment.checked_at) == (State.UNKNOWN, LATER)
    sandbox.faults.clear()
    day_later = NOW + timedelta(days=1)  # too late to repeat the question; nobody knows the address of such a page
    sandbox.clock.freeze(day_later)
    payment, remote = settle(payment, now=day_later)
    assert (payment.state, remote.state) == (State.EXPIRED, RemoteState.EXPIRED)
    assert sandbox.state()["sessions"] == []


def test_a_payment_that_never_left_the_house_is_opened_by_whoever_looks(people, sandbox, begin_payment):
    payment, remote = settle(begin_payment(people.dora))
    assert (payment.state, remote.state) == (State.PENDING, RemoteState.OPEN)
    late = begin_payment(people.dora, "SP-261122-LATE")
    sandbox.clock.freeze(NOW + timedelta(minutes=20))
    late, remote = settle(late, now=NOW + timedelta(minutes=20))  # the gateway wants half an hour and refuses
    assert (late.state, remote) == (State.EXPIRED, None)


def test_a_refusal_declines_and_nothing_was_done(people, sandbox, begin_payment):
    payment = begin_payment(people.dora, amount_minor=30)
    with pytest.raises(GatewayRefused, match="Nothing was charged"):
        actions.start_checkout(payment.pk, now=NOW)
    payment.refresh_from_db()
    assert payment.state == State.DECLINED
    assert "at least 50" in payment.decline_reason
    assert sandbox.state()["sessions"] == []


def test_a_wrong_key_says_nothing_about_the_payment(people, sandbox, settings, begin_payment):
    payment = begin_payment(people.dora)
    settings.STRIPE_SECRET_KEY = "sk_test_of_somebody_else"
    with pytest.raises(GatewayUnavailable) as caught:
        actions.start_checkout(payment.pk, now=NOW)
    assert caught.value.detail == "authentication error"
    payment.refresh_from_db()
    assert payment.state == State.UNKNOWN


@pytest.mark.django_db(transaction=True)
def test_no_gateway_is_asked_inside_a_transaction(people, sandbox, begin_payment):
    with transaction.atomic():
        payment = begin_payment(people.dora)
        for ask in (
            lambda: actions.start_checkout(payment.pk, now=NOW),
            lambda: actions.look_up(payment, now=NOW),
            lambda: actions.expire(payment.pk, now=NOW),
        ):
            with pytest.raises(RuntimeError, match="inside a transaction"):
                ask()
    assert sandbox.state()["sessions"] == []
    assert actions.start_checkout(payment.pk, now=NOW).state == State.PENDING


@pytest.mark.django_db(transaction=True)
def test_who_clicks_four_times_at_once_gets_one_page(people, sandbox, begin_payment):
    payment = begin_payment(people.dora)

    def start(_):
        try:
            return actions.start_checkout(payment.pk, now=NOW).checkout_url
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        urls = set(threads.map(start, range(4)))
    payment.refresh_from_db()
    assert urls == {payment.checkout_url}
    assert len(sandbox.state()["sessions"]) == 1


@pytest.mark.rule("R50")
def test_a_wrong_amount_is_recorded_as_it_is_and_named(people, sandbox, begin_payment):
    payment = actions.start_checkout(begin_payment(people.dora).pk, now=NOW)
    sandbox.faults.arm("wrong_amount")
    press(payment.checkout_url, "approve")
    payment, remote = settle(payment)
    assert (payment.state, payment.captured_minor, payment.amount_minor) == (State.SUCCEEDED, 625, 1250)
    assert str(actions.mismatch_of(payment, remote)) == "The gateway says US$6.25, we asked for US$12.50."


def test_each_sees_the_payments_of_the_own_subtree(people, begin_payment):
    begin_payment(people.dora, "SP-DORA")
    begin_payment(people.ivan, "SP-IVAN")
    begin_payment(people.petra, "SP-PETRA")
    begin_payment(people.mallory, "SP-MALLORY")

    def seen(person):
        return set(Payment.objects.visible_to(person.actor).values_list("subject", flat=True))

    assert seen(people.olga) == {"SP-DORA", "SP-IVAN", "SP-PETRA", "SP-MALLORY"}
    assert seen(people.dora) == {"SP-DORA", "SP-IVAN", "SP-PETRA"}
    assert seen(people.ivan) == {"SP-IVAN", "SP-PETRA"}
    assert seen(people.petra) == {"SP-PETRA"}
    assert seen(people.tess) == seen(people.sam) == set()
    assert seen(people.mallory) == {"SP-MALLORY"}
