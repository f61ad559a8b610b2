"""Faults that can be switched on: each happens a given number of times and then stops."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

NAMES = {
    "create_fails_after": "a Checkout Session is made, yet the answer is a 500, which its key replays",
    "create_times_out_after": "a Checkout Session is made, yet no answer comes",
    "intent_fails_after": "a charge is prepared, yet the answer is a 500, which its key replays",
    "intent_times_out_after": "a charge is prepared, yet no answer comes",
    "charge_fails_after": "a stored card is charged, yet the answer is a 500, which its key replays",
    "charge_times_out_after": "a stored card is charged, yet no answer comes",
    "unavailable": "the API answers 503 and does nothing",
    "rate_limited": "the API answers 429 and does nothing",
    "key_in_use": "the API answers 409, as if the same key were at work this moment, and does nothing",
    "webhook_duplicate": "the messages of one event are sent twice",
    "webhook_late": "they are held until released",
    "webhook_reordered": "they are sent in reverse order",
    "webhook_lost": "they are never sent",
    "wrong_amount": "an approval takes half of the amount",
}


@dataclass
class Faults:
    """The faults that are switched on, and how long (seconds) a missing answer lets its caller wait."""

    hang_s: float = 30.0
    armed: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def arm(self, name: str, times: int = 1) -> None:
        """Let this fault happen the next `times` times; raises KeyError for an unknown fault."""
        NAMES[name]
        with self._lock:
            self.armed[name] = times

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self.armed.clear()

    def take(self, name: str) -> bool:
        """Whether the fault happens this time; uses up one of its times."""
        with self._lock:
            left = self.armed.get(name, 0)
            if left > 1:
                self.armed[name] = left - 1
            else:
                self.armed.pop(name, None)
            return left > 0
