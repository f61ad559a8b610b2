"""Append-only tables that a test has to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from accounts.append_only import guard_sql, guarded_tables, unguard_sql


@contextmanager
def unfrozen(table: str) -> Iterator[None]:
    """Remove the triggers of an append-only table inside the block."""
    with connection.cursor() as cursor:
        for statement in unguard_sql(connection, table):
            cursor.execute(statement)
        yield
        for statement in guard_sql(connection, table, guarded_tables()[table]):
            cursor.execute(statement)
