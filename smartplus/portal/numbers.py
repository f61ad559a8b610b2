"""Numbers that people, or their browsers, put into addresses and forms."""

from __future__ import annotations

LONGEST = 18  # digits that any column of ids holds


def typed_id(text: str | None) -> int:
    """The id `text` says; 0, which no row has, for everything else: "²" counts as a digit, and some numbers are too long."""
    return int(text) if text and text.isdecimal() and len(text) <= LONGEST else 0
