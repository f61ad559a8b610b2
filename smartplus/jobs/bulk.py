"""Bulk changes of many apartments, and taking one back, as long jobs: one transaction, which also ends the job (R16)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import reverse

from accounts.errors import Refused
from accounts.long_jobs import Running
from accounts.models import FailedRow, LongJob
from communities.models import Apartment
from devices import actions
from devices.actions import MonitorEntry
from devices.bulk import Wanted
from devices.errors import BulkMonitorsRefused


def parameters_of(
    wanted: Wanted, digest: str, monitors: Mapping[int, MonitorEntry], *, may_wait: bool, query: str
) -> dict[str, Any]:
    """What a job needs to apply exactly the dry run with this digest; `query` is that of the page, for a new one."""
    return {
        "wanted": asdict(wanted),
        "digest": digest,
        "monitors": {str(pk): asdict(entry) for pk, entry in monitors.items()},
        "may_wait": may_wait,
        "query": query,
    }


def run(running: Running) -> None:
    """Apply the change wholly or not at all. Wrong monitors are listed, each with its reason."""
    asked = running.job.parameters
    monitors = {int(pk): MonitorEntry(**entry) for pk, entry in asked["monitors"].items()}
    try:
        with transaction.atomic():
            change = actions.apply_bulk_change(
                running.actor,
                site_id=running.job.site_id or 0,
                wanted=Wanted(**asked["wanted"]),
                digest=asked["digest"],
                monitors=monitors,
                may_wait=asked["may_wait"],
                now=running.at(),
            )
            running.forward(change.count)
            running.done(change=change.pk)
    except BulkMonitorsRefused as refusal:
        _name_wrong(running, refusal.errors)
        raise


def _name_wrong(running: Running, errors: Mapping[int, Refused]) -> None:
    places = Apartment.objects.filter(pk__in=errors).select_related("building").in_bulk()
    found = sorted((str(places[pk]), str(error)) for pk, error in errors.items() if pk in places)
    running.refuse(
        FailedRow(job=running.job, number=n, label=label[:200], reason=reason[:300])
        for n, (label, reason) in enumerate(found, start=1)
    )


def run_undo(running: Running) -> None:
    """Take a change back, exactly as its page showed it."""
    asked = running.job.parameters
    with transaction.atomic():
        back = actions.undo_bulk_change(
            running.actor, change_id=asked["change"], digest=asked["digest"], now=running.at()
        )
        running.forward(back.count)
        running.done(change=back.pk)


def page_of_change(job: LongJob) -> str:
    """The page of the change that the job made."""
    return reverse("change-detail", args=[job.result["change"]])


def page_of_preview(job: LongJob) -> str:
    """The page that shows what the same change would do now."""
    if "change" in job.parameters:
        return reverse("change-detail", args=[job.parameters["change"]])
    return f"{reverse('bulk-change', args=[job.site_id])}?{job.parameters['query']}"
