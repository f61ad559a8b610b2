"""Migration operations for key columns: filling them for existing rows, and trigram indexes (PostgreSQL only)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from accounts.typed.columns import fill

EXTENSIONS = ("pg_trgm", "btree_gin")


class _KeyOperation(Operation):
    reversible = True
    elidable = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state of the models does not change."""


class FillKeys(_KeyOperation):
    """Compute the keys of a model's rows."""

    def __init__(self, model: str) -> None:
        self.model = model

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Compute them, in batches."""
        model = to_state.apps.get_model(app_label, self.model)
        fill(model._base_manager.using(schema_editor.connection.alias).all())

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to do: the columns are dropped."""

    def describe(self) -> str:
        """What `migrate` prints."""
        return f"Fill the keys of {self.model}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The operation as written into a migration file."""
        return type(self).__name__, [self.model], {}


class AddExtensions(_KeyOperation):
    """Create missing PostgreSQL extensions, or say what to do where that is not permitted."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create missing ones."""
        if schema_editor.connection.vendor != "postgresql":
            return
        for name in EXTENSIONS:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [name])
                if cursor.fetchone():
                    continue
                try:
                    with transaction.atomic(using=schema_editor.connection.alias):
                        cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
                except DatabaseError as error:
                    raise CommandError(
                        f"Searching needs the PostgreSQL extension {name}, and this database user can't create it ({error}). "
                        f"Let an administrator of the database run CREATE EXTENSION {name}; in this database "
                        "(Debian and Ubuntu have it in postgresql-contrib), then migrate again."
                    ) from error

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Keep them: others may use them."""

    def describe(self) -> str:
        """What `migrate` prints."""
        return f"Have the extensions {', '.join(EXTENSIONS)}"


class TrigramIndex(_KeyOperation):
    """An index for finding parts of words in `column` within the rows of a tenant, one of the `tenants` columns.

    Without `fastupdate`, because every search would have to read its list of pending entries.
    """

    def __init__(self, table: str, column: str, tenants: Sequence[str] = ()) -> None:
        self.table = table
        self.column = column
        self.tenants = tuple(tenants)

    @property
    def name(self) -> str:
        """The name of the index."""
        return f"{self.table}_{self.column}_trgm"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the index."""
        if schema_editor.connection.vendor == "postgresql":
            columns = ", ".join([*self.tenants, f"{self.column} gin_trgm_ops"])
            schema_editor.execute(
                f"CREATE INDEX {self.name} ON {self.table} USING gin ({columns}) WITH (fastupdate = off)"
            )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the index."""
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX IF EXISTS {self.name}")

    def describe(self) -> str:
        """What `migrate` prints."""
        return f"Index parts of words in {self.table}.{self.column}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The operation as written into a migration file."""
        return type(self).__name__, [self.table, self.column], {"tenants": self.tenants} if self.tenants else {}
