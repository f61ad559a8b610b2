"""What a set of ids was, in little room, however large it was: enough to tell it from another one, and to name the few ids by which they
differ.

The ids fall into buckets, each keeping how many there are and their sum. Where two sets differ by one id in a bucket, the difference of
the sums is that id; where by more, only how many is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Sum

BUCKETS = 127  # a prime, so that every second or tenth id of a list falls into different ones
LONGEST = 18  # digits of a sum: what every database takes for a number


@dataclass(frozen=True, slots=True)
class Difference:
    """Which ids went and which came. Where `is_whole` is false there are more, or others, than are named."""

    went: frozenset[int]
    came: frozenset[int]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class IdDigest:
    """How many ids there are in each bucket, and their sum."""

    counts: tuple[int, ...]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, ids: Iterable[int]) -> IdDigest:
        """Of ids."""
        counts, sums = [0] * BUCKETS, [0] * BUCKETS
        for pk in ids:
            counts[pk % BUCKETS] += 1
            sums[pk % BUCKETS] += pk
        return cls(tuple(counts), tuple(sums))

    @classmethod
    def read(cls, text: str) -> IdDigest | None:
        """What `text` says; None where it says nothing."""
        parts = [part.partition("-") for part in text.split(",")]
        numbers = [number for count, dash, total in parts if dash for number in (count, total)]
        plain = all(number.isascii() and number.isdigit() and len(number) <= LONGEST for number in numbers)
        if len(parts) != BUCKETS or not plain or any(count and not dash for count, dash, _total in parts):
            return None
        return cls(
            tuple(int(count) if dash else 0 for count, dash, _total in parts),
            tuple(int(total) if dash else 0 for _count, dash, total in parts),
        )

    @property
    def text(self) -> str:
        """As a form or a row keeps it."""
        return ",".join(f"{n}-{total}" if n else "" for n, total in zip(self.counts, self.sums, strict=True))

    @property
    def count(self) -> int:
        """How many ids there are."""
        return sum(self.counts)

    def until(self, now: IdDigest) -> Difference:
        """What went and what came from this one to another one."""
        went: set[int] = set()
        came: set[int] = set()
        is_whole = True
        for bucket, (n, total) in enumerate(zip(self.counts, self.sums, strict=True)):
            more, moved = now.counts[bucket] - n, now.sums[bucket] - total
            pk = abs(moved)
            if more == moved == 0:
                continue
            if more in {1, -1} and pk % BUCKETS == bucket and (moved > 0) == (more > 0):
                (came if more > 0 else went).add(pk)
            else:
                is_whole = False
        return Difference(frozenset(went), frozenset(came), is_whole)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a list was when it was shown: its ids, and the newest of them. What is newer was never on it."""

    newest: int
    digest: IdDigest

    @classmethod
    def of_ids(cls, ids: Collection[int]) -> Mark:
        """Of ids."""
        return cls(max(ids, default=0), IdDigest.of(ids))

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> Mark:
        """Of rows, whose ids the database gathers; one statement."""
        counts, sums, newest = [0] * BUCKETS, [0] * BUCKETS, 0
        found = rows.order_by().annotate(bucket=F("pk") % BUCKETS).values("bucket")
        for row in found.annotate(n=Count("pk"), total=Sum("pk"), last=Max("pk")):
            counts[row["bucket"]], sums[row["bucket"]] = row["n"], int(row["total"])
            newest = max(newest, row["last"])
        return cls(newest, IdDigest(tuple(counts), tuple(sums)))

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """What a form sends back; None for anything else."""
        newest, _colon, rest = text.partition(":")
        digest = IdDigest.read(rest)
        if digest is None or not newest.isascii() or not newest.isdigit() or len(newest) >= LONGEST:
            return None
        return cls(int(newest), digest)

    @property
    def text(self) -> str:
        """As a form keeps it, however long the list is."""
        return f"{self.newest}:{self.digest.text}"
