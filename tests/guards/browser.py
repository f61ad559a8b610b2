"""Opens a page as one of the people, and rolls back what that did to the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from django.contrib.messages import WARNING
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.utils.datastructures import MultiValueDict

from accounts.models import UserSession
from smartplus import sessions
from tests.flows.tenants import project_models
from tests.guards.pages import Pairs, without_token
from tests.guards.watch import Ledger, writes
from tests.guards.world import World
from tests.people import NOW

HTMX = {"HTTP_HX_REQUEST": "true"}
NEW_EACH_TIME = {"X-Request-ID", "Content-Length"}


@dataclass(frozen=True)
class Answer:
    """The answer, and what it did before the rollback."""

    asked: str
    status: int
    raw: bytes
    headers: dict[str, str]
    cookies: tuple[str, ...]
    flashes: tuple[str, ...]
    tables: frozenset[str]
    leaks: tuple[str, ...]
    problem: str = ""
    names: frozenset[str] = frozenset()  # names read from the query or the form
    is_refusal: bool = False  # it reports that something went wrong
    grown: frozenset[str] = frozenset()  # models with more rows after the request was sent a second time

    @property
    def body(self) -> str:
        """The body as text."""
        return self.raw.decode(errors="replace")

    @property
    def text(self) -> str:
        """Everything that a person could read in it."""
        return "\n".join([self.body, *self.headers.values(), *self.flashes]).lower()

    def alike(self, *typed: str) -> tuple[Any, ...]:
        """What must be equal for a foreign and a missing id: everything but the typed text and new ids."""

        def blurred(text: str) -> str:
            for word in typed:
                text = text.replace(word, "§")
            return text

        location = re.sub(r"\d+|cs_\w+|SP-\w+-\w+", "N", blurred(self.headers.get("Location", "")))
        others = {name: value for name, value in self.headers.items() if name not in {"Location"}}
        return (
            self.status, blurred(without_token(self.body)), location, tuple(sorted(others.items())), self.cookies,
            tuple(map(blurred, self.flashes)),
        )  # fmt: skip


@dataclass
class Browser:
    """One client for all people; each request begins with only the session cookie of the person."""

    world: World
    ledger: Ledger
    sessions: dict[str, str]
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    requests: int = 0
    known: dict[tuple[Any, ...], Answer] = field(default_factory=dict)

    def ask_once(
        self,
        person: str | None,
        method: str,
        path: str,
        data: Pairs | None = None,
        *,
        htmx: bool = False,
        target: str = "",
        token: str = "",
    ) -> Answer:
        """As `ask`, with the same answer for the same request: clock and rows are unchanged, since everything is rolled back. Only the
        answers to the last person are cached."""
        if next(iter(self.known), (person,))[0] != person:
            self.known.clear()
        request = (person, method, path, tuple(data or ()), htmx, target, token)
        if request not in self.known:
            self.known[request] = self.ask(person, method, path, data, htmx=htmx, target=target, token=token)
        return self.known[request]

    def ask(
        self,
        person: str | None,
        method: str,
        path: str,
        data: Pairs | None = None,
        *,
        htmx: bool = False,
        target: str = "",
        token: str = "",
        is_second: bool = False,
    ) -> Answer:
        """Send a request; what it wrote is recorded and rolled back. With `is_second` it is sent twice, and `grown` names the tables with
        more rows after the second time."""
        self.requests += 1
        client = self.client
        client.cookies = SimpleCookie({"sessionid": self.sessions[person]} if person else {})
        extra: dict[str, Any] = {**(HTMX if htmx or target else {}), **({"HTTP_HX_TARGET": target} if target else {})}
        if token:
            extra["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        body = urlencode(data or [])
        before = transaction.savepoint()
        try:
            if is_second:
                client.generic(method, path, body, "application/x-www-form-urlencoded", **extra)
            counts = rows_of_all() if is_second else {}
            with writes() as seen, names_read() as read:
                response: Any = client.generic(method, path, body, "application/x-www-form-urlencoded", **extra)
            grown = {name for name, n in rows_of_all().items() if n > counts[name]} if is_second else set()
            leaks = self.ledger.leaks(person, seen.tables) if person and seen.tables else []
        finally:
            transaction.savepoint_rollback(before)
            connection.needs_rollback = False
        storage = getattr(response.wsgi_request, "_messages", None)
        raw = b"".join(response.streaming_content) if response.streaming else response.content
        return Answer(
            asked=f"{person or 'anonymous'} {method}{' htmx' if htmx or target else ''}{' by token' if token else ''} {path}"
            + (f" {body[:300]}" if body else ""),
            status=response.status_code,
            raw=raw,
            headers={name: value for name, value in response.items() if name not in NEW_EACH_TIME},
            cookies=tuple(sorted(name for name in response.cookies if name != "sessionid")),
            flashes=tuple(str(flash.message) for flash in getattr(storage, "_queued_messages", ())),
            tables=frozenset(seen.tables),
            grown=frozenset(grown),
            leaks=tuple(leaks),
            problem=repr(response.exc_info[1]) if getattr(response, "exc_info", None) else "",
            names=frozenset(
                name
                for bag, name in read
                if bag is (response.wsgi_request.POST if method == "POST" else response.wsgi_request.GET)
            ),
            is_refusal=any(flash.level >= WARNING for flash in getattr(storage, "_queued_messages", ())),
        )


def rows_of_all() -> dict[str, int]:
    """The number of rows of each project model."""
    return {model.__name__: model._default_manager.count() for model in project_models()}


def sign_in(world: World, person: str) -> str:
    """Begin a session as the sign-in page does, with its row, because otherwise every request would write one; returns its cookie."""
    client, membership = Client(), world.person(person).membership
    client.force_login(membership.user, backend="accounts.backends.EmailBackend")
    session = client.session
    session[sessions.SESSION_KEY] = membership.pk
    session.save()
    UserSession.objects.create(
        user=membership.user, membership=membership, session_key=session.session_key or "", created_at=NOW, last_seen_at=NOW
    )  # fmt: skip
    return client.cookies["sessionid"].value


@contextmanager
def names_read() -> Iterator[list[tuple[Any, str]]]:
    """The names that a view reads from queries and forms."""
    names: list[tuple[Any, str]] = []
    originals = {name: getattr(MultiValueDict, name) for name in ("__getitem__", "get", "getlist")}

    def spy(original: Any) -> Any:
        def read(self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(self, QueryDict):
                names.append((self, key))
            return original(self, key, *args, **kwargs)

        return read

    for name, original in originals.items():
        setattr(MultiValueDict, name, spy(original))
    try:
        yield names
    finally:
        for name, original in originals.items():
            setattr(MultiValueDict, name, original)
