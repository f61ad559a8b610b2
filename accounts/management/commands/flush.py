"""Emptying the test database: append-only tables need their triggers removed for that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.flush import Command as DjangoFlush
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts import append_only


class Command(DjangoFlush):
    """Django's `flush` without the triggers that would refuse it; refuses outside of tests."""

    def handle(self, **options: Any) -> None:
        """Remove the triggers, flush, create them again."""
        if not settings.TESTING:
            raise CommandError("This database holds an append-only ledger and audit; it can't be flushed.")
        connection = connections[options["database"]]
        lifted = _all_lifted if connection.vendor == "sqlite" else _guards_lifted
        with lifted(connection):
            super().handle(**options)


@contextmanager
def _guards_lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """On PostgreSQL TRUNCATE fires the triggers of append-only tables only."""
    tables = append_only.guarded_tables()
    _run(connection, [sql for table in tables for sql in append_only.unguard_sql(connection, table)])
    try:
        yield
    finally:
        guards = (append_only.guard_sql(connection, table, changeable) for table, changeable in tables.items())
        _run(connection, [sql for statements in guards for sql in statements])


@contextmanager
def _all_lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """SQLite empties a table by DELETE, which fires every trigger; others would write into tables that are empty already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = dict(cursor.fetchall())
    _run(connection, [f'DROP TRIGGER "{name}"' for name in triggers])
    try:
        yield
    finally:
        _run(connection, list(triggers.values()))


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
