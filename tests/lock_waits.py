"""Waiting for locks of other sessions (PostgreSQL)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection


def alone(attempt: Callable[[], Any]) -> Any:
    """Run in a thread with its own connection, which is closed at the end."""
    try:
        return attempt()
    finally:
        connection.close()


def wait_for_waiting(sessions: int) -> None:
    """Wait until so many sessions of this database wait for a lock."""
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] == sessions:
                return
            time.sleep(0.005)
    raise AssertionError(f"there were never {sessions} sessions waiting")
