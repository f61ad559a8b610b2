"""What the processes of the product remember between two requests: a test must not meet what another one left there."""

from __future__ import annotations

from smartplus import health, heartbeats, session_store, wakeups

KNOWN = frozenset({"smartplus.health._looked", "smartplus.health._red", "smartplus.heartbeats._written", "smartplus.wakeups.breaker"})  # fmt: skip


def forget() -> None:
    """Bring each of them back to how it is when a process starts."""
    health._looked.clear()
    health._red.clear()
    heartbeats._written.clear()
    session_store.SIGN_IN.statements.clear()
    wakeups.breaker.rests_until = wakeups.Breaker.rests_until
