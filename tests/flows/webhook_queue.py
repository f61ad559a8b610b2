"""The sandbox's webhooks, delivered when a story likes, and the jobs that move money."""

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
    """The sandbox's webhooks, kept back: a story takes them out and delivers them when, if and how often it likes."""

    sandbox: Sandbox

    def take(self, *, at: datetime | None = None) -> list[SignedMessage]:
        """What was written since the last time, signed at the sandbox's present second, or `at` another one."""
        with self.sandbox.store.lock:
            bodies = [row["body"].encode() for row in self.sandbox.store.deliveries.values()]
            self.sandbox.store.deliveries.clear()
            signed_at = self.sandbox.clock.now() if at is None else int(at.timestamp())
        secret = django_settings.STRIPE_WEBHOOK_SECRET
        return [(body, {"Stripe-Signature": sign(body, secret, signed_at)}) for body in bodies]

    def deliver(self, messages: list[SignedMessage], *, now: datetime) -> None:
        """Hand messages to the door behind the view."""
        for body, headers in messages:
            events.receive("stripe", body, headers, now=now)

    def kinds(self) -> list[str]:
        """What is waiting, without taking it."""
        with self.sandbox.store.lock:
            return [json.loads(row["body"])["type"] for row in self.sandbox.store.deliveries.values()]


def move_money(*, now: datetime) -> int:
    """A tick without what never asks a gateway: seals, mail and old sessions move no money, and have tests of their own.
    Answers how much there was to do."""
    return sum(jobs.run(name, now=now) or 0 for name, job in jobs.JOBS.items() if job.asks_gateways)
