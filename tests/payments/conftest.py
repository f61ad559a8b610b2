"""What several tests of payments may ask for."""

from __future__ import annotations

import pytest
import requests

from tests.payments.pay_page import press
from tests.payments.renewing import DUE, RENEWS
from tests.payments.stripe_api import AUTH, ORDER


@pytest.fixture
def ask(sandbox):
    """Speak to the API as the SDK does."""
    with requests.Session() as session:
        session.trust_env = False

        def ask(method, path, data=None, *, key=None, headers=AUTH):
            more = {"Idempotency-Key": key} if key else {}
            return session.request(method, sandbox.url + path, data=data, headers=headers | more, timeout=10)

        yield ask


@pytest.fixture
def stored(ask, sandbox):
    """Save a test card at a checkout and answer what charges it."""

    def stored(card="works"):
        saving = {"customer_creation": "always", "payment_intent_data[setup_future_usage]": "off_session"}
        press(ask("POST", "/v1/checkout/sessions", ORDER | saving).json()["url"], "approve", card=card)
        method = sandbox.state()["methods"][-1]
        return {
            "amount": "700",
            "currency": "usd",
            "customer": method["customer"],
            "payment_method": method["id"],
            "metadata[reference]": "SP-R",
        }

    return stored


@pytest.fixture
def create_charge_payment(sandbox, begin_payment):
    """Begin the renewal of a month later over US$7.00 with a stored card; the gateway's calendar moves along."""

    def begin(payer, method, reference=RENEWS, *, now=DUE, **fields):
        sandbox.clock.freeze(now)
        told = {"method": method, "amount_minor": 700, "customer_email": "", "return_url": "", "cancel_url": ""}
        return begin_payment(payer, reference, now=now, **told | fields)

    return begin
