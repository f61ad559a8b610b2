"""Whether mail can be sent, as the outbox shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, notify
from accounts.errors import NotPermitted
from accounts.models import Notice, Organization, Topic, User
from accounts.scope import Actor

MAIL_TESTED = audit.Word("mail.tested", _("Test mail sent"), _("Test mail sent to %(what)s"))


@dataclass(frozen=True, slots=True)
class MailState:
    """When mail was sent last, and the newest failure after that."""

    sent_at: datetime | None
    failed_at: datetime | None = None
    error: str = ""

    @property
    def failing(self) -> bool:
        """Whether nothing was sent since the last failure."""
        return self.failed_at is not None


def look() -> MailState:
    """Read the state from the outbox, in two statements. A failure counts until another mail was sent."""
    sent_at = (
        Notice.objects.filter(state=Notice.State.SENT).order_by("-sent_at").values_list("sent_at", flat=True).first()
    )
    failures = Notice.objects.filter(state=Notice.State.FAILED)
    failures = failures.filter(queued_at__gt=sent_at) if sent_at else failures
    failed = failures.order_by("-pk").only("queued_at", "last_error").first()
    return MailState(sent_at, failed.queued_at, failed.last_error) if failed else MailState(sent_at)


@transaction.atomic
def send_test(actor: Actor, user: User, *, now: datetime) -> None:
    """Queue a test mail to the actor; twice within a minute is one mail. Operator only."""
    if not actor.sees_all:
        raise NotPermitted
    key = f"test-mail-{user.pk}-{now:%Y%m%d%H%M}"
    if Notice.objects.filter(key=key).exists():
        return
    notify.post(key=key, topic=Topic.SECURITY, to=user, template="test_mail", context={}, now=now)
    operator = Organization.objects.get(pk=actor.organization_id)
    audit.record(actor, MAIL_TESTED, user, now=now, tenant=operator, label=user.email)
