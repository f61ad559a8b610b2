"""The worker's side of long jobs: claiming one with a lease, coming forward, the rows that were not done, the file, and the end."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts import fences
from accounts.errors import Refused
from accounts.models import FailedRow, JobFilePart, LongJob
from accounts.scope import Actor

log = logging.getLogger("smartplus.jobs")

NAME = "long_jobs"  # their key in smartplus.jobs.JOBS
LEASE = timedelta(minutes=2)  # longer than any step; renewed with each, after it another worker goes on
MAX_TRIES = 5  # claims without coming forward
STEP = 500  # rows after which a long job that only reads comes forward
PART_BYTES = 256 * 1024
DELETED_AT_ONCE = 100
S = LongJob.State
Row = TypeVar("Row")


class Stopped(Exception):
    """The person cancelled the job; the transaction of this step is rolled back, earlier steps stay."""


@dataclass(slots=True)
class Running:
    """A long job in the hands of this process. `at` gives the present instant, `actor` acts with the rights that the person has now."""

    job: LongJob
    actor: Actor
    at: Callable[[], datetime]

    def expect(self, total: int) -> None:
        """Say how many rows there are, once that is known."""
        self._write(total=total)

    def forward(self, done: int, **numbers: int) -> None:
        """So many rows are worked on; `numbers` are the results until now. Renews the lease. Inside the transaction of a step it makes sure that
        the step counts only once. Raises Stopped where the person cancelled, NotNow where another process has the job."""
        self.job.result = {**self.job.result, **numbers}
        self._write(done=done, result=self.job.result, tries=1)
        self.job.done = done

    def refuse(self, rows: Iterable[FailedRow]) -> None:
        """Write down rows that are not done. Within the transaction of their step."""
        made = FailedRow.objects.bulk_create(rows, batch_size=1000)
        self.job.failures += len(made)
        self._write(failures=self.job.failures)

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows; every 500 of them the job comes forward."""
        n = 0
        for n, row in enumerate(rows, start=1):
            if n % STEP == 0:
                self.forward(n)
            yield row
        self.forward(n)

    def keep_file(self, name: str, content_type: str, pieces: Iterable[bytes]) -> None:
        """Store a file in parts. What an earlier try stored is deleted first. Refuses a file that is too large."""
        with transaction.atomic():
            self._write(file_name=name, file_type=content_type, file_size=0)
            JobFilePart.objects.filter(job=self.job).delete()
        size = 0
        for number, part in enumerate(_parts(pieces)):
            size += len(part)
            if size > settings.LONG_JOB_FILE_MB * 1024 * 1024:
                raise Refused(
                    _("The file would be larger than %(n)s MB. Narrow the list first.")
                    % {"n": settings.LONG_JOB_FILE_MB}
                )
            with transaction.atomic():
                self._write(file_size=size)
                JobFilePart.objects.create(job=self.job, number=number, content=part)

    def done(self, **result: Any) -> None:
        """End the job well. Called inside the transaction of work that is one step, so that both are there or none; a further call changes
        nothing."""
        if self.job.finished_at is None:
            self.job.result = {**self.job.result, **result}
            self._end(S.DONE, result=self.job.result)

    def fail(self, reason: str) -> None:
        """End the job with a reason."""
        self._end(S.FAILED, reason=reason)

    def stop(self) -> None:
        """End the job because the person cancelled it."""
        self._end(S.CANCELLED)

    def put_back(self, problem: Exception) -> None:
        """An error that nobody expects: the job waits for its next try, or fails after several."""
        if self.job.tries >= MAX_TRIES:
            self.fail(given_up())
        else:
            later = fences.later(self.job.tries, now=self.at())
            self._rows().update(state=S.WAITING, claim="", claimed_until=later)
        log.warning("long job %s, try %s: %s", self.job.pk, self.job.tries, fences.in_words(problem))

    def _end(self, state: str, **values: Any) -> None:
        now = self.at()
        ended = self._rows().update(state=state, finished_at=now, claim="", claimed_until=None, **values)
        if not ended:
            raise fences.NotNow
        self.job.state, self.job.finished_at = state, now

    def _write(self, **values: Any) -> None:
        rows = self._rows().filter(cancel_asked_at=None)
        if rows.update(claimed_until=self.at() + LEASE, **values):
            return
        raise Stopped if self._rows().exists() else fences.NotNow

    def _rows(self) -> models.QuerySet[LongJob]:
        return LongJob.objects.filter(pk=self.job.pk, claim=self.job.claim, finished_at=None)


def given_up() -> str:
    """What a person reads of a job that can't be done."""
    return _("Something went wrong on our side, several times. The operator is told. You can start it again later.")


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of equal size."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
    if waiting:
        yield bytes(waiting)


def due(*, now: datetime, limit: int) -> list[int]:
    """The ids of the jobs to work on now."""
    known = LongJob.objects.filter(Q(finished_at=None) | Q(state=S.FAILED, tries__gte=MAX_TRIES))
    free = Q(finished_at=None) & (Q(claimed_until=None) | Q(claimed_until__lte=now))
    return fences.due(NAME, known, by=["pk"], now=now, limit=limit, fresh=free)


def claim(job_id: int, *, now: datetime) -> LongJob | None:
    """Take a job for this process, by one conditional update that is committed at once; None where another one has it or it is over."""
    word = secrets.token_hex(16)
    taken = (
        LongJob.objects.due(now)
        .filter(pk=job_id)
        .order_by()
        .update(
            state=S.RUNNING, claim=word, claimed_until=now + LEASE, tries=F("tries") + 1, started_at=Coalesce("started_at", now)
        )
    )  # fmt: skip
    if not taken:
        return None
    return LongJob.objects.select_related("membership__user", "membership__organization").get(pk=job_id)


def next_try(job_id: int) -> datetime | None:
    """When a job that was put back is tried again; None for one that was given up. NotNow where it needs no further try."""
    job = LongJob.objects.filter(pk=job_id).first()
    if job is None or (job.finished_at is not None and job.tries < MAX_TRIES):
        raise fences.NotNow
    return job.claimed_until


def try_again(job_id: int, *, now: datetime) -> None:
    """Let a job that was given up wait again, at the operator's request."""
    LongJob.objects.filter(pk=job_id, state=S.FAILED, tries__gte=MAX_TRIES).update(
        state=S.WAITING, finished_at=None, reason="", tries=0
    )
    LongJob.objects.filter(pk=job_id, state=S.WAITING).update(claimed_until=now)


def open_of(*, by: str) -> models.Subquery:
    """For `annotate()`: how many jobs of a membership wait or run; `by` is the path to the membership. Null for none."""
    rows = LongJob.objects.open().filter(membership=models.OuterRef(by)).order_by().values("membership")
    return models.Subquery(rows.annotate(n=models.Count("pk")).values("n"))


def file_of(job: LongJob) -> Iterator[bytes]:
    """The file of a job, part by part."""
    numbers = list(JobFilePart.objects.filter(job=job).order_by("number").values_list("number", flat=True))
    for number in numbers:
        content = JobFilePart.objects.filter(job=job, number=number).values_list("content", flat=True).first()
        yield bytes(content or b"")


def forget_old(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Delete jobs that ended before the days of the setting, with their files and failed rows, in batches. Returns how many."""
    before, deleted = now - timedelta(days=settings.LONG_JOBS_KEPT_DAYS), 0
    while budget is None or not budget.is_over:
        some = _delete_some(before)
        deleted += some
        if some < DELETED_AT_ONCE:
            break
    return deleted


def _delete_some(before: datetime) -> int:
    with transaction.atomic():
        old = LongJob.objects.filter(finished_at__lt=before).select_for_update(no_key=True, skip_locked=True)
        ids = list(old.order_by("pk").values_list("pk", flat=True)[:DELETED_AT_ONCE])
        LongJob.objects.filter(pk__in=ids).delete()
    return len(ids)
