"""The worker of a long job, killed around every commit: another one goes on, and what came of it is there once and whole (R79)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from accounts import long_jobs
from accounts.actions.long_jobs import start_job
from accounts.long_jobs import LEASE, MAX_TRIES, Running
from accounts.models import FailedRow, JobFilePart, LongJob
from smartplus import jobs
from smartplus.jobs.kinds import KINDS
from tests.flows import crash_points
from tests.flows.crashing import at_point
from tests.people import NOW, People

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True), pytest.mark.rule("R79")]
PIECES = [b"a" * 200_000, b"b" * 200_000]
STEPS = 3


def _makes_a_file(running: Running) -> None:
    running.keep_file("list.csv", "text/csv", PIECES)


def _works_in_steps(running: Running) -> None:
    """Each step is a transaction: one row written, and the job comes forward. It begins where an earlier try stopped."""
    running.expect(STEPS)
    for n in range(running.job.done + 1, STEPS + 1):
        with transaction.atomic():
            running.refuse([FailedRow(job=running.job, number=n, label=f"step {n}", reason="no")])
            running.forward(n)


def _worker(points: Any) -> None:
    points.phase = "job"
    jobs.run("long_jobs", now=NOW)


@pytest.fixture(params=[_makes_a_file, _works_in_steps])
def work(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(KINDS, "export", replace(KINDS["export"], run=request.param))
    return request.param


def test_wherever_the_worker_dies_another_one_brings_the_job_to_its_end(people: People, work: Any) -> None:
    def begin() -> LongJob:
        return start_job(people.ivan.actor, kind="export", subject="list", parameters={}, now=NOW)

    def assert_done(job: LongJob) -> None:
        for n in range(1, MAX_TRIES + 1):
            jobs.run("long_jobs", now=NOW + n * (LEASE + timedelta(seconds=1)))
        job.refresh_from_db()
        assert (job.state, job.claim) == ("done", "")
        if work is _makes_a_file:
            assert b"".join(long_jobs.file_of(job)) == b"".join(PIECES)
            assert job.file_size == sum(map(len, PIECES))
        else:
            assert list(job.failed_rows.values_list("number", flat=True)) == [1, 2, 3]
            assert (job.failures, job.done) == (STEPS, STEPS)

    job = begin()
    _worker(SimpleNamespace())
    assert_done(job)
    job = begin()
    points = crash_points.walk(_worker, answer=list)
    assert_done(job)
    assert any("longjob" in label for label in points)
    for index in crash_points.telling(points):
        with at_point(points[index]):
            job = begin()
            assert crash_points.kill(_worker, at=index, answer=list) == points[index]
            assert_done(job)
    assert LongJob.objects.filter(state="done").count() > 5
    assert JobFilePart.objects.exists() or FailedRow.objects.exists()
