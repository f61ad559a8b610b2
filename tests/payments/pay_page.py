"""The hosted page of the gateways' stand-in, and what settling would be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import requests
from django.db import transaction

from payments import actions
from payments.gateways.base import Remote
from payments.models import Payment, PaymentMethod


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
