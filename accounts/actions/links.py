"""One-time links by mail: sent, used, closed."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts import notify
from accounts.actions.invitations import LinkUsedUp
from accounts.models import MailLink, Topic, User
from accounts.models.invitations import digest_of

PURPOSE = MailLink.Purpose
VALID_FOR = {PURPOSE.SIGN_IN: timedelta(minutes=30), PURPOSE.ADDRESS: timedelta(hours=24)}


def make_link(
    person: User, *, purpose: MailLink.Purpose, email: str, asked_by_id: int | None, now: datetime
) -> tuple[MailLink, str]:
    """Create a link for a locked person and return its token; it replaces the person's previous link of this purpose. The token is not
    stored."""
    MailLink.objects.filter(user=person, purpose=purpose, used_at=None, closed_at=None).update(closed_at=now)
    token = secrets.token_urlsafe(32)
    link = MailLink.objects.create(
        user=person,
        purpose=purpose,
        digest=digest_of(token),
        email=email,
        asked_by_id=asked_by_id,
        created_at=now,
        expires_at=now + VALID_FOR[purpose],
    )
    return link, token


def find_link(token: str, *, purpose: MailLink.Purpose, now: datetime) -> MailLink:
    """The link with this token. Raises LinkUsedUp for every link that does not work, whatever the reason."""
    found = MailLink.objects.open(now).filter(purpose=purpose, user__is_active=True).select_related("user")
    link = found.filter(digest=digest_of(token)).first()
    if link is None:
        raise LinkUsedUp
    return link


def use_link(token: str, *, purpose: MailLink.Purpose, now: datetime) -> tuple[MailLink, User]:
    """Use a link, inside the caller's transaction. Returns the link and its person, both locked. Raises LinkUsedUp as `find_link` does."""
    person = User.objects.select_for_update(no_key=True).get(pk=find_link(token, purpose=purpose, now=now).user_id)
    link = MailLink.objects.open(now).select_for_update(no_key=True).filter(digest=digest_of(token)).first()
    if link is None:
        raise LinkUsedUp
    link.used_at = now
    link.save(update_fields=["used_at"])
    return link, person


@transaction.atomic
def send_sign_in_link(user: User, *, now: datetime) -> None:
    """Mail a person a link that lets it sign in although its account is throttled. Nobody is signed in, so nothing is audited; the mail
    itself is the record."""
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    link, token = make_link(person, purpose=PURPOSE.SIGN_IN, email=person.email, asked_by_id=None, now=now)
    notify.post(
        key=f"sign-in-link-{link.pk}",
        topic=Topic.SECURITY,
        to=person,
        template="sign_in_link",
        context={
            "token": token,
            "site_url": settings.SITE_URL,
            "minutes": int(VALID_FOR[PURPOSE.SIGN_IN].total_seconds() // 60),
        },
        now=now,
        about=person,
        has_secret=True,
    )


@transaction.atomic
def use_sign_in_link(token: str, *, now: datetime) -> User:
    """The person that the link was sent to; it may try its password again. Raises LinkUsedUp."""
    return use_link(token, purpose=PURPOSE.SIGN_IN, now=now)[1]
