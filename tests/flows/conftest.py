"""Fixtures of stories that run through several apps."""

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
    """The sandbox's webhooks, which are delivered only by the test."""
    sandbox.webhooks.url = (
        # Some address, since without one nothing is written; nothing is sent, as all messages are held
        "http://127.0.0.1:1/"
    )
    sandbox.faults.arm("webhook_late", 10**9)
    return WebhookQueue(sandbox)


@pytest.fixture
def tenants_stay_apart(people: People) -> Iterator[None]:
    """Checked at the end of every story. It requests `people`, so that the database still exists then."""
    yield
    assert_tenants_consistent()


@pytest.fixture
def no_job_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job stores the error of an item and goes on; in a story such an error must fail the test."""

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
