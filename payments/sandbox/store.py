"""The sandbox's data: everything that must survive a restart, in one JSON file."""

from __future__ import annotations

import json
import secrets
import string
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ALPHABET = string.ascii_letters + string.digits
SECTIONS = (
    "sessions",
    "lines",
    "intents",
    "charges",
    "keys",
    "deliveries",
    "customers",
    "methods",
    "setups",
    "refunds",
)


class Clock:
    """The time in the sandbox: the machine's, ahead of or behind it, or an instant at which it stands still."""

    def __init__(self) -> None:
        self._fixed: int | None = None
        self._ahead = 0

    def freeze(self, instant: datetime | None) -> None:
        """Stand still at `instant`; None lets it run with the machine again."""
        self._fixed, self._ahead = (None if instant is None else int(instant.timestamp())), 0

    def set(self, *, fixed: int | None = None, ahead: int = 0) -> dict[str, int | None]:
        """Stand still at the second `fixed`, or run `ahead` seconds before the machine's clock; returns the setting of before."""
        before: dict[str, int | None] = {"fixed": self._fixed, "ahead": self._ahead}
        self._fixed, self._ahead = fixed, ahead
        return before

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time()) + self._ahead if self._fixed is None else self._fixed


class Store:
    """Sections of rows by id. Invariant: readers and writers hold `lock`; a writer calls `save` before it releases the lock."""

    def __init__(self, path: Path | None) -> None:
        self.lock = threading.RLock()
        self._path = path
        self.account = "acct_sandbox"
        stored: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}
        sections: list[dict[str, Any]] = [stored.get(name, {}) for name in SECTIONS]
        self.sessions, self.lines, self.intents, self.charges, self.keys, self.deliveries = sections[:6]
        self.customers, self.methods, self.setups, self.refunds = sections[6:]

    def save(self) -> None:
        """Write everything to the file; a crash leaves the old or the new state, never a part of one."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(".new")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps({name: getattr(self, name) for name in SECTIONS}))
        scratch.replace(self._path)


def new_id(prefix: str, length: int = 24) -> str:
    """A new id in Stripe's format."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(length))
