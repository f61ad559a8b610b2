"""Somebody who changes what is paid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from accounts.append_only import guarded_tables, unguard_sql


@contextmanager
def attacker() -> Iterator[None]:
    """Somebody with rights on the database: guards are no obstacle. What was done is undone afterwards."""
    with transaction.atomic():
        connection.check_constraints()  # PostgreSQL alters no table while checks of it wait
        with connection.cursor() as cursor:
            for table in guarded_tables():
                for statement in unguard_sql(connection, table):
                    cursor.execute(statement)
        yield
        transaction.set_rollback(True)
