"""Digests of sets of ids of any size: they tell whether two sets differ, and name the ids if only a few differ.

Ids are divided into buckets; each has the number and the sum of its ids. Where two sets differ by one id in a bucket, the difference of the
sums is that id; where they differ by more, only the number is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Sum

BUCKETS = 127  # a prime, so that every second or tenth id of a list falls into different buckets
LONGEST = 18  # digits of a sum, which every database can store as a number


@dataclass(frozen=True, slots=True)
class Difference:
    """The ids that were removed and added. If `is_whole` is false, there are more than are named."""

    went: frozenset[int]
    came: frozenset[int]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class IdDigest:
    """The number of ids in each bucket, and their sum."""

    counts: tuple[int, ...]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, ids: Iterable[int]) -> IdDigest:
        """The digest of ids."""
        counts, sums = [0] * BUCKETS, [0] * BUCKETS
        for pk in ids:
            counts[pk % BUCKETS] += 1
            sums[pk % BUCKETS] += pk
        return cls(tuple(counts), tuple(sums))

    @classmethod
    def read(cls, text: str) -> IdDigest | None:
        """The digest in a text; None for other text."""
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
        """The text for a form or a row."""
        return ",".join(f"{n}-{total}" if n else "" for n, total in zip(self.counts, self.sums, strict=True))

    @property
    def count(self) -> int:
        """How many ids there are."""
        return sum(self.counts)

    def until(self, now: IdDigest) -> Difference:
        """The removed and added ids from this digest to another one."""
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
    """The state of a list when it was shown: a digest of its ids, and the newest id. Newer ids were never on it."""

    newest: int
    digest: IdDigest

    @classmethod
    def of_ids(cls, ids: Collection[int]) -> Mark:
        """The mark of ids."""
        return cls(max(ids, default=0), IdDigest.of(ids))

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> Mark:
        """The mark of rows, aggregated in the database; one statement."""
        counts, sums, newest = [0] * BUCKETS, [0] * BUCKETS, 0
        found = rows.order_by().annotate(bucket=F("pk") % BUCKETS).values("bucket")
        for row in found.annotate(n=Count("pk"), total=Sum("pk"), last=Max("pk")):
            counts[row["bucket"]], sums[row["bucket"]] = row["n"], int(row["total"])
            newest = max(newest, row["last"])
        return cls(newest, IdDigest(tuple(counts), tuple(sums)))

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """The mark that a form sends back; None for other text."""
        newest, _colon, rest = text.partition(":")
        digest = IdDigest.read(rest)
        if digest is None or not newest.isascii() or not newest.isdigit() or len(newest) >= LONGEST:
            return None
        return cls(int(newest), digest)

    @property
    def text(self) -> str:
        """The text for a form; its length does not depend on the list."""
        return f"{self.newest}:{self.digest.text}"
