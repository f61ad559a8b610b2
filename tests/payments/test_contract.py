"""The sandbox's answers beside Stripe's own examples; skipped, and saying so, where those are not at hand."""

import json
import os
from pathlib import Path

import pytest

from payments.sandbox import objects
from payments.sandbox.cards import CARDS

FOLDER = Path(os.environ.get("SMARTPLUS_SPECS", Path(__file__).parents[3] / "shared" / "specs"))
PARAMS = {
    "mode": "payment",
    "line_items": [{"price_data": {"currency": "usd"}}],
    "success_url": "https://example.com/success",
    "cancel_url": "https://example.com/cancel",
    "metadata": {},
}
FAILURE = {"code": "card_declined", "decline_code": "generic_decline", "message": "Your card was declined."}


@pytest.fixture(scope="module")
def examples():
    path = FOLDER / "stripe" / "fixtures3.json"
    if not path.exists():
        pytest.skip(
            f"Stripe's examples are not at hand: no {path} (set SMARTPLUS_SPECS to the folder that holds stripe/)"
        )
    return json.loads(path.read_text())["resources"]


def differences(ours, theirs, where):
    """Where our answer has a key that Stripe's example lacks, or a value of another type; null agrees with everything."""
    if ours is None or theirs is None:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            found
            for name, value in ours.items()
            for found in (
                differences(value, theirs[name], f"{where}.{name}")
                if name in theirs
                else [f"{where}.{name} is unheard of"]
            )
        ]
    return [] if type(ours) is type(theirs) else [f"{where}: {type(ours).__name__}, not {type(theirs).__name__}"]


def samples():
    session = objects.checkout_session(PARAMS, amount=1250, now=1, base_url="http://127.0.0.1:1")
    setup = PARAMS | {"mode": "setup", "currency": "usd"}
    intent = objects.payment_intent({}, amount=1250, currency="usd", now=1)
    off_session = objects.payment_intent(
        {"customer": "cus_1", "description": "Renewal", "metadata": {}},
        amount=700,
        currency="usd",
        now=1,
    )
    event = objects.event("payment_intent.succeeded", intent, now=1)
    return [
        ("checkout.session", session),
        ("checkout.session", objects.checkout_session(setup, amount=0, now=1, base_url="http://127.0.0.1:1")),
        ("setup_intent", objects.setup_intent({}, customer="cus_1", now=1)),
        ("payment_intent", intent),
        ("charge", objects.charge(intent, amount=1250, now=1)),
        ("charge", objects.charge(intent, amount=1250, now=1, failure=FAILURE)),
        ("refund", objects.refund(objects.charge(intent, amount=1250, now=1), {"metadata": {}}, amount=50, now=1)),
        ("event", event | {"data": {}}),
        ("payment_intent", off_session),
        ("customer", objects.customer(email="ivan@hafen.example", now=1)),
        *[("payment_method", objects.payment_method(card, now=1)) for card in CARDS.values()],
    ]


@pytest.mark.parametrize(("kind", "ours"), samples(), ids=lambda value: value if isinstance(value, str) else "")
def test_an_answer_has_the_shape_of_stripes_own(examples, kind, ours):
    assert differences(ours, examples[kind], kind) == []
    assert ours["object"] == kind
    prefix = ours["id"].split("_")[0]
    assert examples[kind]["id"].split("_")[0] == prefix


def test_nothing_that_stripe_always_sends_is_left_out(examples):
    newer = {
        "adaptive_pricing", "collected_information", "customer_account", "integration_identifier", "managed_payments",
        "origin_context", "payment_method_configuration_details", "permissions", "saved_payment_method_options",
        "wallet_options", "custom_text", "invoice_creation", "excluded_payment_method_types",
    }  # fmt: skip
    for kind, ours in samples():
        if kind in {"checkout.session", "payment_intent", "setup_intent", "customer", "payment_method"}:
            assert set(examples[kind]) - set(ours) <= newer
