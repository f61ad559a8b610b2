"""The outbox of the tests: what waits is sent when a test looks for it, as the job does."""

from __future__ import annotations

from typing import Any

from django.core import mail
from django.utils import timezone

from accounts import notify


def sent() -> list[Any]:
    """Everything sent so far, after what waited has gone out too."""
    notify.send_due(now=timezone.now())
    return list(mail.outbox)


def sent_to(email: str) -> list[str]:
    """The subjects of what one person got, oldest first."""
    return [message.subject for message in sent() if message.to == [email]]
