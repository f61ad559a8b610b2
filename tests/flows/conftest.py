"""What the stories that run through several apps may ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from accounts import fences
from communities.actions import assignments
from communities.models import Entitlement, Site
from payments import events
from payments.sandbox import Sandbox
from payments.sandbox.webhook_sender import sign
from smartplus import jobs
from subscriptions.models import Cart
from tests.flows.ledger import assert_tenants_consistent
from tests.payments.fixtures import sandbox
from tests.people import NOW, People
from tests.subscriptions.conftest import billing, fill_cart, harbour_view, place, price_list

__all__ = ["billing", "fill_cart", "harbour_view", "place", "price_list", "sandbox"]

Letter = tuple[bytes, dict[str, str]]  # body and headers


@dataclass(frozen=True)
class Post:
    """The sandbox's webhooks, kept back: a story takes them out and delivers them when, if and how often it likes."""

    sandbox: Sandbox

    def take(self, *, at: datetime | None = None) -> list[Letter]:
        """What was written since the last time, signed at the sandbox's present second, or `at` another one."""
        with self.sandbox.store.lock:
            bodies = [row["body"].encode() for row in self.sandbox.store.deliveries.values()]
            self.sandbox.store.deliveries.clear()
            signed_at = self.sandbox.clock.now() if at is None else int(at.timestamp())
        secret = django_settings.STRIPE_WEBHOOK_SECRET
        return [(body, {"Stripe-Signature": sign(body, secret, signed_at)}) for body in bodies]

    def deliver(self, letters: list[Letter], *, now: datetime) -> None:
        """Hand letters to the door behind the view."""
        for body, headers in letters:
            events.receive("stripe", body, headers, now=now)

    def kinds(self) -> list[str]:
        """What is waiting, without taking it."""
        with self.sandbox.store.lock:
            return [json.loads(row["body"])["type"] for row in self.sandbox.store.deliveries.values()]


def move_money(*, now: datetime) -> int:
    """A tick without what never asks a gateway: seals, mail and old sessions move no money, and have tests of their own.
    Answers how much there was to do."""
    return sum(jobs.run(name, now=now) or 0 for name, job in jobs.JOBS.items() if job.asks_gateways)


@pytest.fixture
def post(sandbox: Sandbox) -> Post:
    """The sandbox's webhooks, which go nowhere by themselves."""
    sandbox.webhooks.url = (
        "http://127.0.0.1:1/"  # somewhere, or nothing would be written; nothing is sent: all are held
    )
    sandbox.faults.arm("webhook_late", 10**9)
    return Post(sandbox)


@pytest.fixture
def new_cart(people: People, make_site, make_apartment, fill_cart: Callable[..., Cart]) -> Callable[..., Cart]:
    """A cart of Dora over a fresh community of Ivan: an App, a Premium Plan, and Petra's PM App, whose switch is off."""

    def make(name: str, **fields: Any) -> Cart:
        site: Site = make_site(name, booking=True)
        with transaction.atomic():  # the devices layer's, which in the portal adds the monitors as well
            make_apartment(site)
        assignments.set_managers(
            people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
        )
        return fill_cart(items=Entitlement.objects.filter(site=site), **fields)

    return make


@pytest.fixture
def tenants_stay_apart(people: People) -> Iterator[None]:
    """At the end of a story, whatever it was about. It asks for the people so that the database is still there then."""
    yield
    assert_tenants_consistent()


@pytest.fixture
def no_job_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs keep the other jobs, and their other items, running when one breaks; a story wants to know."""

    def run(name: str, *, now: datetime) -> int | None:
        return jobs.JOBS[name].sweep(now=now)

    def note_failure(job: str, item_id: int, problem: Exception, *, is_expected: bool = False, **options: Any) -> None:
        if not is_expected:
            raise problem
        noted(job, item_id, problem, is_expected=is_expected, **options)

    noted = fences.record_failure
    monkeypatch.setattr(jobs, "run", run)
    monkeypatch.setattr(fences, "note_failure", note_failure)
