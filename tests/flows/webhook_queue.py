"""The sandbox's webhooks, delivered when a test wants it, and the jobs that move money."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings as django_settings

from payments import events
from payments.sandbox import Sandbox
from payments.sandbox.webhook_sender import sign
from smartplus import jobs

SignedMessage = tuple[bytes, dict[str, str]]  # body and headers


@dataclass(frozen=True)
class WebhookQueue:
    """The sandbox's held webhooks: a test takes them and delivers them when, if and how often it likes."""

    sandbox: Sandbox

    def take(self, *, at: datetime | None = None) -> list[SignedMessage]:
        """The messages written since the last call, signed at the sandbox's present second, or at `at`."""
        with self.sandbox.store.lock:
            bodies = [row["body"].encode() for row in self.sandbox.store.deliveries.values()]
            self.sandbox.store.deliveries.clear()
            signed_at = self.sandbox.clock.now() if at is None else int(at.timestamp())
        secret = django_settings.STRIPE_WEBHOOK_SECRET
        return [(body, {"Stripe-Signature": sign(body, secret, signed_at)}) for body in bodies]

    def deliver(self, messages: list[SignedMessage], *, now: datetime) -> None:
        """Pass messages to `events.receive`, which the view calls."""
        for body, headers in messages:
            events.receive("stripe", body, headers, now=now)

    def kinds(self) -> list[str]:
        """The types of the waiting messages, without taking them."""
        with self.sandbox.store.lock:
            return [json.loads(row["body"])["type"] for row in self.sandbox.store.deliveries.values()]


def move_money(*, now: datetime) -> int:
    """Run the jobs that ask a gateway; seals, mail and old sessions move no money, and have their own tests. Returns how much was done."""
    return sum(jobs.run(name, now=now) or 0 for name, job in jobs.JOBS.items() if job.asks_gateways)
