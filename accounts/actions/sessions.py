"""Sessions of people: started, used, ended, and ended by a new password."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit, fences, notify
from accounts.actions import revocation
from accounts.clients import Client
from accounts.models import Membership, Topic, User, UserSession, firm_of
from accounts.models.tokens import RevokedFor
from accounts.scope import Actor

FORGOTTEN_AT_ONCE = 1000
SEEN_EVERY = timedelta(minutes=1)  # a request must not cost a write each time
SESSION_ENDED = audit.Word("session.ended", _("Signed out elsewhere"), area=audit.Area.SECURITY)
PASSWORD_RESET = audit.Word("password.reset", _("Own password set by the link in a mail"), area=audit.Area.SECURITY)


@transaction.atomic
def begin_session(
    user: User,
    *,
    session_key: str,
    membership: Membership | None,
    address: str,
    client: Client,
    is_known: bool,
    now: datetime,
) -> UserSession:
    """Record a sign-in. If this person was not seen with this browser before, a mail tells it. `address` is masked already."""
    begun = UserSession.objects.create(
        user=user,
        membership=membership,
        session_key=session_key,
        created_at=now,
        last_seen_at=now,
        address=address[:45],
        device=client.device[:40],
        browser=client.browser[:60],
    )
    if not is_known:
        tell(user, "new_device", key=f"new-device-{begun.pk}", now=now, session=begun)
    return begun


def forget_old(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Delete session rows, and sessions of the store, that can't be used any more, in batches. Returns how many."""
    deleted = 0
    too_old = UserSession.objects.filter(created_at__lt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE))
    for rows in (too_old.order_by("created_at"), Session.objects.filter(expire_date__lt=now).order_by("expire_date")):
        while budget is None or not budget.is_over:
            some = _delete_some(rows)
            deleted += some
            if some < FORGOTTEN_AT_ONCE:
                break
    return deleted


def _delete_some(rows: QuerySet[Any]) -> int:
    with transaction.atomic():  # rows that are being ended at this moment are skipped
        some = rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
        keys = list(some[:FORGOTTEN_AT_ONCE])
        deleted: int = rows.model._base_manager.filter(pk__in=keys).delete()[0]
    return deleted


def see_session(session_id: int, *, session_key: str, now: datetime) -> bool:
    """Record that a session is in use, under its present key. False when its row is gone, because it was ended."""
    return bool(UserSession.objects.filter(pk=session_id).update(session_key=session_key, last_seen_at=now))


@transaction.atomic
def end_session(actor: Actor, user: User, *, session_id: int, now: datetime) -> None:
    """Sign one device of `user` out. Raises UserSession.DoesNotExist for another person's session."""
    ended = UserSession.objects.of(user).get(pk=session_id)
    _end([ended])
    _record(actor, SESSION_ENDED, user, now=now, after={"sessions": 1})


@transaction.atomic
def end_other_sessions(actor: Actor, user: User, *, but: str, now: datetime) -> tuple[int, int]:
    """Sign out every device of `user` except the session with the key `but`, and end the person's tokens.

    Returns how many devices and how many tokens.
    """
    others = list(UserSession.objects.of(user).exclude(session_key=but))
    alive = UserSession.objects.of(user).alive(now).exclude(session_key=but).count()
    _end(others)
    revoked = revocation.revoke_tokens_of(user, reason=RevokedFor.SIGNED_OUT, now=now)
    revocation.close_links(user, now=now)
    if others or revoked:
        after: dict[str, object] = {"sessions": alive, **({"tokens": revoked} if revoked else {})}
        _record(actor, SESSION_ENDED, user, now=now, after=after)
    return alive, revoked


def end_all_sessions(user: User) -> None:
    """Sign every device of `user` out; used inside another action, which audits it."""
    _end(UserSession.objects.of(user))


def end_own_session(session_key: str) -> None:
    """Forget the session that signs out; Django removes it from the store."""
    UserSession.objects.filter(session_key=session_key).delete()


@transaction.atomic
def record_new_password(
    user: User, *, but: str | None, now: datetime, reason: RevokedFor = RevokedFor.PASSWORD
) -> None:
    """After a new password: end every other session (its hash would be refused anyway) and every API token, since a person who knew the
    old password may have made some; and mail the person.

    `but` is the session that changed the password, None where it was set by mail.
    """
    user.password_at = now
    user.save(update_fields=["password_at"])
    _end(UserSession.objects.of(user).exclude(session_key=but or ""))
    revocation.revoke_tokens_of(user, reason=reason, now=now)
    revocation.close_links(user, now=now)
    tell(user, "password_changed", key=f"password-{user.pk}-{now.isoformat()}", now=now)


@transaction.atomic
def record_password_reset(user: User, *, now: datetime) -> None:
    """After a password set by the link of a mail: as `record_new_password`, and audited in every firm the person works for, because
    nobody is signed in for one of them."""
    for membership in (
        Membership.objects.usable().filter(user=user).select_related("organization", "user").order_by("pk")
    ):
        _record(membership.actor(), PASSWORD_RESET, user, now=now, after={"fields": ["password"]})
    record_new_password(user, but=None, now=now, reason=RevokedFor.PASSWORD_RESET)


def tell(user: User, template: str, *, key: str, now: datetime, **context: object) -> None:
    """Queue one security mail; such mail can't be muted (R8)."""
    notify.post(
        key=key,
        topic=Topic.SECURITY,
        to=user,
        template=template,
        context={**context, "at": now, "site_url": settings.SITE_URL},
        now=now,
        about=user,
    )


def _end(sessions: Iterable[UserSession]) -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for session in sorted(
        sessions, key=lambda session: session.pk
    ):  # rows are locked in the order of ids, whatever order they are shown in
        store(session.session_key).delete()
        session.delete()


def _record(actor: Actor, word: audit.Word, user: User, *, now: datetime, after: dict[str, object]) -> None:
    """Audit with a number as label: the audit is append-only, so personal data must not be in it."""
    if (firm := firm_of(actor)) is not None:
        audit.record(actor, word, user, now=now, tenant=firm, after=after, label=f"#{user.pk}")
