"""The one state machine of payments, and the comparison with what we asked for."""

from dataclasses import replace

import pytest

from payments import actions
from payments.gateways.base import Remote, RemoteState
from payments.gateways.stripe import limits, objects
from payments.models import Payment, State
from tests.people import NOW

REMOTE = Remote(
    ref="cs_test_1",
    payment_ref="pi_1",
    state=RemoteState.OPEN,
    amount_minor=1250,
    captured_minor=0,
    currency="USD",
    reference="SP-261122-AAAAAAAA",
    is_live_mode=False,
)

LIVE = ["created", "pending", "action_required", "unknown"]
ENDED = ["declined", "expired"]
TRANSITIONS = [
    *[(old, "open", "pending") for old in LIVE],
    *[(old, "pending", "pending") for old in LIVE],
    *[(old, "action_required", "action_required") for old in LIVE],
    *[(old, end, end) for old in LIVE for end in ENDED],
    *[(old, "succeeded", "succeeded") for old in [*LIVE, *ENDED, "succeeded"]],  # late money is money (R52)
    *[(old, said, old) for old in ENDED for said in ["open", "pending", "action_required", *ENDED]],
    *[("succeeded", said, "succeeded") for said in ["open", "pending", "action_required", *ENDED]],
]


@pytest.mark.parametrize(("old", "said", "new"), TRANSITIONS)
def test_a_payment_moves_to_where_the_gateway_says_unless_it_is_over(people, begin_payment, old, said, new):
    payment = begin_payment(people.dora)
    captured = 1250 if "succeeded" in (old, said) else 0
    payment.state, payment.captured_minor = old, captured if old == "succeeded" else 0
    payment.gateway_payment_ref = "pi_1"
    payment.save()
    said_captured = 1250 if said == "succeeded" else 0
    changed = actions.apply_remote_state(
        payment, replace(REMOTE, state=RemoteState(said), captured_minor=said_captured), now=NOW
    )
    payment = Payment.objects.get()
    assert (payment.state, payment.captured_minor, changed) == (new, captured if new == "succeeded" else 0, old != new)
    assert payment.checked_at == NOW


def test_the_moves_cover_every_pair_of_states():
    assert len(set(TRANSITIONS)) == len(TRANSITIONS) == len(State.values) * len(RemoteState)


@pytest.mark.rule("R50")
@pytest.mark.parametrize(
    ("differs", "sentence"),
    [
        ({}, None),
        ({"captured_minor": 1249}, "The gateway says US$12.49, we asked for US$12.50."),
        ({"currency": "EUR"}, "The gateway says €12.50, we asked for US$12.50."),
        ({"is_live_mode": True}, "The gateway took real money, though our key was a test key."),
        ({"request_key": "another"}, "The gateway has it under another request than ours."),
        ({"reference": "SP-B"}, "The gateway has it under the reference “SP-B”, not “SP-261122-AAAAAAAA”."),
    ],
)
def test_a_mismatch_is_named(people, begin_payment, differs, sentence):
    payment = begin_payment(people.dora)
    paid = replace(REMOTE, state=RemoteState.SUCCEEDED, captured_minor=1250, request_key=payment.request_key)
    found = actions.mismatch_of(payment, replace(paid, **differs))
    assert (found and str(found)) == sentence


@pytest.mark.parametrize(
    ("key", "is_live"),
    [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False), ("rk_test_1", False), ("sandbox_1", False)],
)
def test_a_payment_remembers_whether_the_key_was_a_live_one(people, settings, begin_payment, key, is_live):
    settings.STRIPE_SECRET_KEY = key
    payment = begin_payment(people.dora)
    assert payment.is_live_mode is is_live
    paid = replace(REMOTE, state=RemoteState.SUCCEEDED, captured_minor=1250, request_key=payment.request_key)
    assert (actions.mismatch_of(payment, paid) is None) is not is_live


def session(status, payment_status, intent=None, **more):
    return {
        "id": "cs_test_1", "status": status, "payment_status": payment_status, "amount_total": 1250, "currency": "usd",
        "client_reference_id": "SP-A", "livemode": False, "payment_intent": intent, **more,
    }  # fmt: skip


def intent(status, **more):
    return {"id": "pi_1", "status": status, "amount_received": 0, "currency": "usd", "last_payment_error": None, **more}


@pytest.mark.parametrize(
    ("answer", "state", "captured_minor", "reason"),
    [
        (session("open", "unpaid"), "open", 0, ""),
        (session("open", "unpaid", intent("requires_payment_method")), "open", 0, ""),
        (
            session("open", "unpaid", intent("requires_payment_method", last_payment_error={"message": "No funds."})),
            "open", 0, "No funds.",
        ),
        (session("open", "unpaid", intent("requires_action")), "action_required", 0, ""),
        (session("open", "unpaid", intent("succeeded", amount_received=1250)), "succeeded", 1250, ""),
        (session("complete", "paid", intent("succeeded", amount_received=1250)), "succeeded", 1250, ""),
        (session("complete", "unpaid", intent("processing")), "pending", 0, ""),
        (
            session(
                "complete", "unpaid",
                intent("requires_payment_method", latest_charge={"failure_message": "The bank said no."}),
            ),
            "declined", 0, "The bank said no.",
        ),
        (session("complete", "unpaid", intent("canceled")), "declined", 0, ""),
        (session("expired", "unpaid"), "expired", 0, ""),
        (session("expired", "unpaid", intent("canceled")), "expired", 0, ""),
        (session("expired", "unpaid", intent("processing")), "pending", 0, ""),  # money is under way: nothing is released
    ],
)  # fmt: skip
def test_a_session_is_read_as(answer, state, captured_minor, reason):
    remote = objects.remote_of(answer)
    assert (remote.state, remote.captured_minor, remote.decline_reason) == (state, captured_minor, reason)
    assert (remote.currency, remote.reference, remote.amount_minor) == ("USD", "SP-A", 1250)


@pytest.mark.parametrize(
    ("answer", "is_closed"),
    [
        (session("open", "unpaid"), False),
        (session("open", "unpaid", intent("requires_payment_method", last_payment_error={"message": "No."})), False),
        (session("complete", "unpaid", intent("processing")), False),
        (session("complete", "unpaid", intent("requires_payment_method")), True),  # it can't be expired any more
        (session("complete", "unpaid", intent("canceled")), True),
        (session("complete", "paid", intent("succeeded", amount_received=1250)), True),
        (session("expired", "unpaid"), True),
        (session("expired", "unpaid", intent("processing")), False),
    ],
)
def test_a_page_at_which_nobody_can_pay_any_more_is_closed(answer, is_closed):
    assert objects.remote_of(answer).is_closed is is_closed


@pytest.mark.parametrize(
    ("minor", "currency", "at_stripe"),
    [(1250, "USD", 1250), (1250, "JPY", 1250), (1250, "ISK", 125_000), (12_500, "KWD", 12_500), (0, "EUR", 0)],
)
def test_stripe_counts_some_currencies_in_other_units(minor, currency, at_stripe):
    assert limits.to_stripe(minor, currency) == at_stripe
    assert limits.from_stripe(at_stripe, currency) == minor
