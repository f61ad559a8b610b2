"""Reporting failures of jobs to the operator: by mail once a day for each job, and on a page."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import fences, notify
from accounts.models import CircuitBreaker, ItemFailure, Kind, Membership, Topic

log = logging.getLogger("smartplus.jobs")

SERVERS: dict[str, Promise] = {"mail": _("The mail server")}
PATIENCE = 4  # tries, nearly an hour, before a missing answer of a server is reported for an item


def record_broken(job: str, problem: Exception, *, now: datetime) -> None:
    """A job failed outside its items: the next run tries it again. If the database is gone, only the log has the error."""
    try:
        fences.mend_connections()
        fences.record_failure(job, fences.WHOLE_JOB, problem, now=now, next_try_at=now, is_set=True)
    except DatabaseError as trouble:
        log.error("job %s: its failure can't be written down: %s", job, trouble)


def record_whole(job: str) -> None:
    """The job ran to its end."""
    if fences.failed(job, [fences.WHOLE_JOB]):
        fences.forget(job, fences.WHOLE_JOB)


def tell(job: str, label: Promise, *, now: datetime) -> None:
    """Mail the operator's people about new failures of a job, and about servers that do not answer; at most once a day for each."""
    try:
        with transaction.atomic():
            _tell_failures(job, label, now=now)
            _tell_breakers(now=now)
    except DatabaseError as trouble:
        log.error("job %s: its failures can't be told: %s", job, trouble)


def _tell_failures(job: str, label: Promise, *, now: datetime) -> None:
    unreported = ItemFailure.objects.filter(job=job, told_at=None)
    unreported = unreported.filter(Q(is_expected=False) | Q(tries__gte=PATIENCE))
    first = unreported.order_by("failed_at", "pk").first()
    if first is None:
        return
    count = unreported.count()
    unreported.update(told_at=now)
    kind = "given-up" if first.is_given_up else "failed"
    _post(
        f"job-{kind}:{job}.{now:%Y%m%d}",
        now,
        kind="job",
        label=label,
        count=count,
        error=first.error,
        given_up=first.is_given_up,
    )


def _tell_breakers(*, now: datetime) -> None:
    for breaker in CircuitBreaker.objects.exclude(opened_at=None).filter(told_at=None):
        CircuitBreaker.objects.filter(pk=breaker.pk).update(told_at=now)
        _post(
            f"breaker:{breaker.name}.{now:%Y%m%d}",
            now,
            kind="server",
            label=server_name(breaker.name),
            error=breaker.error,
        )


def server_name(name: str) -> str:
    """The name of a breaker's server that people see."""
    return str(SERVERS.get(name, name.capitalize()))


def _post(key: str, now: datetime, *, label: Promise | str, **context: object) -> None:
    operators = Membership.objects.usable().filter(organization__kind=Kind.OPERATOR)
    for member in operators.select_related("user", "organization").order_by("pk"):
        with timezone.override(member.user.time_zone), translation.override(member.user.language):
            notify.post(
                key=f"{key}:{member.user_id}",
                topic=Topic.PAYMENT_FAILED,
                to=member.user,
                template="work_failed",
                context={"label": str(label), "site_url": settings.SITE_URL, **context},
                now=now,
                tenant=member.organization,
            )
