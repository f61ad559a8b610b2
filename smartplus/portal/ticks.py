"""Ticks of a list that is longer than its page: some one by one, or all that match but for some. A form with script and one without send
the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.http import QueryDict

from smartplus.portal.numbers import as_ranges, from_ranges, typed_id
from subscriptions.sketches import Mark


@dataclass(frozen=True, slots=True)
class Ticks:
    """What is ticked: `ids`, on this page or on others, or with a `mark` everything that was on the list then, but for what is `out`."""

    ids: frozenset[int] = frozenset()
    mark: Mark | None = None
    out: frozenset[int] = frozenset()

    @property
    def is_all(self) -> bool:
        """Whether the list is chosen as a whole."""
        return self.mark is not None

    def has(self, pk: int) -> bool:
        """Whether a row is ticked, if it is on the list that is chosen."""
        return pk <= self.mark.newest and pk not in self.out if self.mark else pk in self.ids

    def elsewhere(self, page: Collection[int]) -> str:
        """What is ticked, or taken out, on other pages: what the form has to carry along."""
        return as_ranges((self.out if self.is_all else self.ids) - set(page))


def read(sent: QueryDict, *, most: int) -> Ticks:
    """What a form sends: the boxes `item` and `all` (a mark), and what it carries along: `rows`, the ids of the page, `elsewhere`, and
    `together`, which says that the boxes of the rows follow that of all: one that is not ticked is then taken out."""
    ids = {typed_id(pk) for pk in sent.getlist("item")}
    rows, elsewhere = _ranges(sent, "rows", most=most), _ranges(sent, "elsewhere", most=most)
    all_of = str(sent.get("all", ""))
    if not all_of:
        return Ticks(frozenset(ids if sent.get("together") else ids | elsewhere - rows))
    mark = Mark.read(all_of)
    if mark is None:
        return Ticks(frozenset(ids | {0}))
    if not sent.get("together"):
        return Ticks(mark=mark)
    return Ticks(mark=mark, out=frozenset((elsewhere - rows) | (rows - ids)))


def _ranges(sent: QueryDict, name: str, *, most: int) -> set[int]:
    text = sent.get(name, "")
    return from_ranges(text, most=most) if text else set()
