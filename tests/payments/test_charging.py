"""Ivan's card is charged while he is away: once, whatever happens on the way, and never after he removed it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from payments import actions, events
from payments.errors import EarlierOpen, GatewayUnavailable, MethodUnusable, OtherAccount
from payments.gateways.base import RemoteState
from payments.models import GatewayEvent, Kind, Payment, PaymentMethod, State
from payments.sandbox.webhook_sender import sign
from tests.payments.pay_page import settle
from tests.payments.renewing import DUE, RENEWS, charged
from tests.people import NOW

LATER = DUE + timedelta(minutes=5)


def intents(sandbox, reference):
    return [row for row in sandbox.state()["intents"] if row["metadata"].get("reference") == reference]


def test_a_stored_card_is_charged_while_its_holder_is_away(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan)
    begun = create_charge_payment(people.ivan, card)
    assert (begun.kind, begun.method, begun.gateway_customer) == (Kind.OFF_SESSION, card, card.gateway_customer)
    payment = actions.charge(begun.pk, now=DUE)
    assert (payment.state, payment.captured_minor) == (State.PENDING, 0)  # noting success is the settlement's
    assert payment.gateway_ref.startswith("pi_")
    settled = settle(payment, now=LATER)
    assert (settled.payment.state, settled.payment.captured_minor) == (State.SUCCEEDED, 700)
    assert settled.remote is not None
    assert actions.mismatch_of(settled.payment, settled.remote) is None
    assert settled.method is None
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


def test_settling_alone_sends_a_charge_that_never_left_the_house(people, sandbox, store_card, create_charge_payment):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    settled = settle(begun, now=LATER)
    assert (settled.payment.state, settled.payment.captured_minor) == (State.SUCCEEDED, 700)
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


@pytest.mark.parametrize(
    ("kind", "label", "code", "reason", "is_hard"),
    [
        ("no-funds-later", "Visa ending 9995", "insufficient_funds", "The card has not enough funds.", False),
        (
            "confirm-later",
            "Visa ending 3184",
            "authentication_required",
            "The bank wants the cardholder to confirm it.",
            False,
        ),
        ("lost-later", "Mastercard ending 9987", "lost_card", "The bank has blocked this card.", True),
    ],
)
def test_a_decline_says_why_and_whether_it_is_for_good(
    people, sandbox, store_card, create_charge_payment, kind, label, code, reason, is_hard
):
    card = store_card(people.ivan, kind)
    payment = actions.charge(create_charge_payment(people.ivan, card).pk, now=DUE)
    assert (payment.state, payment.captured_minor) == (State.DECLINED, 0)
    assert (payment.decline_code, payment.decline_words, payment.is_hard_decline) == (code, reason, is_hard)
    assert payment.gateway_ref.startswith("pi_")
    card.refresh_from_db()
    assert card.label == label
    assert (card.failed_at, card.failed_words) == ((DUE, reason) if is_hard else (None, ""))
    assert card.is_usable is not is_hard
    assert PaymentMethod.objects.usable().exists() is not is_hard
    assert charged(sandbox) == {}
    settled = settle(payment, now=LATER)
    assert (settled.payment.state, settled.payment.decline_code) == (State.DECLINED, code)


def test_settling_alone_finds_the_decline_out_and_the_note_says_that_it_is_new(
    people, sandbox, store_card, create_charge_payment
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan, "no-funds-later"))
    remote = actions.look_up(begun, now=LATER)
    assert remote is not None
    assert (remote.state, remote.decline_code, remote.is_hard) == (RemoteState.DECLINED, "insufficient_funds", False)
    assert Payment.objects.get(pk=begun.pk).state == State.UNKNOWN
    with transaction.atomic():
        locked = Payment.objects.select_for_update(of=("self",)).get(pk=begun.pk)
        assert actions.apply_remote_state(locked, remote, now=LATER) is True
    assert locked.state == State.DECLINED


def test_after_a_soft_decline_the_same_card_is_tried_with_a_new_payment(
    people, sandbox, store_card, create_charge_payment
):
    card = store_card(people.ivan, "no-funds-later")
    first = actions.charge(create_charge_payment(people.ivan, card).pk, now=DUE)
    with pytest.raises(EarlierOpen):  # the bank said no, but the gateway would still take another card for it
        create_charge_payment(people.ivan, card, now=LATER)
    remote = actions.expire(first.pk, now=LATER)
    assert remote is not None
    first.refresh_from_db()
    assert (remote.state, first.state, first.closed_at) == (RemoteState.EXPIRED, State.DECLINED, LATER)
    second = create_charge_payment(people.ivan, card, now=LATER)
    assert (second.pk != first.pk, second.request_key != first.request_key) == (True, True)


def test_a_card_that_was_refused_for_good_is_not_tried_again(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan, "lost-later")
    actions.charge(create_charge_payment(people.ivan, card).pk, now=DUE)
    card.refresh_from_db()
    with pytest.raises(MethodUnusable):
        create_charge_payment(people.ivan, card, now=LATER)
    assert Payment.objects.filter(subject=RENEWS).count() == 1


def test_what_the_gateway_refuses_is_declined_and_says_nothing_about_the_card(
    people, sandbox, store_card, create_charge_payment
):
    card = store_card(people.ivan)
    payment = actions.charge(create_charge_payment(people.ivan, card, amount_minor=30).pk, now=DUE)
    assert (payment.state, payment.decline_code, payment.is_hard_decline) == (State.DECLINED, "refused", False)
    assert "at least 50" in payment.decline_reason
    card.refresh_from_db()
    assert card.is_usable


def test_giving_up_a_charge_sends_it_no_more(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan)
    begun = create_charge_payment(people.ivan, card)
    assert actions.expire(begun.pk, now=DUE) is None
    begun.refresh_from_db()
    assert begun.state == State.EXPIRED
    lost = create_charge_payment(people.ivan, card, "SP-261222-LOST")
    sandbox.faults.arm("unavailable", 3)
    with pytest.raises(GatewayUnavailable):
        actions.charge(lost.pk, now=DUE)
    sandbox.faults.clear()
    assert actions.expire(lost.pk, now=LATER) is None
    assert settle(lost, now=LATER).payment.state == State.EXPIRED
    assert charged(sandbox) == {}


def test_giving_up_a_charge_that_went_through_tells_of_the_money(people, sandbox, store_card, create_charge_payment):
    payment = actions.charge(create_charge_payment(people.ivan, store_card(people.ivan)).pk, now=DUE)
    remote = actions.expire(payment.pk, now=LATER)
    assert remote is not None
    assert (remote.state, remote.captured_minor) == (RemoteState.SUCCEEDED, 700)
    assert Payment.objects.get(pk=payment.pk).state == State.PENDING


@pytest.mark.rule("R1")
def test_nobody_is_charged_with_the_card_of_another(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan)
    for payer in (people.dora, people.mallory, people.petra):
        with pytest.raises(MethodUnusable):
            create_charge_payment(payer, card)
    assert not Payment.objects.filter(subject=RENEWS).exists()


def test_a_card_whose_date_is_over_is_charged_all_the_same_since_its_bank_may_have_renewed_it(
    people, sandbox, store_card, create_charge_payment
):
    card = store_card(people.ivan)
    PaymentMethod.objects.update(exp_month=DUE.month, exp_year=DUE.year)
    card.refresh_from_db()
    next_month = DUE + timedelta(days=31)
    assert (card.is_past(DUE), card.is_past(next_month)) == (False, True)  # to the end of its month
    assert (card.is_usable, PaymentMethod.objects.usable().exists()) == (True, True)
    assert (
        actions.charge(create_charge_payment(people.ivan, card, now=next_month).pk, now=next_month).state
        == State.PENDING
    )


def test_the_bank_says_when_a_card_has_expired(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan, "expired-later")
    payment = actions.charge(create_charge_payment(people.ivan, card).pk, now=DUE)
    assert (payment.state, payment.decline_code, payment.is_hard_decline) == (State.DECLINED, "expired_card", True)
    card.refresh_from_db()
    assert (card.is_usable, card.failed_words) == (False, "The card has expired.")


@pytest.mark.parametrize("is_known", [True, False], ids=["account known", "account not known"])
def test_a_card_of_another_account_is_neither_charged_nor_ended(
    people, sandbox, store_card, create_charge_payment, settings, is_known
):
    card = store_card(people.ivan)
    assert (card.gateway_account, card.is_live_mode) == ("acct_sandbox", False)
    if not is_known:
        PaymentMethod.objects.update(gateway_account="")
    begun = create_charge_payment(people.ivan, card)
    with sandbox.store.lock:  # the keys are those of another account now
        sandbox.store.account = "acct_other"
        methods, customers = dict(sandbox.store.methods), dict(sandbox.store.customers)
        sandbox.store.methods.clear()
        sandbox.store.customers.clear()
    actions.keys.ask("stripe", now=DUE)
    with pytest.raises(OtherAccount):
        actions.charge(begun.pk, now=DUE)
    with pytest.raises(OtherAccount):
        actions.look_up(begun, now=LATER)
    card.refresh_from_db()
    begun.refresh_from_db()
    assert (card.is_usable, begun.state, intents(sandbox, RENEWS)) == (True, State.UNKNOWN, [])
    with sandbox.store.lock:  # and the right ones again
        sandbox.store.account = "acct_sandbox"
        sandbox.store.methods |= methods
        sandbox.store.customers |= customers
    actions.keys.ask("stripe", now=LATER)
    assert settle(begun, now=LATER).payment.state == State.SUCCEEDED


def test_a_page_is_not_charged_and_a_charge_opens_no_page(
    people, sandbox, store_card, create_charge_payment, begin_payment
):
    page, begun = begin_payment(people.ivan), create_charge_payment(people.ivan, store_card(people.ivan))
    assert actions.charge(page.pk, now=NOW).state == State.CREATED
    assert actions.start_checkout(begun.pk, now=NOW).state == State.CREATED
    assert charged(sandbox) == {}


@pytest.mark.django_db(transaction=True)
def test_no_card_is_charged_inside_a_transaction(people, sandbox, store_card, create_charge_payment):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        actions.charge(begun.pk, now=DUE)
    assert Payment.objects.get(pk=begun.pk).state == State.CREATED


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_charge_once(people, sandbox, store_card, create_charge_payment):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))

    def work(_):
        try:
            return settle(begun, now=LATER).payment.state
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert settle(begun, now=LATER).payment.state == State.SUCCEEDED
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


@pytest.mark.parametrize(
    ("kind", "message"),
    [("works", "payment_intent.succeeded"), ("no-funds-later", "payment_intent.payment_failed")],
)
def test_the_gateway_tells_of_a_charge_and_the_message_finds_its_payment(
    people, sandbox, store_card, create_charge_payment, kind, message
):
    card = store_card(people.ivan, kind)
    begun = create_charge_payment(people.ivan, card)
    sandbox.webhooks.url = "http://127.0.0.1:9/nobody"
    sandbox.faults.arm("webhook_late")
    payment = actions.charge(begun.pk, now=DUE)
    [row] = sandbox.store.deliveries.values()
    assert row["kind"] == message
    body = row["body"].encode()
    headers = {"Stripe-Signature": sign(body, "sandbox_webhook_secret_of_the_tests", int(DUE.timestamp()))}
    assert events.receive("stripe", body, headers, now=DUE)
    event = GatewayEvent.objects.get()
    assert (event.object_ref, event.request_key) == (payment.gateway_ref, payment.request_key)
    assert events.payment_of(event) == payment
    Payment.objects.update(gateway_ref="", gateway_payment_ref="")  # faster than our own note of it
    assert events.payment_of(event) == payment
