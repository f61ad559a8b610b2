"""Sweeps whose items do not stop one another: each is fenced, its failure written at it, and the rest goes on."""

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
MAX_TRIES = 10  # four days; then a person has to look
EXPECTED_BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30))  # a server that is back is asked soon
WHOLE_JOB = 0  # the `item_id` of a job that broke outside its items


class NotNow(Exception):
    """The item was not tried: another process has it, or its server is left alone. No failure, no try."""


class Budget:
    """How long a sweep may work, looked at between its items; and what time it is for a sweep that began at `now`."""

    def __init__(self, seconds: float = math.inf, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began, self._seconds = clock, clock(), seconds

    @property
    def is_over(self) -> bool:
        """Whether the next item has to wait for the next run."""
        return self._clock() - self._began >= self._seconds

    def at(self, now: datetime) -> datetime:
        """The instant it is by now: a sweep keeps the `now` it began with, but a lease runs in real time."""
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
    """Do `work` to each item, as long as the budget lasts; the sum of what it answers.

    What an item raises stays with it: an ItemFailure with tries, error and next try. `expects` are the errors of servers that do not
    answer, which are never given up. `postpone` is for tables that keep their own next try: it writes and answers it, or raises
    NotNow where another has the item. An item that works out loses its failure; NotNow changes nothing.
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
        except Exception as problem:  # the fence: whatever it is, it is this item's and not the next one's
            is_expected = isinstance(problem, expects)
            trace = None if is_expected else problem
            log.warning("job %s, item %s: %s", job, key(item), in_words(problem), exc_info=trace)
            mend_connections()
            try:
                next_try = postpone(item, problem) if postpone else None
            except NotNow:  # another process has it by now, and says what becomes of it
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
    """The ids to work on now: those of `waiting` that never failed (and are `fresh`), in the order of `by`, and between them
    those that failed and whose next try has come. So neither kind starves the other, however many there are.

    `waiting` is what needs the work at all; a failure of what no longer does is forgotten.
    """
    rows = ItemFailure.objects.filter(job=job).exclude(item_id=WHOLE_JOB)
    unfailed = (waiting.filter(fresh) if fresh is not None else waiting).order_by(*by).values_list("pk", flat=True)
    if not rows.exists():  # nearly always: this runs every few seconds
        return list(unfailed[:limit])
    first = list(unfailed.exclude(pk__in=rows.values("item_id"))[:limit])
    retried = list(rows.due(now).values_list("item_id", flat=True)[:limit])
    known = {*retried, *rows.filter(next_try_at=None).order_by("tried_at").values_list("item_id", flat=True)[:limit]}
    if not known:
        return first
    still = set(waiting.filter(pk__in=known).values_list("pk", flat=True))
    if known - still:
        with transaction.atomic():  # what another process forgets at this moment needs no waiting for
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
    """Write that an item failed, once more or for the first time, and when it is tried again; `is_set` takes `next_try_at` as it is."""
    with transaction.atomic():
        row, _is_new = ItemFailure.objects.select_for_update(no_key=True).get_or_create(
            job=job, item_id=item_id, defaults={"failed_at": now, "tried_at": now, "error": ""}
        )
        row.tries += 1
        row.error, row.is_expected, row.tried_at = in_words(problem), is_expected, now
        row.next_try_at = next_try_at if is_set else later(row.tries, now=now, is_expected=is_expected)
        if row.is_given_up:
            row.told_at = None  # that is news
        row.save()


def later(tries: int, *, now: datetime, is_expected: bool = False) -> datetime | None:
    """When to try again after so many tries; None for never."""
    pauses = EXPECTED_BACK_OFF if is_expected else BACK_OFF
    if tries >= MAX_TRIES and not is_expected:
        return None
    return now + pauses[min(tries, len(pauses)) - 1]


def resting(job: str, now: datetime) -> QuerySet[Any, Any]:
    """The ids of items that failed and are not to be tried at present."""
    return ItemFailure.objects.filter(job=job).exclude(next_try_at__lte=now).values("item_id")


def failed(job: str, item_ids: Sequence[int]) -> set[int]:
    """Those of the items that failed and did not work out since."""
    if not item_ids:
        return set()
    return set(ItemFailure.objects.filter(job=job, item_id__in=item_ids).values_list("item_id", flat=True))


def forget(job: str, item_id: int) -> None:
    """The item worked out, or needs nothing any more."""
    if ItemFailure.objects.filter(job=job, item_id=item_id).delete()[0]:
        log.info("job %s, item %s: worked out", job, item_id)


def mend_connections() -> None:
    """Drop connections that broke, so that the next statement opens a new one: a database that was started again costs an item at most."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def in_words(problem: Exception) -> str:
    """An error for the operator's list: its kind and its message, one line."""
    detail = str(getattr(problem, "detail", "") or problem).replace(
        "\0", ""
    )  # PostgreSQL stores no NUL, and no half characters
    text = f"{type(problem).__name__}: {' '.join(detail.split())}"
    return text.encode("utf-8", "replace").decode()[:500]
