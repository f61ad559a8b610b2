"""Charges of which nothing was heard, and cards that are gone: found out, never repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import actions
from payments.errors import AlreadyPaid, GatewayRefused, GatewayUnavailable, MethodUnusable
from payments.gateways.base import RemoteState
from payments.models import Payment, State
from tests.payments.pay_page import settle
from tests.payments.renewing import DUE, RENEWS, charged

LATER = DUE + timedelta(minutes=5)


def intents(sandbox, reference):
    return [row for row in sandbox.state()["intents"] if row["metadata"].get("reference") == reference]


def test_a_time_out_after_charging_is_unknown_and_the_charge_is_found(
    people, sandbox, settings, store_card, create_charge_payment
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm("charge_times_out_after", 3)  # the first try and both retries
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    begun.refresh_from_db()
    assert (begun.state, begun.decline_reason) == (State.UNKNOWN, "")
    assert begun.gateway_ref.startswith("pi_")  # stored before any money could move
    settings.STRIPE_TIMEOUT_S = 20
    assert create_charge_payment(people.ivan, begun.method, now=LATER) == begun  # no second one while this is unknown
    assert actions.charge(begun.pk, now=LATER).state == State.UNKNOWN  # and it is not simply sent again
    settled = settle(begun, now=LATER)
    assert (settled.payment.state, settled.payment.captured_minor) == (State.SUCCEEDED, 700)
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}
    with pytest.raises(AlreadyPaid):
        create_charge_payment(people.ivan, begun.method, now=LATER)


def test_one_lost_answer_is_made_good_by_the_sdk_under_the_same_key(
    people, sandbox, settings, store_card, create_charge_payment
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm("charge_times_out_after", 1)
    assert actions.charge(begun.pk, now=DUE).state == State.PENDING
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


@pytest.mark.parametrize(("kind", "end"), [("works", State.SUCCEEDED), ("no-funds-later", State.DECLINED)])
def test_a_stored_500_is_not_believed_and_the_charge_is_found(
    people, sandbox, store_card, create_charge_payment, kind, end
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan, kind))
    sandbox.faults.arm("charge_fails_after")
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    assert Payment.objects.get(pk=begun.pk).state == State.UNKNOWN
    assert settle(begun, now=LATER).payment.state == end
    intents = [row for row in sandbox.state()["intents"] if row["metadata"]["reference"] == RENEWS]
    assert len(intents) == 1


def test_a_charge_that_got_lost_on_the_way_is_sent_again_under_its_key(
    people, sandbox, store_card, create_charge_payment
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    sandbox.faults.arm("unavailable", 100)
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    with pytest.raises(GatewayUnavailable):
        actions.look_up(begun, now=LATER)
    sandbox.faults.clear()
    assert Payment.objects.get(pk=begun.pk).state == State.UNKNOWN
    assert settle(begun, now=LATER).payment.state == State.SUCCEEDED
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


@pytest.mark.parametrize(("fault", "objects"), [("intent_fails_after", 2), ("charge_fails_after", 1)])
def test_a_stored_error_is_not_the_end_and_only_the_object_whose_id_we_have_takes_money(
    people, sandbox, store_card, create_charge_payment, fault, objects
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    sandbox.faults.arm(fault)
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    assert settle(begun, now=LATER).payment.state == State.SUCCEEDED
    begun.refresh_from_db()
    found = intents(sandbox, RENEWS)
    assert len(found) == objects
    assert [row["id"] for row in found if row["status"] == "succeeded"] == [begun.gateway_ref]
    assert charged(sandbox) == {RENEWS: {"amount": 700, "charges": 1}}


def test_an_id_is_committed_before_the_money_moves(people, sandbox, store_card, create_charge_payment, monkeypatch):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    seen = []
    real = actions.charging._confirm

    def confirm(gateway, payment, ref):
        seen.append((ref, Payment.objects.get(pk=payment.pk).gateway_ref, charged(sandbox)))
        return real(gateway, payment, ref)

    monkeypatch.setattr(actions.charging, "_confirm", confirm)
    assert actions.charge(begun.pk, now=DUE).state == State.PENDING
    [(confirmed, stored, taken)] = seen
    assert (confirmed == stored != "", taken) == (True, {})


def test_the_very_object_that_a_message_names_is_read_and_only_if_it_carries_our_key(
    people, sandbox, store_card, create_charge_payment
):
    card = store_card(people.ivan)
    begun, other = create_charge_payment(people.ivan, card), create_charge_payment(people.ivan, card, "SP-261222-OTHER")
    for payment in (begun, other):
        assert actions.charge(payment.pk, now=DUE).state == State.PENDING
    refs = {payment.pk: Payment.objects.get(pk=payment.pk).gateway_ref for payment in (begun, other)}
    # a copy of the database from before the charge, long after the gateway forgot its keys
    Payment.objects.update(gateway_ref="", gateway_payment_ref="", state=State.EXPIRED)
    begun.refresh_from_db()
    with pytest.raises(GatewayRefused):
        actions.look_up(begun, now=DUE + timedelta(days=2), named=refs[other.pk])
    remote = actions.look_up(begun, now=DUE + timedelta(days=2), named=refs[begun.pk])
    assert remote is not None
    assert (remote.state, remote.ref, remote.captured_minor) == (RemoteState.SUCCEEDED, refs[begun.pk], 700)
    begun.refresh_from_db()
    assert begun.gateway_ref == refs[begun.pk]
    assert actions.second_object(begun, remote, refs[begun.pk]) is None


def test_a_key_that_the_gateway_may_have_forgotten_is_not_used_again(
    people, sandbox, store_card, create_charge_payment
):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    sandbox.faults.arm("unavailable", 100)
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    sandbox.faults.clear()
    settled = settle(begun, now=DUE + timedelta(hours=23))
    assert (settled.payment.state, charged(sandbox)) == (State.EXPIRED, {})


def test_a_charge_nobody_sent_in_a_day_is_not_sent_any_more(people, sandbox, store_card, create_charge_payment):
    begun = create_charge_payment(people.ivan, store_card(people.ivan))
    assert settle(begun, now=DUE + timedelta(hours=23)).payment.state == State.EXPIRED
    assert charged(sandbox) == {}


def test_a_removed_card_begins_nothing_and_ends_what_was_begun(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan)
    begun = create_charge_payment(people.ivan, card)
    actions.remove_method(people.ivan.actor, method_id=card.pk, now=DUE)
    payment = actions.charge(begun.pk, now=DUE)
    assert (payment.state, payment.decline_code, payment.is_hard_decline) == (State.DECLINED, "method_removed", True)
    card.refresh_from_db()
    with pytest.raises(MethodUnusable):
        create_charge_payment(people.ivan, card, now=LATER)
    assert charged(sandbox) == {}


def test_a_lost_charge_is_not_sent_again_with_a_card_removed_since(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan)
    begun = create_charge_payment(people.ivan, card)
    sandbox.faults.arm("unavailable", 3)
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    sandbox.faults.clear()
    actions.remove_method(people.ivan.actor, method_id=card.pk, now=DUE)
    settled = settle(begun, now=LATER).payment
    assert (settled.state, settled.decline_code) == (
        State.DECLINED,
        "method_removed",
    )  # what is not confirmed takes nothing
    assert charged(sandbox) == {}


def test_a_prepared_charge_is_cancelled_when_its_card_was_removed_before_it_was_confirmed(
    people, sandbox, settings, store_card, create_charge_payment
):
    card = store_card(people.ivan)
    begun = create_charge_payment(people.ivan, card)
    settings.STRIPE_TIMEOUT_S = 0.3
    sandbox.faults.arm("intent_times_out_after", 3)
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    settings.STRIPE_TIMEOUT_S = 20
    [intent] = intents(sandbox, RENEWS)
    Payment.objects.filter(pk=begun.pk).update(gateway_ref=intent["id"])  # a worker died behind storing it
    actions.remove_method(people.ivan.actor, method_id=card.pk, now=DUE)
    assert settle(begun, now=LATER).payment.state == State.EXPIRED
    assert [intent["status"] for intent in intents(sandbox, RENEWS)] == ["canceled"]
    assert charged(sandbox) == {}


def test_a_charge_that_left_before_the_card_was_removed_is_still_found(
    people, sandbox, store_card, create_charge_payment
):
    card = store_card(people.ivan)
    begun = create_charge_payment(people.ivan, card)
    sandbox.faults.arm("charge_fails_after")
    with pytest.raises(GatewayUnavailable):
        actions.charge(begun.pk, now=DUE)
    actions.remove_method(people.ivan.actor, method_id=card.pk, now=DUE)
    assert settle(begun, now=LATER).payment.state == State.SUCCEEDED


def test_a_card_that_the_gateway_has_forgotten_is_refused_for_good(people, sandbox, store_card, create_charge_payment):
    card = store_card(people.ivan)
    sandbox.processor.detach(card.gateway_ref)
    payment = actions.charge(create_charge_payment(people.ivan, card).pk, now=DUE)
    assert (payment.state, payment.decline_code, payment.is_hard_decline) == (State.DECLINED, "method_gone", True)
    assert "may not be used again" in payment.decline_reason
    card.refresh_from_db()
    assert card.failed_at == DUE
