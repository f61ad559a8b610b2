"""The renewal that a stored card is charged for."""

from __future__ import annotations

from datetime import timedelta

from tests.people import NOW

SAVES, RENEWS = "SP-261122-SAVES", "SP-261222-RENEWS"
DUE = NOW + timedelta(days=27)


def charged(sandbox):
    return {name: row for name, row in sandbox.state()["moved"].items() if name != SAVES}
