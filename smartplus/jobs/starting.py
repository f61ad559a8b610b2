"""Starting long jobs from pages: small ones are done at once, for the others a worker is started after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts import long_jobs
from accounts.actions.long_jobs import start_job
from accounts.models import LongJob
from accounts.scope import Actor
from smartplus import jobs
from smartplus.jobs import long
from smartplus.jobs.kinds import KINDS


def start(
    actor: Actor,
    *,
    kind: str,
    subject: str,
    parameters: Mapping[str, Any],
    now: datetime,
    total: int | None = None,
    site_id: int | None = None,
    is_small: bool = False,
) -> LongJob:
    """Start a job of a kind of `smartplus.jobs.kinds`, and do it now where it `is_small`. Its page is `job-detail`."""
    job = start_job(
        actor, kind=kind, subject=subject, parameters=parameters, total=total, site_id=site_id, is_stoppable=KINDS[kind].is_stoppable, now=now
    )  # fmt: skip
    if is_small:
        long.run_now(job, now=now)
    else:
        jobs.hurry(long_jobs.NAME)
    return job
