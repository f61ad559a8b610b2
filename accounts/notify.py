"""Telling people: written into the outbox with the change itself, sent by a job after it, tried again, kept as proof."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.db import models, transaction
from django.template.loader import render_to_string
from django.utils import translation

from accounts import audit
from accounts.models import Mute, Notice, Organization, Topic, User
from accounts.models.notices import UNMUTABLE

log = logging.getLogger("smartplus.notices")

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12))
LEASE = timedelta(minutes=5)  # a worker that died while sending gives the notice back after it


def post(
    *,
    key: str,
    topic: Topic,
    to: User,
    template: str,
    context: dict[str, object],
    now: datetime,
    about: models.Model | None = None,
    tenant: Organization | None = None,
    has_secret: bool = False,
) -> Notice | None:
    """Queue one mail, inside the caller's transaction; the same `key` again is the same notice and is not queued twice.

    `templates/mail/<template>.txt` holds the subject in its first line and the text below, in the recipient's language. A muted
    topic is kept as muted, except where it must arrive (R8).
    """
    is_muted = topic not in UNMUTABLE and Mute.objects.filter(user=to, topic=topic).exists()
    with translation.override(to.language):
        subject, _, body = render_to_string(f"mail/{template}.txt", {**context, "user": to}).strip().partition("\n")
    notice = Notice(
        key=key,
        topic=topic,
        user=to,
        email=to.email,
        subject=" ".join(subject.split())[:200],
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
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
    return Notice.objects.filter(key=key).first()


def send_due(*, now: datetime, limit: int = 100) -> int:
    """Send what waits. Returns how many went out. A failure is kept with its reason and tried again, ever later."""
    return sum(_send(notice, now=now) for notice in list(Notice.objects.due(now)[:limit]))


def _send(notice: Notice, *, now: datetime) -> bool:
    claimed = Notice.objects.filter(pk=notice.pk, tries=notice.tries, next_try_at=notice.next_try_at).update(
        tries=notice.tries + 1, next_try_at=now + LEASE
    )
    if not claimed:
        return False
    try:
        EmailMessage(notice.subject, notice.body, to=[notice.email], headers={"X-Notice": notice.key}).send()
    except (OSError, SMTPException, ValueError) as problem:
        tries = notice.tries + 1
        is_hopeless = isinstance(
            problem, ValueError
        )  # no mail can be made of it (a line break in a header), now or later
        later = now + BACK_OFF[tries - 1] if tries <= len(BACK_OFF) and not is_hopeless else None
        Notice.objects.filter(pk=notice.pk).update(
            state=Notice.State.FAILED, last_error=f"{type(problem).__name__}: {problem}"[:300], next_try_at=later
        )
        log.warning("notice %s could not be sent: %s", notice.pk, type(problem).__name__)
        return False
    sent: dict[str, object] = {"state": Notice.State.SENT, "sent_at": now, "next_try_at": None, "last_error": ""}
    Notice.objects.filter(pk=notice.pk).update(**sent, **({"body": ""} if notice.has_secret else {}))
    return True


@transaction.atomic
def set_mutes(user: User, *, topics: set[str], now: datetime) -> None:
    """Mute exactly these topics; what must arrive is never among them (R8)."""
    wanted = {topic for topic in topics if topic in Topic.values and topic not in UNMUTABLE}
    Mute.objects.filter(user=user).exclude(topic__in=wanted).delete()
    known = set(Mute.objects.filter(user=user).values_list("topic", flat=True))
    Mute.objects.bulk_create(Mute(user=user, topic=topic, created_at=now) for topic in sorted(wanted - known))
