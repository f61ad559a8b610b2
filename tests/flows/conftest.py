"""What the stories that run through several apps may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from accounts import fences
from payments.sandbox import Sandbox
from smartplus import jobs
from tests.flows.ledger import assert_tenants_consistent
from tests.flows.webhook_queue import WebhookQueue
from tests.people import People


@pytest.fixture
def webhooks(sandbox: Sandbox) -> WebhookQueue:
    """The sandbox's webhooks, which go nowhere by themselves."""
    sandbox.webhooks.url = (
        "http://127.0.0.1:1/"  # somewhere, or nothing would be written; nothing is sent: all are held
    )
    sandbox.faults.arm("webhook_late", 10**9)
    return WebhookQueue(sandbox)


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

    def record_failure(
        job: str, item_id: int, problem: Exception, *, is_expected: bool = False, **options: Any
    ) -> None:
        if not is_expected:
            raise problem
        noted(job, item_id, problem, is_expected=is_expected, **options)

    noted = fences.record_failure
    monkeypatch.setattr(jobs, "run", run)
    monkeypatch.setattr(fences, "record_failure", record_failure)
