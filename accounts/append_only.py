"""Tables that only grow: UPDATE and DELETE are refused by triggers of the database itself, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.utils import OperationalError, ProgrammingError


class AppendOnly(models.Model):
    """Base of every append-only table. Its migration ends with `GuardTable("<table>")`; a check misses it otherwise."""

    class Meta:
        abstract = True


def guard_sql(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """The statements that make `table` refuse UPDATE and DELETE."""
    if connection.vendor == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        "CREATE OR REPLACE FUNCTION smartplus_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION smartplus_refuse_change()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION smartplus_refuse_change()",
    ]


def unguard_sql(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """The statements that take the guard away again."""
    if connection.vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in ("update", "delete")]
    return [f"DROP TRIGGER IF EXISTS {table}_no_{verb} ON {table}" for verb in ("change", "truncate")]


class GuardTable(Operation):
    """Migration operation: guard a table. Put `UnguardTable` before and this after whatever alters the table later."""

    reversible = True
    elidable = False

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing changes in Django's eyes."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Install the triggers."""
        for statement in guard_sql(schema_editor.connection, self.table):
            schema_editor.execute(statement, None)  # no parameters: the % in it is text

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the triggers."""
        for statement in unguard_sql(schema_editor.connection, self.table):
            schema_editor.execute(statement, None)  # no parameters: the % in it is text

    def describe(self) -> str:
        """What `migrate` prints."""
        return f"Make {self.table} append-only"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """How the operation is written into a migration."""
        return "GuardTable", [self.table], {}


class UnguardTable(GuardTable):
    """Migration operation: the opposite of GuardTable."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the triggers."""
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Install the triggers."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def guarded_tables() -> list[str]:
    """Tables of every model that declares itself append-only."""
    return sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly))


def installed_guards(connection: BaseDatabaseWrapper) -> set[str]:
    """Names of the guard triggers that exist in this database."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


@checks.register(checks.Tags.database)
def check_guards(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Compare installed triggers with expected ones: SQLite's table rebuild drops them without a word."""
    found: list[checks.CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        suffixes = ("no_update", "no_delete") if connection.vendor == "sqlite" else ("no_change", "no_truncate")
        try:
            tables = set(connection.introspection.table_names())
            installed = installed_guards(connection)
        except (OperationalError, ProgrammingError):  # no database yet: migrate comes first
            continue
        found += [
            checks.Error(f"{table} should be append-only but lacks the trigger {table}_{suffix}.", id="accounts.E001")
            for table in guarded_tables()
            if table in tables
            for suffix in suffixes
            if f"{table}_{suffix}" not in installed
        ]
    return found
