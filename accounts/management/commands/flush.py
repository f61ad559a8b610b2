"""Emptying the database for the next test; append-only tables make it impossible anywhere else."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.flush import Command as DjangoFlush
from django.db import connections

from accounts import append_only


class Command(DjangoFlush):
    """Django's `flush` with the append-only guards lifted for its duration; refuses outside the test suite."""

    def handle(self, **options: Any) -> None:
        """Lift the guards, flush, put them back."""
        if not settings.TESTING:
            raise CommandError("This database holds an append-only ledger and audit; it can't be flushed.")
        connection = connections[options["database"]]
        tables = append_only.guarded_tables()
        with connection.cursor() as cursor:
            for table in tables:
                for statement in append_only.unguard_sql(connection, table):
                    cursor.execute(statement)
        try:
            super().handle(**options)
        finally:
            with connection.cursor() as cursor:
                for table, changeable in tables.items():
                    for statement in append_only.guard_sql(connection, table, changeable):
                        cursor.execute(statement)
