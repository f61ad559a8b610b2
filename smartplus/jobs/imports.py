"""Imports of apartments as long jobs: some hundred rows a step, each step a transaction that is done once."""

from __future__ import annotations

from itertools import islice

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.long_jobs import Running
from accounts.models import FailedRow, LongJob
from devices import actions

STEP = 250  # rows of one transaction
IMPORT_ID = "import"  # the parameter


def run(running: Running) -> None:
    """Write the rows that were taken and are not written yet; what changed since the check is listed with its reason."""
    job, import_id = running.job, int(running.job.parameters[IMPORT_ID])
    waiting = iter(actions.numbers_to_write(running.actor, import_id))
    done, numbers = job.done, {key: int(job.result.get(key, 0)) for key in ("new", "changed", "unchanged")}
    while some := list(islice(waiting, STEP)):
        with transaction.atomic():
            written = actions.write_rows(running.actor, import_id=import_id, numbers=some, now=running.at())
            for key in numbers:
                numbers[key] += getattr(written, key)
            where = reverse("import-detail", args=[import_id])
            running.refuse(
                FailedRow(
                    job=job, number=number, label=label[:200], reason=reason[:300], url=f"{where}?show=failed",
                    action=_("See the row"),
                )
                for number, (label, reason) in written.failed.items()
            )  # fmt: skip
            done += len(some)
            running.forward(done, **numbers)


def page_of(job: LongJob) -> str:
    """The list of what the job imported."""
    return reverse("import-detail", args=[job.parameters[IMPORT_ID]])
