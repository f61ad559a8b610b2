"""Sessions of people: begun, used, ended; and what a new password does to them."""

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
SEEN_EVERY = timedelta(minutes=1)  # a page must not cost a write each time
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
    """Note a sign-in; from a browser that this person was not seen with before, tell by mail. `address` is masked already."""
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
    """Delete what nobody can be signed in with any more, here and in the store, some at a time. Returns how many sessions there were."""
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
    with transaction.atomic():  # what somebody ends at this moment needs no waiting for
        some = rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
        keys = list(some[:FORGOTTEN_AT_ONCE])
        deleted: int = rows.model._base_manager.filter(pk__in=keys).delete()[0]
    return deleted


def see_session(session_id: int, *, session_key: str, now: datetime) -> bool:
    """Note that a session is in use, under the key it has by now. False when its row is gone: it was ended."""
    return bool(UserSession.objects.filter(pk=session_id).update(session_key=session_key, last_seen_at=now))


@transaction.atomic
def end_session(actor: Actor, user: User, *, session_id: int, now: datetime) -> None:
    """Sign one device of `user` out. UserSession.DoesNotExist for somebody else's."""
    ended = UserSession.objects.of(user).get(pk=session_id)
    _end([ended])
    _record(actor, SESSION_ENDED, user, now=now, after={"sessions": 1})


@transaction.atomic
def end_other_sessions(actor: Actor, user: User, *, but: str, now: datetime) -> tuple[int, int]:
    """Sign every device of `user` out except the session with the key `but`, and end what its programs hold.

    Returns how many devices and how many tokens that were.
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
    """Sign every device of `user` out, as part of another action, which audits it."""
    _end(UserSession.objects.of(user))


def end_own_session(session_key: str) -> None:
    """Forget the session that signs out; the store forgets it by itself."""
    UserSession.objects.filter(session_key=session_key).delete()


@transaction.atomic
def record_new_password(
    user: User, *, but: str | None, now: datetime, reason: RevokedFor = RevokedFor.PASSWORD
) -> None:
    """After a new password: every other session ends at once (its hash would refuse it anyway), so do API tokens, since whoever knew
    the old one may have made some; and the person is told.

    `but` is the session that changed it, None where it was set by mail.
    """
    user.password_at = now
    user.save(update_fields=["password_at"])
    _end(UserSession.objects.of(user).exclude(session_key=but or ""))
    revocation.revoke_tokens_of(user, reason=reason, now=now)
    revocation.close_links(user, now=now)
    tell(user, "password_changed", key=f"password-{user.pk}-{now.isoformat()}", now=now)


@transaction.atomic
def record_password_reset(user: User, *, now: datetime) -> None:
    """After a password set by the link of a mail: as `record_new_password`, and audited in every firm the person works for, since
    nobody is signed in who would work for one of them."""
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
    ):  # rows go in the one order, whatever order they are shown in
        store(session.session_key).delete()
        session.delete()


def _record(actor: Actor, word: audit.Word, user: User, *, now: datetime, after: dict[str, object]) -> None:
    """A person's own data have no place in a log that is never shortened, so the label is a number."""
    if (firm := firm_of(actor)) is not None:
        audit.record(actor, word, user, now=now, tenant=firm, after=after, label=f"#{user.pk}")
