"""Mail in tests: waiting notices are sent when a test looks for mail, as the job does."""

from __future__ import annotations

from typing import Any

from django.core import mail
from django.utils import timezone

from accounts import notify


def sent() -> list[Any]:
    """All mail sent so far, after sending what waits."""
    notify.send_due(now=timezone.now())
    return list(mail.outbox)


def sent_to(email: str) -> list[str]:
    """The subjects of all mail to one person, oldest first."""
    return [message.subject for message in sent() if message.to == [email]]
