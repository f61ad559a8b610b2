"""The stand-in's stored cards: it refuses what Stripe refuses, and answers a key as it did before."""

from __future__ import annotations

import pytest
import requests

from payments.gateways.stripe import objects
from tests.payments.stripe_api import AUTH, INTENTS, ORDER, error_of


@pytest.fixture
def ask(sandbox):
    """Speak to the API as the SDK does."""
    with requests.Session() as session:
        session.trust_env = False

        def ask(method, path, data=None, *, key=None):
            headers = AUTH | ({"Idempotency-Key": key} if key else {})
            return session.request(method, sandbox.url + path, data=data, headers=headers, timeout=10)

        yield ask


@pytest.fixture
def confirm(ask):
    """Prepare a charge and confirm it under the same key."""

    def confirm(told, *, key=None):
        made = ask("POST", INTENTS, told, key=key).json()["id"]
        return ask("POST", f"{INTENTS}/{made}/confirm", {"off_session": "true"}, key=f"{key}-confirm" if key else None)

    return confirm


def test_what_is_not_confirmed_takes_nothing_and_what_ended_is_neither_confirmed_nor_cancelled(ask, sandbox, stored):
    made = ask("POST", INTENTS, stored()).json()
    assert (made["status"], made["amount_received"], made["latest_charge"]) == ("requires_confirmation", 0, None)
    assert "SP-R" not in sandbox.state()["moved"]
    path = f"{INTENTS}/{made['id']}"
    assert error_of(ask("POST", path + "/confirm"))[3] == "The sandbox confirms stored cards off session only."
    assert ask("POST", path + "/cancel").json()["status"] == "canceled"
    for action, told in (("/confirm", {"off_session": "true"}), ("/cancel", {})):
        status, _kind, code, message = error_of(ask("POST", path + action, told))
        assert (status, code) == (400, "payment_intent_unexpected_state")
        assert "status of canceled" in message
    assert "SP-R" not in sandbox.state()["moved"]
    assert error_of(ask("POST", f"{INTENTS}/pi_none/confirm"))[2] == "resource_missing"


def test_a_declined_charge_takes_no_late_confirmation(ask, sandbox, stored):
    made = ask("POST", INTENTS, stored("no-funds-later")).json()["id"]
    for key in ("k1", "k2"):
        answer = ask("POST", f"{INTENTS}/{made}/confirm", {"off_session": "true"}, key=key)
    assert error_of(answer)[2] == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"amount": "49"}, "amount_too_small", "at least 50"),
        ({"amount": None}, "parameter_missing", "Missing required param: amount."),
        ({"off_session": "true"}, "parameter_unknown", "off_session"),
        ({"customer": "cus_none"}, "resource_missing", "No such customer: 'cus_none'"),
        ({"payment_method": "pm_none"}, "resource_missing", "No such PaymentMethod: 'pm_none'"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        (
            {"payment_method_types[0]": "card"},
            "payment_method_types_no_longer_supported",
            "allowed_payment_method_types",
        ),
    ],
)
def test_a_charge_that_stripe_would_refuse_is_refused(ask, sandbox, stored, change, code, words):
    told = {name: value for name, value in (stored() | change).items() if value is not None}
    status, kind, got, message = error_of(ask("POST", INTENTS, told, key="k1"))
    assert (status, kind, got) == (400, "invalid_request_error", code)
    assert words in message
    assert set(sandbox.state()["moved"]) == {"SP-A"}


def test_a_card_is_charged_for_its_own_customer_only(ask, sandbox, stored):
    first, second = stored(), stored()
    assert first["customer"] != second["customer"]
    answer = ask("POST", INTENTS, first | {"customer": second["customer"]})
    assert "does not have a payment method" in error_of(answer)[3]
    assert set(sandbox.state()["moved"]) == {"SP-A"}


def test_the_same_key_charges_once_and_declines_once(confirm, sandbox, stored):
    paid = [confirm(stored_card, key="k1") for stored_card in [stored()] * 2]
    assert paid[0].json() == paid[1].json()
    assert paid[1].headers["Idempotent-Replayed"] == "true"
    assert sandbox.state()["moved"]["SP-R"] == {"amount": 700, "charges": 1}
    declined = [confirm(stored_card, key="k2") for stored_card in [stored("no-funds-later")] * 2]
    assert [answer.status_code for answer in declined] == [402, 402]
    assert declined[0].json() == declined[1].json()
    told = declined[0].json()["error"]
    assert (told["type"], told["code"], told["decline_code"]) == ("card_error", "card_declined", "insufficient_funds")
    assert told["payment_intent"]["status"] == "requires_payment_method"
    assert sandbox.state()["moved"]["SP-R"] == {"amount": 700, "charges": 1}


def test_a_detached_card_is_charged_no_more(ask, sandbox, stored):
    card = stored()
    path = f"/v1/payment_methods/{card['payment_method']}"
    assert ask("GET", path).json()["customer"] == card["customer"]
    assert ask("POST", path + "/detach").json()["customer"] is None
    assert "detachment is impossible" in error_of(ask("POST", path + "/detach"))[3]
    assert "may not be used again" in error_of(ask("POST", INTENTS, card))[3]
    assert error_of(ask("POST", "/v1/payment_methods/pm_none/detach"))[:3] == (
        404, "invalid_request_error", "resource_missing",
    )  # fmt: skip


def test_charges_are_listed_by_customer_page_by_page(ask, confirm, sandbox, stored):
    card, other = stored(), stored()
    made = [confirm(card).json()["id"] for _ in range(2)]
    ask("POST", INTENTS, other)
    url = f"{INTENTS}?customer={card['customer']}&limit=2&expand[]=data.latest_charge"
    first = ask("GET", url).json()
    assert [row["id"] for row in first["data"]] == made[::-1]
    assert first["data"][0]["latest_charge"]["amount"] == 700
    rest = ask("GET", f"{url}&starting_after={made[0]}").json()
    assert (first["has_more"], rest["has_more"], len(rest["data"])) == (True, False, 1)  # the checkout itself


def test_a_page_is_for_one_customer_in_one_way(ask):
    told = ORDER | {"customer": "cus_none"}
    assert error_of(ask("POST", "/v1/checkout/sessions", told))[2] == "resource_missing"
    answer = ask("POST", "/v1/checkout/sessions", told | {"customer_creation": "always"})
    assert "only specify one" in error_of(answer)[3]


def intent(status, **more):
    return {
        "id": "pi_1", "status": status, "amount": 700, "amount_received": 0, "currency": "usd", "livemode": False,
        "metadata": {"reference": "SP-R"}, "last_payment_error": None, **more,
    }  # fmt: skip


def failed(code, **more):
    return {"code": "card_declined", "decline_code": code, "message": "No.", **more}


@pytest.mark.parametrize(
    ("answer", "state", "code", "reason", "is_hard"),
    [
        (intent("succeeded", amount_received=700), "succeeded", "", "", False),
        (intent("processing"), "pending", "", "", False),
        (intent("requires_action"), "declined", "authentication_required", "", False),
        (intent("canceled"), "expired", "", "", False),
        (intent("requires_confirmation"), "open", "", "", False),
        *[
            (intent("requires_payment_method", last_payment_error=failed(code)), "declined", code, "No.", is_hard)
            for code, is_hard in [
                ("insufficient_funds", False), ("processing_error", False), ("generic_decline", False),
                ("do_not_honor", False), ("try_again_later", False), ("card_velocity_exceeded", False),
                ("lost_card", True), ("stolen_card", True), ("pickup_card", True), ("expired_card", True),
                ("revocation_of_all_authorizations", True), ("fraudulent", True),
            ]
        ],
        (
            intent("requires_payment_method", last_payment_error=failed("do_not_honor", advice_code="do_not_try_again")),
            "declined", "do_not_honor", "No.", True,
        ),
        (
            intent("requires_payment_method", last_payment_error={"code": "expired_card", "message": "No."}),
            "declined", "expired_card", "No.", True,
        ),
    ],
)  # fmt: skip
def test_a_charge_is_read_as(answer, state, code, reason, is_hard):
    remote = objects.charge_of(answer)
    assert (remote.state, remote.decline_code, remote.decline_reason, remote.is_hard) == (state, code, reason, is_hard)
    assert (remote.ref, remote.payment_ref, remote.reference) == ("pi_1", "pi_1", "SP-R")
    assert (remote.amount_minor, remote.captured_minor) == (700, answer["amount_received"])
