"""Killing the process at every point: a forked child runs a journey and is killed at the given point."""

from __future__ import annotations

import os
import re
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django.db import connections
from requests.adapters import HTTPAdapter

PATIENCE_S = 30.0
READS = ("SELECT", "SAVEPOINT", "RELEASE")  # statements that leave nothing behind, whether they were run or not
Journey = Callable[[Any], None]  # run with the child's CrashPoints; asks it for answers and tells it the phases
Answer = Callable[[], Any]


@dataclass
class CrashPoints:
    """Lives in the child. Counts the points that it passes, and kills the process at number `cut_at`."""

    pipe: Connection
    cut_at: int | None = None
    phase: str = ""
    points: list[str] = field(default_factory=list)

    def ask(self) -> Any:
        """The parent's answer at this moment."""
        self.pipe.send(("ask", None))
        return self.pipe.recv()

    def point(self, what: str) -> None:
        """A point at which the process may be killed, without clean-up or a chance to catch it."""
        label = f"{self.phase}: {what}"
        if len(self.points) == self.cut_at:
            self.pipe.send(("cut", label))
            os.kill(os.getpid(), signal.SIGKILL)
        self.points.append(label)

    def surround(self, what: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A point before and a point after a call; when killed there, the result of the call is lost."""
        self.point(f"before {what}")
        answer = call(*args, **kwargs)
        self.point(f"after {what}")
        return answer

    def place_points(self) -> None:
        """Put points around every statement, every end of a transaction, and every HTTP request."""
        connection = connections["default"]
        connection.ensure_connection()
        connection.execute_wrappers.append(
            lambda execute, sql, *rest: self.surround(_short(sql), partial(execute, sql, *rest))
        )
        for name in ("_commit", "_rollback"):  # Django does not run these as statements
            setattr(connection, name, partial(self.surround, name.strip("_").upper(), getattr(connection, name)))
        send = HTTPAdapter.send

        def cut_send(adapter: HTTPAdapter, request: Any, **options: Any) -> Any:
            path = re.sub(r"(cs_test|pi|pm)_\w+", "…", urlsplit(request.url).path)
            return self.surround(f"{request.method} {path}", send, adapter, request, **options)

        HTTPAdapter.send = cut_send  # type: ignore[assignment,method-assign]


def _short(sql: str) -> str:
    words = re.search(r'^\s*(\w+)(?:.*?(?:FROM |INTO |(?<=UPDATE) )"?(\w+)"?)?', sql, re.DOTALL)
    assert words is not None
    return " ".join(word for word in words.groups() if word)


def walk(journey: Journey, *, answer: Answer) -> list[str]:
    """Let a child run the whole journey; returns the points that it passed, in order."""
    kind, points = _fork(journey, None, answer)
    assert kind == "arrived", points
    return list(points)


def telling(points: list[str]) -> list[int]:
    """The points at which a crash leaves a different state, by number.

    Everything before a COMMIT is rolled back, so a crash after BEGIN, before COMMIT or between them leaves the same rows: one point between
    them is enough. The same holds between two statements that only read. CRASH_EVERYWHERE=1 takes all points.
    """
    if os.environ.get("CRASH_EVERYWHERE") == "1":
        return list(range(len(points)))
    is_inside, found, within = False, [], 0
    for index, label in enumerate(points):
        _phase, when, what = re.split(r":? ", label, maxsplit=2)
        word = what.partition(" ")[0]
        if word == "BEGIN":
            is_inside, within = when == "after", index
        elif word in {"COMMIT", "ROLLBACK"}:
            if when == "before" and is_inside:
                found.append((within + index) // 2)
            found.append(index)
            is_inside = False
        elif "/" in what or (not is_inside and word not in READS):
            found.append(index)
    return sorted(found)


def kill(journey: Journey, *, at: int, answer: Answer) -> str:
    """Let a child run the journey until it is killed at point number `at`; returns the name of the point."""
    kind, label = _fork(journey, at, answer)
    assert kind == "cut", label
    return str(label)


def _fork(journey: Journey, cut_at: int | None, answer: Answer) -> tuple[str, Any]:
    ours, theirs = Pipe()
    connections.close_all()  # two processes must not share a connection
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the sandbox's threads; the child never needs their locks
        pid = os.fork()
    if pid == 0:
        _child(journey, CrashPoints(theirs, cut_at))
    theirs.close()
    last: tuple[str, Any] = ("silent", f"nothing was heard for {PATIENCE_S} seconds")
    try:
        while ours.poll(PATIENCE_S):
            last = ours.recv()
            if last[0] == "ask":
                ours.send(answer())
    except EOFError:  # the child was killed
        pass
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    ours.close()
    assert last[0] != "cut" or os.WTERMSIG(status) == signal.SIGKILL
    _wait_for_the_server()
    return last


def _child(journey: Journey, crash_points: CrashPoints) -> NoReturn:
    try:
        crash_points.place_points()
        journey(crash_points)
        crash_points.pipe.send(("arrived", crash_points.points))
    except BaseException:
        crash_points.pipe.send(("broke", traceback.format_exc()))
    os._exit(0)


def _wait_for_the_server() -> None:
    """Wait until PostgreSQL has noticed the end of the child and rolled back its transaction; SQLite's locks end with the process."""
    connection = connections["default"]
    if connection.vendor != "postgresql":
        return
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + PATIENCE_S
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(others)
            if cursor.fetchone()[0] == 0:
                return
            time.sleep(0.002)
    raise AssertionError("the killed child's session is still there")
