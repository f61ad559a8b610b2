"""Starting and cancelling long jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import LongJob, Organization
from accounts.scope import Actor

JOB_STARTED = audit.Word("job.started", gettext_lazy("Job started"), gettext_lazy("Job started: %(what)s"))
CANCELLED_FIELDS = ["state", "cancel_asked_at", "finished_at"]
JOB_CANCELLED = audit.Word("job.cancelled", gettext_lazy("Job cancelled"), gettext_lazy("Job cancelled: %(what)s"))


@transaction.atomic
def start_job(
    actor: Actor,
    *,
    kind: str,
    subject: str,
    parameters: Mapping[str, Any],
    total: int | None = None,
    site_id: int | None = None,
    is_stoppable: bool = False,
    now: datetime,
) -> LongJob:
    """Write down work that a worker does later with the rights that the person has then. `subject` is what it is about, and names no person.

    Refuses more open jobs of one person than the setting allows. NotPermitted for who is no person.
    """
    if not actor.membership_id:
        raise NotPermitted
    if LongJob.objects.open().filter(membership_id=actor.membership_id).count() >= settings.LONG_JOBS_OPEN:
        raise Refused(
            _("%(n)s jobs of yours are still open. Wait for one of them, or cancel it.")
            % {"n": settings.LONG_JOBS_OPEN}
        )
    firm = Organization.objects.get(pk=actor.organization_id)
    job = LongJob.objects.create(
        kind=kind, subject=subject[:200], parameters=dict(parameters), total=total, site_id=site_id,
        is_stoppable=is_stoppable, membership_id=actor.membership_id, organization=firm, created_at=now,
        **audit.tenant_keys(firm),
    )  # fmt: skip
    audit.record(actor, JOB_STARTED, job, now=now, tenant=firm, site_id=site_id, after={"kind": kind})
    return job


@transaction.atomic
def cancel_job(actor: Actor, *, job_id: int, now: datetime) -> LongJob:
    """Cancel a job: one that waits ends at once, one that runs stops before its next step. Locks the job. Refuses one that has ended, and one
    that does its work in one step and has begun it (R16)."""
    job = LongJob.objects.visible_to(actor).select_for_update(no_key=True, of=("self",)).get(pk=job_id)
    if not job.is_open:
        raise Refused(_("It has ended already."))
    if job.cancel_asked_at is not None:
        raise Refused(_("It is being cancelled already."))
    if not job.may_be_cancelled:
        raise Refused(_("It has begun, and is done wholly or not at all. It can't be cancelled any more."))
    before = audit.fields_of(job, CANCELLED_FIELDS)
    job.cancel_asked_at = now
    if job.state == LongJob.State.WAITING:
        job.state, job.finished_at, job.claimed_until, job.claim = LongJob.State.CANCELLED, now, None, ""
    job.save(update_fields=["cancel_asked_at", "state", "finished_at", "claimed_until", "claim"])
    firm = Organization.objects.get(pk=job.organization_id)
    after = audit.fields_of(job, CANCELLED_FIELDS)
    audit.record(actor, JOB_CANCELLED, job, now=now, tenant=firm, site_id=job.site_id, before=before, after=after)
    return job
