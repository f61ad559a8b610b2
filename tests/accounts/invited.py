"""An invitation, and the link that its mail carries."""

from __future__ import annotations

import re

from django.core import mail

from accounts import actions, notify
from accounts.models import AuditEvent, Invitation, Membership, Notice, User
from tests.people import NOW, Person

ELIN = "elin@hafen.example"


def invite(by: Person, *, email: str = ELIN, name: str = "Elin Sjöberg", **more) -> Membership:
    more.setdefault("organization_id", by.firm.pk)
    return actions.invite(by.actor, email=email, name=name, language="en", now=NOW, **more)


def token_of_last_mail(now=NOW) -> str:
    """Send what waits and read the link out of the newest mail."""
    notify.send_due(now=now)
    found = re.search(r"http://testserver/invitation/([\w-]+)/", str(mail.outbox[-1].body))
    assert found
    return found[1]


def everything() -> tuple[int, ...]:
    return tuple(model._default_manager.count() for model in (User, Membership, Invitation, Notice, AuditEvent))
