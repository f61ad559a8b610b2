"""Item fences for jobs: each item is worked alone, its failure is stored, and the others continue."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import Q, QuerySet

from accounts.models import ItemFailure

log = logging.getLogger("smartplus.jobs")

Item = TypeVar("Item")

BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 720))
MAX_TRIES = 10  # that is four days; then a person has to look
# While a server does not answer: short waits, so that work continues soon after it is back.
EXPECTED_BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30))
WHOLE_JOB = 0  # `item_id` for a failure of the job itself, outside its items


class NotNow(Exception):
    """The item was not tried: another process has it, or its server's breaker is open. Counts neither as failure nor as try."""


class Budget:
    """The time that a job may take, checked between items; and the present instant for a job that began at `now`."""

    def __init__(self, seconds: float = math.inf, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began, self._seconds = clock, clock(), seconds

    @property
    def is_over(self) -> bool:
        """Whether the remaining items have to wait for the next run."""
        return self._clock() - self._began >= self._seconds

    def at(self, now: datetime) -> datetime:
        """The present instant: a job keeps the `now` it began with, but a lease runs in real time."""
        return now + timedelta(seconds=self._clock() - self._began)


def each(
    job: str,
    items: Sequence[Item],
    work: Callable[[Item], int],
    *,
    now: datetime,
    budget: Budget | None = None,
    key: Callable[[Item], int] = attrgetter("pk"),
    expects: type[Exception] | tuple[type[Exception], ...] = (),
    postpone: Callable[[Item, Exception], datetime | None] | None = None,
    forgets: bool = True,
) -> int:
    """Do `work` for each item until the budget is used; returns the sum of the results.

    An exception of an item is stored as its ItemFailure, with tries, error and next try. `expects` are errors of servers that do not
    answer; these are never given up. `postpone` is for tables with their own next try: it writes and returns it, or raises NotNow where
    another process has the item. A successful item loses its failure; NotNow changes nothing.
    """
    done, budget = 0, budget or Budget()
    before = failed(job, [key(item) for item in items])
    for position, item in enumerate(items):
        if budget.is_over:
            log.warning("job %s: its time is over, %s items wait for the next run", job, len(items) - position)
            break
        mend_connections()
        try:
            done += work(item)
        except NotNow:
            continue
        except Exception as problem:  # the fence: any error belongs to this item and must not stop the next one
            is_expected = isinstance(problem, expects)
            trace = None if is_expected else problem
            log.warning("job %s, item %s: %s", job, key(item), in_words(problem), exc_info=trace)
            mend_connections()
            try:
                next_try = postpone(item, problem) if postpone else None
            except NotNow:  # another process has the item now, and records its result
                continue
            record_failure(
                job, key(item), problem, now=now, is_expected=is_expected, next_try_at=next_try, is_set=bool(postpone)
            )
        else:
            if forgets and key(item) in before:
                forget(job, key(item))
    return done


def due(
    job: str, waiting: QuerySet[Any], *, by: Sequence[Any], now: datetime, limit: int, fresh: Q | None = None
) -> list[int]:
    """The ids to work on now: those in `waiting` that never failed (and are `fresh`), in the order of `by`, mixed with those that
    failed and whose next try has come, so that neither kind has to wait for all of the other.

    `waiting` is the query of everything that needs the work; failures of items that are no longer in it are deleted.
    """
    rows = ItemFailure.objects.filter(job=job).exclude(item_id=WHOLE_JOB)
    unfailed = (waiting.filter(fresh) if fresh is not None else waiting).order_by(*by).values_list("pk", flat=True)
    if not rows.exists():  # the usual case, every few seconds
        return list(unfailed[:limit])
    first = list(unfailed.exclude(pk__in=rows.values("item_id"))[:limit])
    retried = list(rows.due(now).values_list("item_id", flat=True)[:limit])
    known = {*retried, *rows.filter(next_try_at=None).order_by("tried_at").values_list("item_id", flat=True)[:limit]}
    if not known:
        return first
    still = set(waiting.filter(pk__in=known).values_list("pk", flat=True))
    if known - still:
        with transaction.atomic():  # rows that another process is deleting are skipped
            gone = rows.filter(item_id__in=known - still).select_for_update(no_key=True, skip_locked=True)
            rows.filter(pk__in=list(gone.values_list("pk", flat=True))).delete()
    again = [pk for pk in retried if pk in still]
    return [pk for pair in zip_longest(first, again) for pk in pair if pk is not None]


def record_failure(
    job: str,
    item_id: int,
    problem: Exception,
    *,
    now: datetime,
    is_expected: bool = False,
    next_try_at: datetime | None = None,
    is_set: bool = False,
) -> None:
    """Record that an item failed, and when it is tried again. With `is_set` the given `next_try_at` is kept as it is."""
    with transaction.atomic():
        row, _is_new = ItemFailure.objects.select_for_update(no_key=True).get_or_create(
            job=job, item_id=item_id, defaults={"failed_at": now, "tried_at": now, "error": ""}
        )
        row.tries += 1
        row.error, row.is_expected, row.tried_at = in_words(problem), is_expected, now
        row.next_try_at = next_try_at if is_set else later(row.tries, now=now, is_expected=is_expected)
        if row.is_given_up:
            row.told_at = None  # a new error is reported anew
        row.save()


def later(tries: int, *, now: datetime, is_expected: bool = False) -> datetime | None:
    """The instant of the next try after so many tries; None when it is given up."""
    pauses = EXPECTED_BACK_OFF if is_expected else BACK_OFF
    if tries >= MAX_TRIES and not is_expected:
        return None
    return now + pauses[min(tries, len(pauses)) - 1]


def resting(job: str, now: datetime) -> QuerySet[Any, Any]:
    """The ids of items that failed and whose next try has not come."""
    return ItemFailure.objects.filter(job=job).exclude(next_try_at__lte=now).values("item_id")


def failed(job: str, item_ids: Sequence[int]) -> set[int]:
    """Those of the items that failed and were not successful since."""
    if not item_ids:
        return set()
    return set(ItemFailure.objects.filter(job=job, item_id__in=item_ids).values_list("item_id", flat=True))


def forget(job: str, item_id: int) -> None:
    """Delete the failure of an item that was successful or no longer needs the work."""
    if ItemFailure.objects.filter(job=job, item_id=item_id).delete()[0]:
        log.info("job %s, item %s: worked out", job, item_id)


def mend_connections() -> None:
    """Drop broken connections, so that the next statement opens a new one: a restart of the database costs one item at most."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def in_words(problem: Exception) -> str:
    """An exception in one line for the operator's list: its class and message."""
    detail = str(getattr(problem, "detail", "") or problem).replace(
        "\0", ""
    )  # PostgreSQL stores no NUL and no half surrogate pairs
    text = f"{type(problem).__name__}: {' '.join(detail.split())}"
    return text.encode("utf-8", "replace").decode()[:500]
