"""Numbered slots: which of them are billed (R30, R34)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of an apartment or site as one service type finds it. `is_on`: it is billed now, not dormant. `is_reserved`: an open order holds it."""

    number: int
    is_on: bool
    expires_at: datetime | None = None
    is_reserved: bool = False

    @property
    def _rank(self) -> int:
        """A slot that was paid for, or is being paid for, stays; a dormant one with paid time replaces one that nobody paid for."""
        if self.is_on and (self.expires_at or self.is_reserved):
            return 0
        if self.expires_at:
            return 1
        return 2 if self.is_on else 3

    @property
    def order(self) -> tuple[int, float, int]:
        """Slots that come first are billed first; of paid ones the one with the latest expiry."""
        ends = self.expires_at or LONG_AGO
        return self._rank, -(ends - LONG_AGO).total_seconds(), self.number


def billed(there: Iterable[Slot], count: int) -> list[int]:
    """The numbers of the `count` slots that are billed, in their order.

    Of slots no longer needed, unpaid ones become dormant first, then the earliest expiry. Where more are needed, dormant ones with paid
    time come back first, then other dormant ones, then the lowest free numbers.
    """
    known = sorted(there, key=lambda slot: slot.order)
    numbers = [slot.number for slot in known[:count]]
    used, number = {slot.number for slot in known}, 0
    while len(numbers) < count:
        number += 1
        if number not in used:
            numbers.append(number)
    return sorted(numbers)
