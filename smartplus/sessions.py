"""The session of a request: begun at sign-in, followed at each request, marked once the second factor was given."""

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

# Keys in the session.
SESSION_KEY = "membership"  # the membership that it works under
ROW = "session_row"
BEGAN, SEEN = "began", "seen"  # seconds of Unix time
VERIFIED = "two_factor"
OWES_CODE = "owes_code"
TOOK_APP = "took_app"
KNOWN_COOKIE, KNOWN_FOR = "sp_known", timedelta(days=365)
MOST_KNOWN = 20  # people who share one browser


def begin(request: HttpRequest, response: HttpResponse, user: User, *, is_first: bool, now: datetime) -> None:
    """Record the completed sign-in: its row, its membership, and the browser as known to this person.

    `is_first`: the person never signed in before, so there is no known browser to compare with, and no mail.
    """
    session = request.session
    usable = Membership.objects.usable().filter(user=user)
    membership = usable.filter(pk=session.get(SESSION_KEY) or 0).first() or usable.order_by("pk").first()
    if membership is not None:
        session[SESSION_KEY] = membership.pk  # the session ends when this row is deleted
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
    """Mark the session: the password was right, and a code is still needed."""
    request.session[OWES_CODE] = True


def is_left_half(request: HttpRequest, user: User) -> bool:
    """Whether this session waited for a code when two-factor was switched off or reset. It never became a sign-in, and is in no list in
    which a person could end it."""
    return user.two_factor_at is None and bool(request.session.get(OWES_CODE))


def verify(request: HttpRequest, user: User) -> None:
    """Mark the session: its person has given the second factor. Its key changes, so a person who had the old key has no access."""
    request.session.cycle_key()
    request.session.pop(OWES_CODE, None)
    request.session[VERIFIED] = _mark_of(user)


def is_verified(request: HttpRequest, user: User) -> bool:
    """Whether this session has given the present second factor; after a new set-up it has to be given again."""
    return request.session.get(VERIFIED) == _mark_of(user)


def address_of(request: HttpRequest) -> str:
    """The address of the request, masked for storing."""
    return clients.masked(throttle.client_address(request))


@contextmanager
def followed(request: HttpRequest, *, now: datetime) -> Iterator[None]:
    """Before the page: record that the session is in use, or end it. After it: update its row if the key has changed."""
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
    """People who completed a sign-in in this browser before."""
    text = request.get_signed_cookie(KNOWN_COOKIE, default="", salt=KNOWN_COOKIE, max_age=KNOWN_FOR)
    return [int(part) for part in (text or "").split(".") if part.isdecimal()]
