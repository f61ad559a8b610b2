"""Append-only tables: triggers in the database refuse UPDATE and DELETE, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.apps import apps
from django.core import checks
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.utils import OperationalError, ProgrammingError

from accounts.migrated import unapplied


class AppendOnly(models.Model):
    """Base of every append-only table. Its migration must end with `GuardTable("<table>")`; a system check finds a missing one.

    `changeable` names columns that may change all the same, as in `GuardTable("<table>", changeable=[...])`.
    """

    changeable: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger as the database describes it; equal triggers do the same. On SQLite `what` is its whole text; on PostgreSQL it is when
    the trigger fires, on which columns and condition, with which arguments, and the source of its function."""

    name: str
    what: str


PG_FUNCTION = "smartplus_refuse_change"
PG_SOURCE = (
    " BEGIN IF TG_OP = 'UPDATE' THEN IF TG_NARGS > 0 AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV THEN RETURN NEW; END IF; "
    "END IF; RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END "
)
PG_ROW, PG_BEFORE, PG_DELETE, PG_UPDATE, PG_TRUNCATE = 1, 2, 8, 16, 32  # bits of pg_trigger.tgtype
PG_CHANGE = PG_ROW | PG_BEFORE | PG_UPDATE | PG_DELETE
PG_EMPTY = PG_BEFORE | PG_TRUNCATE


def guard_sql(connection: BaseDatabaseWrapper, table: str, changeable: Sequence[str] = ()) -> list[str]:
    """The statements that make `table` refuse DELETE, and UPDATE of all columns but the `changeable` ones. The table must exist."""
    if connection.vendor == "sqlite":
        fixed: set[str] = set()
        if changeable:
            with connection.cursor() as cursor:
                description = connection.introspection.get_table_description(cursor, table)
            fixed = {row.name for row in description} - set(changeable)
        return _sqlite_guards(table, fixed)
    arguments = ", ".join(f"'{column}'" for column in changeable)
    return [
        f"CREATE OR REPLACE FUNCTION {PG_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${PG_SOURCE}$$",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {PG_FUNCTION}({arguments})",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {PG_FUNCTION}()",
    ]


def _sqlite_guards(table: str, fixed: Iterable[str]) -> list[str]:
    """SQLite: refuse changes of the `fixed` columns. Values are compared, because `UPDATE OF id` would not notice `SET rowid`."""
    differs = " OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in sorted(fixed))
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {condition}"
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb, condition in (("UPDATE", f"WHEN {differs} " if differs else ""), ("DELETE", ""))
    ]


def unguard_sql(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """The statements that remove the triggers."""
    if connection.vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in ("update", "delete")]
    return [f"DROP TRIGGER IF EXISTS {table}_no_{verb} ON {table}" for verb in ("change", "truncate")]


class GuardTable(Operation):
    """Migration operation: guard a table. A later migration that alters the table needs `UnguardTable` before and this after."""

    reversible = True
    elidable = False

    def __init__(self, table: str, changeable: Sequence[str] = ()) -> None:
        self.table = table
        self.changeable = tuple(changeable)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state of the models does not change."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the triggers."""
        for statement in guard_sql(schema_editor.connection, self.table, self.changeable):
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
        """The operation as written into a migration file."""
        return type(self).__name__, [self.table], {"changeable": self.changeable} if self.changeable else {}


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
        """Create the triggers."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def guarded_models() -> list[type[AppendOnly]]:
    """Every model that declares itself append-only."""
    guarded = [model for model in apps.get_models() if issubclass(model, AppendOnly)]
    return sorted(guarded, key=lambda model: model._meta.db_table)


def guarded_tables() -> dict[str, tuple[str, ...]]:
    """The tables of append-only models, with the columns that may change all the same."""
    return {model._meta.db_table: model.changeable for model in guarded_models()}


def expected_guards(connection: BaseDatabaseWrapper, model: type[AppendOnly]) -> list[Trigger]:
    """The triggers that a model's table should have, as the database would describe them."""
    table, changeable = model._meta.db_table, set(model.changeable)
    if connection.vendor == "sqlite":
        columns = {str(field.column) for field in model._meta.concrete_fields}
        texts = _sqlite_guards(table, columns - changeable if changeable else ())
        return [Trigger(text.split()[2], text) for text in texts]
    return [
        Trigger(f"{table}_no_change", _pg(PG_CHANGE, arguments=model.changeable)),
        Trigger(f"{table}_no_truncate", _pg(PG_EMPTY)),
    ]


def _pg(fires: int, *, columns: str = "", condition: str = "", arguments: Sequence[str] = (), source: str = "") -> str:
    return repr((fires, columns, condition, tuple(arguments), source or PG_SOURCE))


def installed_guards(connection: BaseDatabaseWrapper) -> set[Trigger]:
    """The triggers of this database that are enabled."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            return {Trigger(*row) for row in cursor.fetchall()}
    with connection.cursor() as cursor:
        # tgenabled: O(rigin) and A(lways) fire in our connections, R(eplica) and D(isabled) do not
        cursor.execute(
            "SELECT t.tgname, t.tgtype, t.tgattr::text, coalesce(pg_get_expr(t.tgqual, t.tgrelid), ''), "
            "encode(t.tgargs, 'escape'), l.lanname || f.prosrc "
            "FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_language l ON l.oid = f.prolang "
            "WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')"
        )
        return {
            Trigger(
                name,
                _pg(
                    fires,
                    columns=columns,
                    condition=condition,
                    arguments=[argument for argument in arguments.split("\\000") if argument],
                    source=source.removeprefix("plpgsql"),
                ),
            )
            for name, fires, columns, condition, arguments, source in cursor.fetchall()
        }


@checks.register(checks.Tags.database)
def check_guards(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Compare installed triggers with expected ones, text included: SQLite drops triggers silently when it rebuilds a table, and a
    trigger with the right name may do nothing."""
    found: list[checks.CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        try:
            installed = installed_guards(connection)
            missing = [
                (model._meta, trigger)
                for model in guarded_models()
                for trigger in expected_guards(connection, model)
                if trigger not in installed
            ]
            waiting = {app for app, _name in unapplied(connection)} if missing else set()
        except (OperationalError, ProgrammingError):  # no database yet: migrate has to run first
            continue
        names = {trigger.name for trigger in installed}
        found += [
            checks.Error(
                f"{table.db_table} should be append-only but "
                f"{'has another trigger by the name' if trigger.name in names else 'lacks the trigger'} {trigger.name}.",
                id="accounts.E001",
            )
            for table, trigger in missing
            if table.app_label not in waiting  # `migrate` runs this check first, and may be about to create them
        ]
    return found
