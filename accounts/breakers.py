"""Circuit breakers: all processes stop calling a server that does not answer, because time-outs at every item would block everything
else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db.models import F

from accounts import fences
from accounts.errors import ActionError
from accounts.fences import NotNow
from accounts.models import CircuitBreaker

log = logging.getLogger("smartplus.jobs")

LIMIT = 3  # failures in a row that open the breaker
REST = (timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2))  # longer after each failed probe
PROBE = timedelta(minutes=2)  # the time that one process has for its probe; longer than any call

Errors: TypeAlias = type[Exception] | tuple[type[Exception], ...]


class Resting(NotNow):
    """The breaker is open: the item was not tried."""


@dataclass
class Call:
    """Filled by the guarded work: `was_made` is False where the server was not called after all."""

    was_made: bool = True


def resting(now: datetime) -> list[str]:
    """The names of the servers whose breaker is open now."""
    return list(CircuitBreaker.objects.filter(open_until__gt=now).values_list("name", flat=True))


@contextmanager
def guard(name: str, *, trips_on: Errors, but_not: Errors = (), at: Callable[[], datetime]) -> Iterator[Call]:
    """Run the guarded work with the server `name`; raises Resting instead while its breaker is open.

    When the wait is over, one process probes the server (half-open) and the others keep waiting. `at` returns the present instant,
    since a call may take a minute. `trips_on` are the errors that mean "no answer"; `but_not` are exceptions from them.
    """
    row = CircuitBreaker.objects.filter(name=name).first()
    probe = _take_probe(row, at()) if row is not None and row.open_until is not None else None
    call = Call()
    try:
        yield call
    except but_not:
        _give_back(row, probe)
        raise
    except trips_on as problem:
        fences.mend_connections()
        _record_failure(name, problem, at())
        raise
    except ActionError:  # the server answered, even if it refused
        _record_answer(row)
        raise
    except Exception:  # an error of our own says nothing about the server
        fences.mend_connections()
        _give_back(row, probe)
        raise
    if call.was_made:
        _record_answer(row)
    else:
        _give_back(row, probe)


def _take_probe(row: CircuitBreaker, now: datetime) -> datetime:
    """Half-open: the process that moves `open_until` forward makes the probe."""
    assert row.open_until is not None
    if now < row.open_until:
        raise Resting(row.name)
    until = now + PROBE
    if not CircuitBreaker.objects.filter(pk=row.pk, open_until=row.open_until).update(open_until=until):
        raise Resting(row.name)
    return until


def _give_back(row: CircuitBreaker | None, probe: datetime | None) -> None:
    """The probe learnt nothing about the server, so another item may make it."""
    if row is not None and probe is not None:
        CircuitBreaker.objects.filter(pk=row.pk, open_until=probe).update(open_until=row.open_until)


def _record_answer(row: CircuitBreaker | None) -> None:
    if row is None or not row.failures:
        return
    closed = {"failures": 0, "error": "", "opened_at": None, "open_until": None, "told_at": None}
    CircuitBreaker.objects.filter(pk=row.pk).update(**closed)
    if row.opened_at is not None:
        log.warning("%s answers again", row.name)


def _record_failure(name: str, problem: Exception, now: datetime) -> None:
    row, _made = CircuitBreaker.objects.get_or_create(name=name)
    CircuitBreaker.objects.filter(pk=row.pk).update(failures=F("failures") + 1, error=fences.in_words(problem))
    row.refresh_from_db()
    if row.failures < LIMIT:
        return
    rest = REST[min(row.failures - LIMIT, len(REST) - 1)]
    CircuitBreaker.objects.filter(pk=row.pk).update(open_until=now + rest, opened_at=row.opened_at or now)
    log.error("%s does not answer and is left alone for %s s: %s", name, rest.seconds, row.error)
