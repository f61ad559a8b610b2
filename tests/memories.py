"""Caches of the process that live between two requests; each test has to begin without them."""

from __future__ import annotations

from smartplus import health, heartbeats, session_store, wakeups

KNOWN = frozenset({"smartplus.health._looked", "smartplus.health._red", "smartplus.heartbeats._written", "smartplus.wakeups.breaker"})  # fmt: skip


def forget() -> None:
    """Reset each cache to its state at the start of a process."""
    health._looked.clear()
    health._red.clear()
    heartbeats._written.clear()
    session_store.SIGN_IN.statements.clear()
    wakeups.breaker.rests_until = wakeups.Breaker.rests_until
