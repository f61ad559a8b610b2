"""Ticked rows of a list that is longer than its page: single rows, or all that match except some. A form sends the
same with and without script."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.http import QueryDict

from smartplus.portal.kit.numbers import as_ranges, from_ranges, typed_id
from subscriptions.id_digests import Mark

EVERY = "all"  # what the box of a list sends that is too long to be gone through for a mark each time it is shown


@dataclass(frozen=True, slots=True)
class Ticks:
    """What is ticked: `ids`, on this page or on others, or with a `mark` everything that was on the list then, but for what is `out`.

    `is_unseen`: the whole of a long list was just ticked, and nobody was shown yet how much that is: `seen` gives it its mark.
    """

    ids: frozenset[int] = frozenset()
    mark: Mark | None = None
    out: frozenset[int] = frozenset()
    is_unseen: bool = False

    @property
    def is_all(self) -> bool:
        """Whether the list is chosen as a whole."""
        return self.mark is not None or self.is_unseen

    def seen(self, mark: Mark) -> Ticks:
        """The same of the list as it is now."""
        return replace(self, mark=mark, is_unseen=False)

    def has(self, pk: int) -> bool:
        """Whether a row is ticked, if it is on the list that is chosen."""
        return pk <= self.mark.newest and pk not in self.out if self.mark else pk in self.ids

    def elsewhere(self, page: Collection[int]) -> str:
        """The rows that are ticked, or taken out, on other pages: the form has to send them along."""
        return as_ranges((self.out if self.is_all else self.ids) - set(page))


def read(sent: QueryDict, *, most: int) -> Ticks:
    """What a form sends: the boxes `item` and `all` (a mark, or `EVERY`, for which `mark` has one once the whole was priced), and what it
    carries along: `rows`, the ids of the page, `elsewhere`, and `together`, which says that the boxes of the rows follow that of all: one
    that is not ticked is then taken out."""
    ids = {typed_id(pk) for pk in sent.getlist("item")}
    rows, elsewhere = _ranges(sent, "rows", most=most), _ranges(sent, "elsewhere", most=most)
    all_of = str(sent.get("all", ""))
    if not all_of:
        return Ticks(frozenset(ids if sent.get("together") else ids | elsewhere - rows))
    mark = Mark.read(str(sent.get("mark", "")) if all_of == EVERY else all_of)
    if mark is None and all_of != EVERY:
        return Ticks(frozenset(ids | {0}))
    out = frozenset((elsewhere - rows) | (rows - ids)) if sent.get("together") else frozenset[int]()
    return Ticks(mark=mark, out=out, is_unseen=mark is None)


def _ranges(sent: QueryDict, name: str, *, most: int) -> set[int]:
    text = sent.get(name, "")
    return from_ranges(text, most=most) if text else set()
