"""What differs between two texts, word by word, for people to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

CONTEXT_WORDS = 6  # unchanged words shown on either side of a change
SAME, GONE, NEW = "same", "gone", "new"
HEADING = re.compile(r"^#{1,6}\s+(.*)$")


@dataclass(frozen=True, slots=True)
class Change:
    """One changed paragraph: its heading, and its pieces (SAME, GONE or NEW, text)."""

    heading: str
    pieces: tuple[tuple[str, str], ...]


def changes(old: str, new: str) -> list[Change]:
    """The paragraphs that were added, removed or changed, in the order of the new text."""
    before, after = _paragraphs(old), _paragraphs(new)
    texts_before, texts_after = [text for _, text in before], [text for _, text in after]
    found: list[Change] = []
    for kind, a, b, c, d in SequenceMatcher(None, texts_before, texts_after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for was, now_is in zip_longest(before[a:b], after[c:d]):
            if was is None:
                found.append(Change(now_is[0], ((NEW, now_is[1]),)))
            elif now_is is None:
                found.append(Change(was[0], ((GONE, was[1]),)))
            else:
                found.append(Change(now_is[0], tuple(_pieces(was[1], now_is[1]))))
    return found


def _paragraphs(text: str) -> list[tuple[str, str]]:
    """(heading, paragraph), in order; line breaks inside a paragraph become spaces."""
    found, heading = [], ""
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        words = " ".join(block.split())
        if not words:
            continue
        if match := HEADING.match(words):
            heading = match[1]
        found.append(("" if match else heading, words))
    return found


def _pieces(old: str, new: str) -> list[tuple[str, str]]:
    was, now_is = old.split(), new.split()
    found: list[tuple[str, str]] = []
    steps = SequenceMatcher(None, was, now_is, autojunk=False).get_opcodes()
    for at, (kind, a, b, c, d) in enumerate(steps):
        if kind == "equal":
            found.append((SAME, _shortened(was[a:b], is_first=at == 0, is_last=at == len(steps) - 1)))
            continue
        if b > a:
            found.append((GONE, " ".join(was[a:b])))
        if d > c:
            found.append((NEW, " ".join(now_is[c:d])))
    return found


def _shortened(words: list[str], *, is_first: bool, is_last: bool) -> str:
    head = [] if is_first else words[:CONTEXT_WORDS]
    tail = [] if is_last else words[-CONTEXT_WORDS:]
    if len(words) <= len(head) + len(tail) + 1:
        return " ".join(words)
    return " ".join([*head, "…", *tail])
