"""Notices: written to the outbox in the transaction of the change, sent later by a job, retried, kept as proof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPConnectError, SMTPException, SMTPServerDisconnected

from django.db import models, transaction
from django.template.loader import render_to_string
from django.utils import translation

from accounts import audit, breakers, fences, mail
from accounts.models import Mute, Notice, Organization, Topic, User
from accounts.models.notices import UNMUTABLE

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12))
LEASE = timedelta(minutes=5)  # after it a notice whose worker died while sending is sent by another one
NO_ANSWER = (TimeoutError, ConnectionError, SMTPConnectError, SMTPServerDisconnected)


@dataclass(frozen=True, slots=True)
class Stranger:
    """A recipient without a login."""

    email: str
    language: str


def post(
    *,
    key: str,
    topic: Topic,
    to: User | Stranger,
    template: str,
    context: dict[str, object],
    now: datetime,
    about: models.Model | None = None,
    tenant: Organization | None = None,
    has_secret: bool = False,
    email: str = "",
) -> Notice | None:
    """Queue one mail inside the caller's transaction. A second mail with the same `key` is not queued. For the other arguments see
    `draft`."""
    is_muted = topic not in UNMUTABLE and isinstance(to, User) and Mute.objects.filter(user=to, topic=topic).exists()
    put(
        [
            draft(
                key=key, topic=topic, to=to, template=template, context=context, now=now, about=about, tenant=tenant,
                has_secret=has_secret, email=email, is_muted=is_muted,
            )
        ]
    )  # fmt: skip
    return Notice.objects.filter(key=key).first()


def put(notices: Iterable[Notice]) -> None:
    """Queue drafts; one statement."""
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def muted(topic: Topic, *, by: str) -> models.Exists:
    """Whether the person in the column `by` has muted a topic; for `draft`."""
    return models.Exists(Mute.objects.filter(user=models.OuterRef(by), topic=topic))


def draft(
    *,
    key: str,
    topic: Topic,
    to: User | Stranger,
    template: str,
    context: dict[str, object],
    now: datetime,
    is_muted: bool,
    about: models.Model | None = None,
    tenant: Organization | None = None,
    has_secret: bool = False,
    email: str = "",
) -> Notice:
    """One mail, not queued yet.

    `templates/mail/<template>.txt` has the subject in its first line and the text below; it is rendered in the recipient's language. A
    muted topic is stored as muted, unless it can't be muted (R8). `email` is used where the recipient's address is being changed.
    """
    is_muted = is_muted and topic not in UNMUTABLE
    with translation.override(to.language):
        subject, _, body = render_to_string(f"mail/{template}.txt", {**context, "user": to}).strip().partition("\n")
    return Notice(
        key=key,
        topic=topic,
        user=to if isinstance(to, User) else None,
        email=email or to.email,
        language="" if isinstance(to, User) else to.language,
        subject=" ".join(subject.split()),
        body=body.strip() + "\n",
        has_secret=has_secret,
        about_type=about._meta.model_name or "" if about else "",
        about_id=about.pk if about else None,
        organization=tenant,
        state=Notice.State.MUTED if is_muted else Notice.State.QUEUED,
        queued_at=now,
        next_try_at=None if is_muted else now,
        **(audit.tenant_keys(tenant) if tenant else {}),
    )


def send_due(*, now: datetime, budget: fences.Budget | None = None, limit: int = 100) -> int:
    """Send waiting mail over one connection, the longest waiting first. Returns how many were sent. A failure is stored with its
    reason, and each wait before the next try is longer. The circuit breaker stops calls to a mail server that does not answer."""
    budget = budget or fences.Budget()
    with mail.Batch(now=now) as batch:

        def send(notice: Notice) -> int:
            with breakers.guard("mail", trips_on=NO_ANSWER, at=lambda: budget.at(now)):
                return _send(notice, batch, now=now, lease_from=budget.at(now))

        return fences.each(
            "mail", list(Notice.objects.due(now)[:limit]), send,
            now=now, budget=budget, expects=(OSError, SMTPException), postpone=partial(_postpone, now=now),
        )  # fmt: skip


def _send(notice: Notice, batch: mail.Batch, *, now: datetime, lease_from: datetime) -> int:
    claimed = Notice.objects.filter(pk=notice.pk, tries=notice.tries, next_try_at=notice.next_try_at).update(
        tries=notice.tries + 1, next_try_at=lease_from + LEASE
    )
    if not claimed:
        raise fences.NotNow
    batch.send(notice)
    sent: dict[str, object] = {"state": Notice.State.SENT, "sent_at": now, "next_try_at": None, "last_error": ""}
    Notice.objects.filter(pk=notice.pk).update(**sent, **({"body": ""} if notice.has_secret else {}))
    return 1


def _postpone(notice: Notice, problem: Exception, *, now: datetime) -> datetime | None:
    """Store the failure in the notice; returns the time of the next try."""
    tries = notice.tries + 1
    is_unrecoverable = isinstance(
        problem, ValueError
    )  # the notice can't be made into a mail (such as a line break in a header), so no try will succeed
    later = now + BACK_OFF[tries - 1] if tries <= len(BACK_OFF) and not is_unrecoverable else None
    Notice.objects.filter(pk=notice.pk).exclude(state=Notice.State.SENT).update(
        state=Notice.State.FAILED, last_error=fences.in_words(problem)[:300], next_try_at=later
    )
    return later


def try_again(notice_id: int, *, now: datetime) -> None:
    """Send a failed mail now, at a person's request. Its number of tries starts again at zero."""
    Notice.objects.filter(pk=notice_id, state=Notice.State.FAILED).update(next_try_at=now, tries=0)


@transaction.atomic
def set_mutes(user: User, *, topics: set[str], now: datetime) -> None:
    """Mute exactly these topics, except those that can't be muted (R8)."""
    wanted = {topic for topic in topics if topic in Topic.values and topic not in UNMUTABLE}
    Mute.objects.filter(user=user).exclude(topic__in=wanted).delete()
    known = set(Mute.objects.filter(user=user).values_list("topic", flat=True))
    Mute.objects.bulk_create(Mute(user=user, topic=topic, created_at=now) for topic in sorted(wanted - known))
