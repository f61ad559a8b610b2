"""The session of a request: begun at the sign-in, followed from page to page, marked once the second factor was shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from accounts import clients
from accounts.actions import sessions as actions
from accounts.models import Membership, User
from smartplus import throttle

# What is kept in the session.
SESSION_KEY = "membership"  # under which of the person's memberships it works
ROW = "session_row"
BEGAN, SEEN = "began", "seen"  # seconds of Unix time
VERIFIED = "two_factor"
OWES_CODE = "owes_code"
TOOK_APP = "took_app"
KNOWN_COOKIE, KNOWN_FOR = "sp_known", timedelta(days=365)
MOST_KNOWN = 20  # people who share one browser


def begin(request: HttpRequest, response: HttpResponse, user: User, *, is_first: bool, now: datetime) -> None:
    """Note the completed sign-in: its row, the membership it works under, the browser as known to this person.

    `is_first` says that the person never signed in before: then there is nothing to compare with, and nothing to tell.
    """
    session = request.session
    usable = Membership.objects.usable().filter(user=user)
    membership = usable.filter(pk=session.get(SESSION_KEY) or 0).first() or usable.order_by("pk").first()
    if membership is not None:
        session[SESSION_KEY] = membership.pk  # from here on the session stands and falls with it
    known = _known_people(request)
    if not session.session_key:
        session.save()
    row = actions.begin_session(
        user,
        session_key=session.session_key or "",
        membership=membership,
        address=clients.masked(throttle.client_address(request)),
        client=clients.in_words(request.headers.get("User-Agent", "")),
        is_known=is_first or user.pk in known,
        now=now,
    )
    session[ROW] = row.pk
    session[BEGAN] = session[SEEN] = int(now.timestamp())
    people = [user.pk, *(pk for pk in known if pk != user.pk)][:MOST_KNOWN]
    response.set_signed_cookie(
        KNOWN_COOKIE,
        ".".join(map(str, people)),
        salt=KNOWN_COOKIE,
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def owe_code(request: HttpRequest) -> None:
    """Mark the session: the password was right, and a code is still to come before it is one."""
    request.session[OWES_CODE] = True


def is_left_half(request: HttpRequest, user: User) -> bool:
    """Whether this session waited for a code when two-factor was switched off or reset: the password alone began none, and it
    stands in no list of sessions that somebody could end."""
    return user.two_factor_at is None and bool(request.session.get(OWES_CODE))


def verify(request: HttpRequest, user: User) -> None:
    """Mark the session: its person has shown the second factor. Who had the key of the session before has it no longer."""
    request.session.cycle_key()
    request.session.pop(OWES_CODE, None)
    request.session[VERIFIED] = _mark_of(user)


def is_verified(request: HttpRequest, user: User) -> bool:
    """Whether this session has shown the second factor that is asked for now; one set up anew is to be shown anew."""
    return request.session.get(VERIFIED) == _mark_of(user)


def address_of(request: HttpRequest) -> str:
    """Where the request comes from, masked, as it may be kept."""
    return clients.masked(throttle.client_address(request))


@contextmanager
def followed(request: HttpRequest, *, now: datetime) -> Iterator[None]:
    """Before the page: note that the session is in use, or end it. After it: keep its row in step with its key."""
    session = request.session
    row, key = session.get(ROW), session.session_key
    if row is not None:
        is_over = now.timestamp() - session.get(BEGAN, 0) > settings.SESSION_COOKIE_AGE
        is_stale = now.timestamp() - session.get(SEEN, 0) >= actions.SEEN_EVERY.total_seconds()
        if is_over or (is_stale and not actions.see_session(row, session_key=key or "", now=now)):
            logout(request)
        elif is_stale:
            session[SEEN] = int(now.timestamp())
    yield
    if row is None or session.session_key == key:
        return
    if session.get(ROW) == row and session.session_key:
        actions.see_session(row, session_key=session.session_key, now=now)
    elif key:
        actions.end_own_session(key)


def _mark_of(user: User) -> str:
    return user.two_factor_at.isoformat() if user.two_factor_at else ""


def _known_people(request: HttpRequest) -> list[int]:
    """Who completed a sign-in in this browser before."""
    text = request.get_signed_cookie(KNOWN_COOKIE, default="", salt=KNOWN_COOKIE, max_age=KNOWN_FOR)
    return [int(part) for part in (text or "").split(".") if part.isdecimal()]
