"""Measuring: CPU time of this process and of its PostgreSQL backend, statements, bytes, memory. Wall time means nothing on a shared
machine."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, transaction

Action = Callable[[], int]  # runs it once and returns the number of answered bytes, 0 where there are none


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one run."""

    cpu_ms: float  # of process and backend
    database_ms: float  # of the backend alone; 0 where the database runs in this process or on another machine
    statements: int
    sent_bytes: int
    peak_kib: int  # of Python's memory, above the state before


def in_turn(ours: Action, floor: Action | None, *, rounds: int) -> tuple[Cost, Cost | None]:
    """Run both once to warm up and to count, then A B A B; returns the medians."""
    actions = [ours] if floor is None else [ours, floor]
    counted = [_count(action) for action in actions]
    times: list[list[tuple[float, float]]] = [[] for _action in actions]
    for _round in range(rounds):
        for action, found in zip(actions, times, strict=True):
            found.append(_timed(action))
    costs = [
        Cost(median(cpu for cpu, _ in found), median(database for _, database in found), *count)
        for found, count in zip(times, counted, strict=True)
    ]
    return costs[0], costs[1] if floor is not None else None


def _timed(action: Action) -> tuple[float, float]:
    backend = _backend_ns()
    begun = time.thread_time_ns()  # of this thread only: the sandbox has its own
    action()
    mine = time.thread_time_ns() - begun
    database = _backend_ns() - backend
    return (mine + database) / 1e6, database / 1e6


def _count(action: Action) -> tuple[int, int, int]:
    """Statements, bytes and memory, in a separate run, since counting takes time."""
    action()
    statements = 0

    def spy(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal statements
        statements += "SAVEPOINT" not in sql
        return execute(sql, params, many, context)

    tracemalloc.start()
    try:
        with connection.execute_wrapper(spy):
            sent = action()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return statements, sent, peak // 1024


def _backend_ns() -> int:
    """CPU time of our PostgreSQL backend so far, where it runs on this machine (Linux)."""
    if connection.vendor != "postgresql":
        return 0
    connection.ensure_connection()
    try:
        return int(Path(f"/proc/{connection.connection.get_backend_pid()}/schedstat").read_text().split()[0])
    except OSError:
        return 0


class _Undone(transaction.Atomic):
    """Marked as Django marks the transaction around a test, so that `refuse_in_transaction` ignores it."""

    def __init__(self) -> None:
        super().__init__(using=None, savepoint=True, durable=False)
        self._from_testcase = True


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what happens inside. Gateways may be asked there, since no other process waits for these locks."""
    with _Undone():
        yield
        transaction.set_rollback(True)
