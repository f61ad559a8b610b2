"""Numbers that people, or their browsers, put into addresses and forms."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 18  # digits that any column of ids holds


def as_ranges(ids: Iterable[int]) -> str:
    """Ids in a short text: "12-40,43". Pages post back in this form which rows they showed."""
    parts: list[list[int]] = []
    for number in sorted(ids):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def from_ranges(text: str, *, most: int) -> set[int]:
    """The ids of `as_ranges`; {0}, which no row has, for everything else, and where they would be more than `most`."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low, high = typed_id(first), typed_id(last if dash else first)
        if not 0 < low <= high < low + most or len(found) + high - low + 1 > most:
            return {0}
        found.update(range(low, high + 1))
    return found


def typed_id(text: str | None) -> int:
    """The id `text` says; 0, which no row has, for everything else: "²" counts as a digit, and some numbers are too long."""
    return int(text) if text and text.isdecimal() and len(text) <= LONGEST else 0
