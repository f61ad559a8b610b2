"""A person's own settings: name, language, time zone and password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, notify
from accounts.actions import members, sessions
from accounts.errors import Conflict, Refused
from accounts.models import Topic, User
from accounts.scope import Actor

FIELDS = ("name", "language", "time_zone")
PROFILE_CHANGED = audit.Word(
    "profile.changed", gettext_lazy("Own profile changed"), area=audit.Area.SECURITY, saves=True
)
PASSWORD_CHANGED = audit.Word("password.changed", gettext_lazy("Own password changed"), area=audit.Area.SECURITY)


@transaction.atomic
def edit_profile(
    actor: Actor, user: User, *, values: Mapping[str, str], seen: Mapping[str, Any], now: datetime
) -> User:
    """Set one's own name, language and time zone; fields that do not differ are not written.

    `seen` has the values the form was filled with; Conflict where one has changed since. The row has no version, because jobs and
    sign-ins write it too. The audit keeps the names of the changed fields, not the personal values.
    """
    person = members.lock_self(user)
    if any(seen[name] != getattr(person, name) for name in FIELDS if name in seen):
        raise Conflict
    changed = sorted(name for name in FIELDS if values[name] != getattr(person, name))
    for name in changed:
        setattr(person, name, values[name])
    if changed:
        person.save(update_fields=changed)
        record(actor, PROFILE_CHANGED, person, fields=changed, now=now)
    return person


def change_password(actor: Actor, user: User, *, password: str, session_key: str | None, now: datetime) -> None:
    """Set a new password and end every other session.

    The form has checked it against the current password of `user`; if that was changed meanwhile, it is refused at `old_password`. The
    new password is checked and hashed before the row is locked, because hashing is slow.
    """
    known, user_password = user.password, make_password(password)
    with transaction.atomic():
        if members.lock_self(user).password != known:
            refusal = _("Your old password was entered incorrectly. Please enter it again.")
            raise Refused(refusal, field="old_password")
        _write(user, user_password)
        record(actor, PASSWORD_CHANGED, user, fields=["password"], now=now)
        sessions.record_new_password(user, but=session_key, now=now)


def reset_password(user: User, *, password: str, now: datetime) -> None:
    """Set the password of the person who opened the link of a mail, which the caller has checked; every session ends. Audited in each
    firm."""
    hashed = make_password(password)
    with transaction.atomic():
        _write(members.lock_self(user), hashed)
        user.password = hashed
        sessions.record_password_reset(user, now=now)


def send_reset_link(user: User, *, now: datetime) -> None:
    """Queue the mail with the link that sets a new password; it works for `PASSWORD_RESET_TIMEOUT` seconds, and until the password
    changes."""
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    notify.post(
        key=f"password-reset-{uuid4()}",
        topic=Topic.SECURITY,
        to=user,
        template="password_reset",
        context={
            "link": settings.SITE_URL + reverse("password-reset-confirm", args=[uid, token]),
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        },
        now=now,
        about=user,
        has_secret=True,
    )


def record(actor: Actor, word: audit.Word, user: User, *, fields: list[str], now: datetime) -> None:
    """Audit a change of one's own settings: the names of the fields only, because the audit is append-only and values are personal data."""
    if actor.organization is not None:
        audit.record(
            actor, word, user, now=now, tenant=actor.organization, after={"fields": fields}, label=f"#{user.pk}"
        )


def _write(user: User, hashed: str) -> None:
    """Write the password only: other fields were read before the lock and may have changed in another window."""
    user.password = hashed
    user.save(update_fields=["password"])
