"""The page of a long job, its file, and cancelling it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import long_jobs
from accounts.actions.long_jobs import cancel_job
from accounts.models import FailedRow, LongJob
from smartplus import access
from smartplus.jobs import exporting, kinds, starting
from smartplus.portal.jobs import words
from smartplus.portal.kit import exports
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.export_cells import Kind as Cell
from smartplus.portal.kit.exports import Column
from smartplus.portal.kit.once import made, once


def _visible(request: access.PortalRequest, job_id: int) -> LongJob:
    jobs = LongJob.objects.visible_to(request.actor).select_related("membership__user", "organization")
    return jobs.get(pk=job_id)


@access.roles()
@require_safe
def job_detail(request: access.PortalRequest, job_id: int) -> HttpResponse:
    """How far a job is, what it did not do and why, and what came of it. The page renews itself as long as the job is open."""
    job = _visible(request, job_id)
    kind = kinds.KINDS.get(job.kind)
    tone, word = words.status(job)
    rows = list(FailedRow.objects.visible_to(request.actor).filter(job=job)[: FailedRow.MOST]) if job.failures else []
    context: dict[str, Any] = {
        "job": job,
        "title": words.title(job),
        "label": words.label(job),
        "tone": tone,
        "word": word,
        "progress": words.progress(job),
        "left": words.left(job, request.now),
        "note": kind.note if kind else "",
        "numbers": words.numbers(job, kind),
        "result": kind.result(job) if kind and job.state == LongJob.State.DONE else None,
        "again": kind.again(job) if kind and not job.is_open else None,
        "failed_rows": rows,
        "beyond": job.failures - len(rows),
        "is_mine": job.is_of(request.actor),
        "has_file": job.state == LongJob.State.DONE and bool(job.file_name),
    }
    return render(request, "jobs/detail.html", context)


@access.roles()
@require_POST
@refused_at("job-detail")
def job_cancel(request: access.PortalRequest, job_id: int) -> HttpResponse:
    """Cancel a job."""
    job = cancel_job(request.actor, job_id=job_id, now=request.now)
    messages.success(request, _("It stops before its next step.") if job.is_open else _("Cancelled. Nothing was done."))
    return redirect("job-detail", job_id)


@access.roles()
@require_safe
def job_file(request: access.PortalRequest, job_id: int) -> HttpResponseBase:
    """The file that a job made, for the person who started it and nobody else."""
    job = _visible(request, job_id)
    if not job.is_of(request.actor) or job.state != LongJob.State.DONE or not job.file_name:
        raise LongJob.DoesNotExist
    response = StreamingHttpResponse(long_jobs.file_of(job), content_type=job.file_type)
    response["Content-Disposition"] = f'attachment; filename="{job.file_name}"'
    response["Content-Length"] = str(job.file_size)
    return response


@access.roles()
@require_safe
def job_failed_rows(request: access.PortalRequest, job_id: int) -> HttpResponseBase:
    """The rows that a job did not do, with the reasons, as a file."""
    job = _visible(request, job_id)
    rows = FailedRow.objects.visible_to(request.actor).filter(job=job).values_list("number", "label", "reason")
    columns = [Column(_("Row"), Cell.NUMBER), Column(_("What")), Column(_("Why"))]
    name = f"{slugify(job.subject) or 'job'}-{job.pk}-{slugify(_('not done'))}"
    return exports.answer(request, exports.asked(request) or "csv", name, columns, rows.iterator(), count=rows.count)


@access.roles()
@require_POST
@once
def job_export(request: access.PortalRequest) -> HttpResponse:
    """Start the job that makes a file of a long list. The token comes from the page of that list."""
    address = exporting.address_in(request.actor, request.POST.get("list", ""))
    job = starting.start(
        request.actor,
        kind=kinds.EXPORT,
        subject=address.partition("?")[0],
        parameters={exporting.ADDRESS: address},
        now=request.now,
    )
    return made(redirect("job-detail", job.pk), job)
