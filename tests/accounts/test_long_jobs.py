"""Long jobs: claimed by one process, taken up again after its death, cancelled before a step, seen by the firm, deleted after days (R79)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts import fences, long_jobs
from accounts.actions import members
from accounts.actions.long_jobs import cancel_job, start_job
from accounts.errors import NotPermitted, Refused
from accounts.long_jobs import LEASE, MAX_TRIES, Running
from accounts.models import AuditEvent, FailedRow, ItemFailure, JobFilePart, LongJob, Membership
from accounts.scope import Actor
from smartplus import jobs
from smartplus.jobs import long
from smartplus.jobs.kinds import KINDS
from tests.people import NOW, SYSTEM, People

pytestmark = [pytest.mark.django_db, pytest.mark.rule("R79")]
LATER = NOW + LEASE + timedelta(seconds=1)


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a function do the work of the kind "export"."""

    def use(run: Callable[[Running], Any]) -> None:
        monkeypatch.setitem(KINDS, "export", replace(KINDS["export"], run=run))

    return use


def started(actor: Actor, **more: Any) -> LongJob:
    return start_job(actor, **{"kind": "export", "subject": "list", "parameters": {}, "now": NOW, **more})


def now_of(job: LongJob) -> LongJob:
    return LongJob.objects.get(pk=job.pk)


def run(now: datetime = NOW) -> int | None:
    return jobs.run("long_jobs", now=now)


def test_a_job_is_done_by_who_started_it_with_the_rights_of_now(people: People, kind: Any) -> None:
    seen = list[Actor]()
    kind(lambda running: seen.append(running.actor))
    job = started(people.ivan.actor)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=False)
    assert run() == 1
    ended = now_of(job)
    assert ended.state == "done" and ended.finished_at is not None and ended.finished_at - NOW < timedelta(minutes=1)
    assert (seen[0].membership_id, len(seen[0].grants)) == (people.ivan.membership.pk, 3)
    assert run() == 0


def test_who_may_not_come_in_any_more_has_nothing_done(people: People, kind: Any) -> None:
    kind(lambda running: pytest.fail("it was done"))
    job = started(people.tess.actor)
    members.set_member_active(SYSTEM, membership_id=people.tess.membership.pk, is_active=False, now=NOW)
    run()
    assert (now_of(job).state, now_of(job).reason) == ("failed", "The access of the person who started it has ended.")


@pytest.mark.parametrize("problem", [Refused("No such list."), NotPermitted("No such list.")])
def test_what_is_refused_fails_with_the_reason_and_is_not_tried_again(
    people: People, kind: Any, problem: Exception
) -> None:
    def refuse(running: Running) -> None:
        raise problem

    kind(refuse)
    job = started(people.ivan.actor)
    assert run() == 1
    assert (now_of(job).state, now_of(job).reason, run()) == ("failed", "No such list.", 0)
    assert not ItemFailure.objects.exists()


def test_an_error_of_ours_is_tried_again_and_given_up_after_several(people: People, kind: Any) -> None:
    def explode(running: Running) -> None:
        raise RuntimeError("broken")

    kind(explode)
    job, now = started(people.ivan.actor), NOW
    for tries in range(1, MAX_TRIES + 1):
        run(now)
        assert now_of(job).tries == tries
        now += timedelta(days=1)
    given_up = now_of(job)
    assert (given_up.state, given_up.reason) == ("failed", long_jobs.given_up())
    failure = ItemFailure.objects.get()
    assert (failure.is_given_up, failure.item_id) == (True, job.pk)
    run(now)
    assert ItemFailure.objects.exists()  # the operator still sees it
    kind(lambda running: None)
    jobs.try_again(people.olga.actor, failure_id=failure.pk, now=now)
    run(now)
    assert now_of(job).state == "done"
    assert not ItemFailure.objects.exists()


def test_a_job_whose_process_is_gone_is_taken_up_when_its_lease_is_over(people: People, kind: Any) -> None:
    job = started(people.ivan.actor)
    dead = long_jobs.claim(job.pk, now=NOW)
    assert dead is not None
    kind(lambda running: None)
    assert run(NOW + LEASE - timedelta(seconds=1)) == 0
    assert run(LATER) == 1
    assert now_of(job).state == "done"
    with pytest.raises(fences.NotNow):  # who was thought dead writes nothing any more
        Running(dead, people.ivan.actor, lambda: LATER).forward(7)
    with pytest.raises(fences.NotNow):
        Running(dead, people.ivan.actor, lambda: LATER).done()


def test_two_processes_never_have_the_same_job(people: People) -> None:
    job = started(people.ivan.actor)
    assert long_jobs.claim(job.pk, now=NOW) is not None
    assert long_jobs.claim(job.pk, now=NOW) is None
    with pytest.raises(fences.NotNow):
        long.run(job.pk, at=lambda: NOW)


def test_coming_forward_renews_the_lease_and_the_tries(people: People, kind: Any) -> None:
    def work(running: Running) -> None:
        running.expect(40)
        running.forward(10, new=9)
        job = now_of(running.job)
        assert (job.done, job.total, job.result, job.tries) == (10, 40, {"new": 9}, 1)
        assert job.claimed_until is not None and job.claimed_until >= NOW + LEASE

    kind(work)
    job = started(people.ivan.actor)
    LongJob.objects.update(tries=3)
    run()
    assert now_of(job).state == "done"


def test_a_process_that_dies_again_and_again_is_given_up(people: People, kind: Any) -> None:
    kind(lambda running: pytest.fail("it was begun once more"))
    job = started(people.ivan.actor)
    LongJob.objects.update(tries=MAX_TRIES)
    run()
    assert (now_of(job).state, now_of(job).reason) == ("failed", long_jobs.given_up())


@pytest.mark.rule("R16")
def test_a_waiting_job_is_cancelled_at_once_and_one_that_is_one_step_never_after_its_begin(
    people: People, kind: Any
) -> None:
    waiting, running = started(people.ivan.actor), started(people.ivan.actor)
    cancelled = cancel_job(people.ivan.actor, job_id=waiting.pk, now=NOW)
    assert (cancelled.state, cancelled.finished_at) == ("cancelled", NOW)
    long_jobs.claim(running.pk, now=NOW)
    for job, text in ((running, "can't be cancelled any more"), (waiting, "ended already")):
        with pytest.raises(Refused, match=text):
            cancel_job(people.ivan.actor, job_id=job.pk, now=NOW)
    assert now_of(running).state == "running"
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 1


def test_a_running_job_stops_before_its_next_step_and_keeps_the_steps_before(people: People, kind: Any) -> None:
    def work(running: Running) -> None:
        running.forward(10)
        cancel_job(people.ivan.actor, job_id=running.job.pk, now=NOW)
        with transaction.atomic():
            FailedRow.objects.create(job=running.job, number=1, label="of the next step", reason="no")
            running.forward(20)

    kind(work)
    job = started(people.ivan.actor, is_stoppable=True)
    run()
    assert (now_of(job).state, now_of(job).done) == ("cancelled", 10)
    assert not FailedRow.objects.exists()


def test_work_and_end_are_one_transaction(people: People, kind: Any) -> None:
    def work(running: Running) -> None:
        with transaction.atomic():
            running.refuse([FailedRow(job=running.job, number=1, label="a", reason="b")])
            running.done(made=5)

    kind(work)
    job = started(people.ivan.actor)
    run()
    assert (now_of(job).state, now_of(job).result, now_of(job).failures) == ("done", {"made": 5}, 1)


def test_a_file_is_kept_in_parts_and_made_anew_after_a_crash(people: People, kind: Any, settings: Any) -> None:
    pieces = [b"a" * 100_000] * 7
    kind(lambda running: running.keep_file("list.csv", "text/csv", pieces))
    job = started(people.ivan.actor)
    JobFilePart.objects.create(job=job, number=0, content=b"of a try that died")
    run()
    assert b"".join(long_jobs.file_of(now_of(job))) == b"".join(pieces)
    assert (now_of(job).file_size, JobFilePart.objects.count()) == (700_000, 3)
    settings.LONG_JOB_FILE_MB = 0
    other = started(people.ivan.actor)
    run()
    assert (now_of(other).state, now_of(other).reason[:24]) == ("failed", "The file would be larger")


@pytest.mark.rule("R1")
def test_jobs_are_seen_by_who_started_them_and_by_who_works_for_the_whole_firm(people: People) -> None:
    of_tess, of_ivan, of_petra = (started(who.actor) for who in (people.tess, people.ivan, people.petra))
    seen = {
        name: set(LongJob.objects.visible_to(getattr(people, name).actor))
        for name in ("tess", "ivan", "petra", "dora", "mallory", "olga")
    }
    assert seen == {
        "tess": {of_tess}, "ivan": {of_tess, of_ivan}, "petra": {of_petra}, "dora": set(), "mallory": set(),
        "olga": {of_tess, of_ivan, of_petra},
    }  # fmt: skip
    with pytest.raises(LongJob.DoesNotExist):
        cancel_job(people.dora.actor, job_id=of_ivan.pk, now=NOW)


def test_a_person_has_only_so_many_open_jobs(people: People, settings: Any) -> None:
    settings.LONG_JOBS_OPEN = 2
    first = started(people.ivan.actor)
    started(people.ivan.actor)
    with pytest.raises(Refused, match="2 jobs of yours are still open"):
        started(people.ivan.actor)
    cancel_job(people.ivan.actor, job_id=first.pk, now=NOW)
    started(people.ivan.actor)
    with pytest.raises(NotPermitted):
        started(SYSTEM)


def test_old_jobs_go_with_their_files_and_open_ones_stay(people: People, settings: Any) -> None:
    settings.LONG_JOBS_KEPT_DAYS = 14
    old, young, still_open = (started(people.ivan.actor) for _n in range(3))
    JobFilePart.objects.create(job=old, number=0, content=b"x")
    LongJob.objects.filter(pk=old.pk).update(state="done", finished_at=NOW - timedelta(days=15))
    LongJob.objects.filter(pk=young.pk).update(state="done", finished_at=NOW - timedelta(days=13))
    LongJob.objects.filter(pk=still_open.pk).update(created_at=NOW - timedelta(days=90))
    assert long_jobs.forget_old(now=NOW) == 1
    assert set(LongJob.objects.all()) == {young, still_open}
    assert not JobFilePart.objects.exists()
