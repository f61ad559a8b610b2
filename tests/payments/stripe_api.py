"""The API of the gateways' stand-in, as the SDK speaks to it."""

from __future__ import annotations

from tests.people import NOW

KEYS = {"secret_key": "sandbox_key_of_the_tests", "webhook_secret": "sandbox_webhook_secret_of_the_tests"}
AUTH = {"Authorization": f"Bearer {KEYS['secret_key']}"}
ORDER = {
    "mode": "payment",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "1250",
    "line_items[0][price_data][product_data][name]": "5 services",
    "client_reference_id": "SP-A",
    "payment_intent_data[metadata][reference]": "SP-A",
    "success_url": "https://portal.example/done?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://portal.example/left",
    "expires_at": str(int(NOW.timestamp()) + 1800),
}


def error_of(answer):
    told = answer.json()["error"]
    return answer.status_code, told["type"], told.get("code"), told["message"]


INTENTS = "/v1/payment_intents"
