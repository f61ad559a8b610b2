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
from payments.gateways.base import Remote
from payments.models import Payment, PaymentMethod, Purpose
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


def press(url: str, button: str = "", *, card: str = "") -> Page:
    """Press `approve`, `decline` or `cancel` on the hosted page at `url`, or just look at it; `card` chooses a test card."""
    with requests.Session() as browser:
        browser.trust_env = False
        data = {"action": button, **({"card": card} if card else {})} if button else None
        answer = browser.request("POST" if button else "GET", url, data=data, allow_redirects=False, timeout=10)
    return Page(answer.status_code, answer.text, answer.headers.get("Location", ""))


@pytest.fixture
def begin_payment() -> Callable[..., Payment]:
    """Begin a payment over US$12.50 for an order of the given payer."""

    def begin(payer: Person, reference: str = "SP-261122-AAAAAAAA", *, now: datetime = NOW, **fields: Any) -> Payment:
        told: dict[str, Any] = {
            "purpose": Purpose.ORDER,
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
            return actions.create_payment(actions.PaymentRequest(subject=reference, payer=payer.firm, **told), now=now)

    return begin


@pytest.fixture
def store_card(begin_payment: Callable[..., Payment]) -> Callable[..., PaymentMethod]:
    """Let a person pay at the page and leave the card there: see payments.sandbox.cards for what it does later."""

    def store(payer: Person, card: str = "works", reference: str = "SP-261122-SAVES") -> PaymentMethod:
        begun = begin_payment(payer, reference, save_method=True, consent_by=payer.membership.user)
        payment = actions.start_checkout(begun.pk, now=NOW)
        assert press(payment.checkout_url, "approve", card=card).status == 303
        method = settle(payment, now=NOW).method
        assert method is not None
        return method

    return store


@dataclass(frozen=True)
class Settled:
    """What the floor above has in hands after it asked and noted under lock."""

    payment: Payment
    remote: Remote | None
    method: PaymentMethod | None


def settle(payment: Payment, *, now: datetime) -> Settled:
    """What the floor above does: ask, then note and keep the card under the payment's lock."""
    remote = actions.look_up(payment, now=now)
    with transaction.atomic():
        locked = Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
        if remote is None:
            return Settled(locked, None, None)
        actions.apply_remote_state(locked, remote, now=now)
        return Settled(locked, remote, actions.keep_method(locked, remote, now=now))
