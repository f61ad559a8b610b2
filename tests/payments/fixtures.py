"""The gateways' stand-in for tests: real HTTP through the true SDK. Import `sandbox` into a conftest to have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import requests
from django.db import transaction

from payments import actions
from payments.models import Payment
from payments.sandbox import Sandbox
from tests.people import NOW, Person


@pytest.fixture
def sandbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose clock stands at NOW (`sandbox.clock.freeze(...)` moves it). It sends webhooks once `sandbox.webhooks.url` is set."""
    import stripe

    box = Sandbox(secret_key=settings.STRIPE_SECRET_KEY, webhook_secret=settings.STRIPE_WEBHOOK_SECRET)
    box.clock.freeze(NOW)
    box.start()
    settings.STRIPE_API_BASE = box.url
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)  # the SDK's pauses between retries
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.001)
    yield box
    box.stop()


@dataclass(frozen=True)
class Page:
    """What the hosted page answered."""

    status: int
    text: str
    location: str


def press(url: str, button: str = "") -> Page:
    """Press `approve`, `decline` or `cancel` on the hosted page at `url`, or just look at it."""
    with requests.Session() as browser:
        browser.trust_env = False
        data = {"action": button} if button else None
        answer = browser.request("POST" if button else "GET", url, data=data, allow_redirects=False, timeout=10)
    return Page(answer.status_code, answer.text, answer.headers.get("Location", ""))


@pytest.fixture
def begin_payment() -> Callable[..., Payment]:
    """Begin a payment over US$12.50 for an order of the given payer."""

    def begin(payer: Person, reference: str = "SP-261122-AAAAAAAA", *, now: datetime = NOW, **fields: Any) -> Payment:
        told: dict[str, Any] = {
            "amount_minor": 1250,
            "currency": "USD",
            "gateway": "stripe",
            "description": "5 services of Harbour View",
            "customer_email": "billing@nordlys.example",
            "return_url": f"https://portal.example/orders/{reference}/?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"https://portal.example/orders/{reference}/",
            **fields,
        }
        with transaction.atomic():  # the caller's, which would hold the order's lock
            return actions.begin(reference=reference, payer=payer.firm, now=now, **told)

    return begin
