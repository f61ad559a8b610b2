"""The list of long jobs: one's own, and those of colleagues where one works for the whole firm."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import LongJob
from smartplus import access
from smartplus.portal.jobs import words
from smartplus.portal.kit.day_tags import when
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.lists import Column, Filter, List, Option
from smartplus.portal.kit.status_tags import status

JOBS = List(
    title=gettext_lazy("Jobs"),
    columns=(
        Column("job", gettext_lazy("Job")),
        Column("person", gettext_lazy("Started by")),
        Column("progress", gettext_lazy("Progress"), css="r"),
        Column("state", gettext_lazy("Status"), keys=["state"]),
        Column("started", gettext_lazy("Started"), keys=["created_at"]),
    ),
    own="-started",
    filters=(
        Filter(
            "state",
            {
                "open": Option(gettext_lazy("Waiting or running"), Q(finished_at=None)),
                "done": Option(gettext_lazy("Done"), Q(state="done")),
                "failed": Option(gettext_lazy("Failed"), Q(state="failed")),
            },
            label=gettext_lazy("Status"),
        ),
    ),
    table="two-line cards",
)


class JobCells(NamedTuple):
    """One job."""

    url: str
    title: str
    label: str
    person: str
    firm: str
    progress: str
    status: SafeString
    started: str


@access.roles()
@require_safe
def job_list(request: access.PortalRequest) -> HttpResponse:
    """The jobs, the newest first."""
    listing = JOBS.asked(request)
    found = listing.narrowed(LongJob.objects.visible_to(request.actor))
    page = listing.page(found.select_related("membership__user", "organization"))
    context = listing.context(page, _cells(page.rows, request.now))
    return render(request, "jobs/list.html", {**context, "count": listing.count(page, found)})


def _cells(jobs: Iterable[LongJob], now: datetime) -> list[JobCells]:
    return [
        JobCells(
            url=address("job-detail", job.pk),
            title=words.title(job),
            label=words.label(job),
            person=str(job.created_by),
            firm=job.organization.name,
            progress=words.progress(job),
            status=status(*words.status(job)),
            started=str(when(job.created_at, now)),
        )
        for job in jobs
    ]
