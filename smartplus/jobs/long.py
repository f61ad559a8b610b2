"""Doing long jobs: with the rights, the language and the time zone that the person has now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import fences, long_jobs
from accounts.errors import ActionError
from accounts.long_jobs import Running, Stopped
from accounts.models import LongJob, Membership
from devices.actions import imports
from smartplus.jobs.kinds import KINDS


def run_due(*, now: datetime, budget: fences.Budget | None = None, limit: int = 20) -> int:
    """Work on the jobs that wait, and on those whose worker is gone. Returns how many came to an end."""
    budget = budget or fences.Budget()
    return fences.each(
        long_jobs.NAME,
        long_jobs.due(now=now, limit=limit),
        lambda job_id: run(job_id, at=lambda: budget.at(now)),
        now=now,
        budget=budget,
        key=int,
        postpone=lambda job_id, _problem: long_jobs.next_try(job_id),
    )


def run(job_id: int, *, at: Callable[[], datetime]) -> int:
    """Work on one job; returns 1 if it came to an end. Raises NotNow where another process has it, and what nobody expects, after the job was
    put back."""
    job = long_jobs.claim(job_id, now=at())
    if job is None:
        raise fences.NotNow
    user = job.membership.user
    with translation.override(user.language), timezone.override(user.time_zone):
        running = Running(job, job.membership.actor(), at)
        try:
            _do(running)
        except Stopped:
            running.stop()
        except fences.NotNow:
            raise
        except ActionError as refusal:
            running.fail(str(refusal))
        except ObjectDoesNotExist:
            running.fail(_("What it was about is not there any more, or you may not see it any more."))
        except Exception as problem:
            fences.mend_connections()
            running.put_back(problem)
            raise
    return 1


def _do(running: Running) -> None:
    job = running.job
    if job.cancel_asked_at is not None:
        raise Stopped
    if job.tries > long_jobs.MAX_TRIES:  # its process died again and again
        return running.fail(long_jobs.given_up())
    if not Membership.objects.usable().filter(pk=job.membership_id).exists():
        return running.fail(_("The access of the person who started it has ended."))
    kind = KINDS.get(job.kind)
    if kind is None:  # a newer version of SmartPlus wrote it
        raise fences.NotNow
    kind.run(running)
    return running.done()


def forget_old(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Delete what ended some time ago: jobs with their files, and imports with what was typed in them. Returns how many."""
    return imports.forget_old(now=now, budget=budget) + long_jobs.forget_old(now=now, budget=budget)


def run_now(job: LongJob, *, now: datetime) -> None:
    """Do a small job at once, within the request that starts it, by the same way."""
    run(job.pk, at=lambda: now)
    job.refresh_from_db()
