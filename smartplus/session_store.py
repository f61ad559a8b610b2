"""Sessions in the database, read with the signed-in person: one statement for session, person, membership and firm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware as DjangoAuthenticationMiddleware
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from accounts import long_jobs
from accounts.actions import terms
from accounts.models import Document, Membership, User, UserSession
from accounts.prepared import PreparedQuery


def _sign_in(session_key: str, now: datetime) -> QuerySet[UserSession]:
    """The sign-in of a session with everything that each page asks about it, and the session's data (None once it has expired)."""
    stored = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=now)
    others = Membership.objects.filter(user=OuterRef("user"), is_active=True).exclude(pk=OuterRef("membership"))
    return (
        UserSession.objects.filter(session_key=session_key)
        .select_related("user", "membership__organization", "membership__user")
        .annotate(
            data=Subquery(stored.values("session_data")[:1]),
            has_others=Exists(others),
            open_jobs=long_jobs.open_of(by="membership"),
            **terms.columns_in_force(now),
        )[:1]
    )


SIGN_IN = PreparedQuery(_sign_in, "a session's key", datetime(1900, 1, 1, tzinfo=UTC))


class SessionStore(DatabaseStore):
    """Django's session store, whose load also reads `row`: the sign-in of the session, None where there is none (yet)."""

    row: UserSession | None = None
    has_others: bool = True  # whether the person has another usable membership, as far as the load knows
    open_jobs: int = 0  # long jobs of the person that wait or run, as far as the load knows

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """The same table as Django's."""
        return Session

    def _get_session_from_db(self) -> Any:
        """The stored session, or None. A session without a sign-in is read as Django reads it."""
        if not self.session_key:
            return None
        row: Any = SIGN_IN.first(self.session_key, timezone.now())
        if row is None or row.data is None:
            return super()._get_session_from_db()  # type: ignore[misc]
        self.row, self.has_others, self.open_jobs = row, row.has_others, row.open_jobs or 0
        return Session(session_key=self.session_key, session_data=row.data)

    def membership(self, chosen: object) -> Membership | None:
        """The membership with this key, if the load read it and it is usable."""
        found = self.row.membership if self.row else None
        if self.row is None or found is None or found.pk != chosen or found.user_id != self.row.user_id:
            return None
        if not (found.is_active and found.joined_at and found.organization.is_active and found.user.is_active):
            return None
        for document in Document:
            setattr(found, f"{document}_in_force", getattr(self.row, f"{document}_in_force"))
        return found


class AuthenticationMiddleware(DjangoAuthenticationMiddleware):
    """Django's middleware, which takes the person from the session's load where the session names that person."""

    def process_request(self, request: HttpRequest) -> None:
        """Set the person on the request, read at first use."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


def _user_of(request: Any) -> Any:
    if not hasattr(request, "_cached_user"):
        known = _known(request)
        request._cached_user = auth.get_user(request) if known is None else known
    return request._cached_user


def _known(request: Any) -> User | None:
    """The person from the load, if the session passes all of Django's checks. In every unusual case Django itself decides."""
    session = request.session
    user_id = session.get(auth.SESSION_KEY)  # this loads the session
    row = getattr(session, "row", None)
    if row is None or str(row.user_id) != str(user_id) or not row.user.is_active:
        return None
    mark = session.get(auth.HASH_SESSION_KEY) or ""
    return row.user if constant_time_compare(mark, row.user.get_session_auth_hash()) else None
