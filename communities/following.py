"""The one writer of `ExpiryDay`: triggers that count every change of entitlements, set-wise, in the transaction that makes it.

One statement that changes ten thousand entitlements appends one row for each group of like ones it took away or made (on SQLite one or
two for each entitlement). Nothing is read or locked but the rows that changed and their sites. A site whose time zone changes has its
entitlements counted anew; whoever changes it holds the site and has locked its entitlements.
"""

# ruff: noqa: S608  (the statements are made of names of ours)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core import checks
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.utils import OperationalError, ProgrammingError

from communities.models import Entitlement, ExpiryDay, Site

ITEMS, SITES, DAYS = (model._meta.db_table for model in (Entitlement, Site, ExpiryDay))
PRICE_CLASS = "'normal'"  # of every site, until one can be connected to a property management system
OF_ITEM = ("site_id", "distributor_id", "subdistributor_id", "installer_id")
OF_SERVICE = ("service_type", "variant", "paid_variant", "mode")
COLUMNS = (*OF_ITEM, "project_type", "price_class", *OF_SERVICE, "day")
READ = (*OF_ITEM, *OF_SERVICE, "expires_at")
PG_FUNCTIONS = {"items": "smartplus_follow_items", "zones": "smartplus_follow_zones"}
TRIGGERS = {f"{ITEMS}_inserted": ITEMS, f"{ITEMS}_updated": ITEMS, f"{ITEMS}_deleted": ITEMS, f"{SITES}_rezoned": SITES}


def day_sql(vendor: str, instant: str, zone: str) -> str:
    """The day at a place at an instant, as SQL: the same clock as `communities.days.SiteDay`."""
    if vendor == "sqlite":
        return f"django_datetime_cast_date({instant}, {zone}, 'UTC')"
    return f"({instant} AT TIME ZONE {zone})::date"


def groups_sql(vendor: str, item: str, site: str, *, zone: str = "") -> str:
    """The columns of the summary for a row `item` of the entitlements and its row `site`."""
    day = day_sql(vendor, f"{item}.expires_at", zone or f"{site}.time_zone")
    values = [*(f"{item}.{name}" for name in OF_ITEM), f"{site}.kind", PRICE_CLASS]
    return ", ".join([*values, *(f"{item}.{name}" for name in OF_SERVICE), day])


def follow_sql(vendor: str) -> list[str]:
    """The statements that install the triggers."""
    return _pg() if vendor == "postgresql" else _sqlite()


def unfollow_sql(vendor: str) -> list[str]:
    """The statements that take them away: before a migration that rewrites one of the two tables on SQLite."""
    is_pg = vendor == "postgresql"
    return [f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if is_pg else ''}" for name, table in TRIGGERS.items()]


def _pg() -> list[str]:
    read = ", ".join(READ)
    branches = []
    for verb, parts in (("INSERT", {"made": 1}), ("DELETE", {"gone": -1}), ("UPDATE", {"made": 1, "gone": -1})):
        rows = " UNION ALL ".join(f"SELECT {read}, {sign} AS n FROM {table}" for table, sign in parts.items())
        branches.append(
            f"IF TG_OP = '{verb}' THEN INSERT INTO {DAYS} (stage, {', '.join(COLUMNS)}, count) "
            f"SELECT 0, {groups_sql('postgresql', 'item', 'site')}, sum(item.n) FROM ({rows}) item "
            f"JOIN {SITES} site ON site.id = item.site_id GROUP BY {', '.join(str(at) for at in range(2, 13))} HAVING sum(item.n) <> 0; "
            "END IF; "
        )
    items, zones = PG_FUNCTIONS["items"], PG_FUNCTIONS["zones"]
    moved = groups_sql("postgresql", "item", "NEW", zone="side.zone")
    return [
        f"CREATE OR REPLACE FUNCTION {items}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {''.join(branches)}RETURN NULL; END $$",
        f"CREATE OR REPLACE FUNCTION {zones}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF OLD.time_zone IS DISTINCT FROM NEW.time_zone THEN "
        f"INSERT INTO {DAYS} (stage, {', '.join(COLUMNS)}, count) SELECT 0, {moved}, sum(side.n) FROM {ITEMS} item, "
        "(VALUES (OLD.time_zone, -1), (NEW.time_zone, 1)) side (zone, n) WHERE item.site_id = NEW.id "
        f"GROUP BY {', '.join(str(at) for at in range(2, 13))} HAVING sum(side.n) <> 0; "
        "END IF; RETURN NULL; END $$",
        f"CREATE TRIGGER {ITEMS}_inserted AFTER INSERT ON {ITEMS} REFERENCING NEW TABLE AS made "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {items}()",
        f"CREATE TRIGGER {ITEMS}_updated AFTER UPDATE ON {ITEMS} REFERENCING OLD TABLE AS gone NEW TABLE AS made "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {items}()",
        f"CREATE TRIGGER {ITEMS}_deleted AFTER DELETE ON {ITEMS} REFERENCING OLD TABLE AS gone "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {items}()",
        f"CREATE TRIGGER {SITES}_rezoned AFTER UPDATE OF time_zone ON {SITES} FOR EACH ROW EXECUTE FUNCTION {zones}()",
    ]


def _sqlite() -> list[str]:
    def written(row: str, sign: int) -> str:
        return (
            f"INSERT INTO {DAYS} (stage, {', '.join(COLUMNS)}, count) SELECT 0, {groups_sql('sqlite', row, 'site')}, {sign} "
            f"FROM {SITES} site WHERE site.id = {row}.site_id; "
        )

    def moved(side: str, sign: int) -> str:
        return (
            f"INSERT INTO {DAYS} (stage, {', '.join(COLUMNS)}, count) SELECT 0, {groups_sql('sqlite', 'item', side)}, {sign} * count(*) "
            f"FROM {ITEMS} item WHERE item.site_id = NEW.id GROUP BY {', '.join(str(at) for at in range(2, 13))}; "
        )

    differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in READ)
    return [
        f"CREATE TRIGGER {ITEMS}_inserted AFTER INSERT ON {ITEMS} BEGIN {written('NEW', 1)}END",
        f"CREATE TRIGGER {ITEMS}_updated AFTER UPDATE ON {ITEMS} WHEN {differs} BEGIN {written('OLD', -1)}{written('NEW', 1)}END",
        f"CREATE TRIGGER {ITEMS}_deleted AFTER DELETE ON {ITEMS} BEGIN {written('OLD', -1)}END",
        f"CREATE TRIGGER {SITES}_rezoned AFTER UPDATE OF time_zone ON {SITES} WHEN OLD.time_zone IS NOT NEW.time_zone "
        f"BEGIN {moved('OLD', -1)}{moved('NEW', 1)}END",
    ]


class Follow(Operation):
    """Migration operation: count entitlements by day from now on. Put `Unfollow` before and this after whatever alters the entitlements or
    the sites later: SQLite writes such a table anew and forgets its triggers."""

    reversible = True
    elidable = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing changes in Django's eyes."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Install the triggers."""
        vendor = schema_editor.connection.vendor
        for statement in [*unfollow_sql(vendor), *follow_sql(vendor)]:
            schema_editor.execute(statement, None)  # no parameters: the % in it is text

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the triggers."""
        for statement in unfollow_sql(schema_editor.connection.vendor):
            schema_editor.execute(statement, None)

    def describe(self) -> str:
        """What `migrate` prints."""
        return "Count entitlements by day"


class Unfollow(Follow):
    """Migration operation: the opposite of Follow."""

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


def installed(connection: BaseDatabaseWrapper) -> set[str]:
    """The triggers that are there, fire and do what they should, by name."""
    wanted = follow_sql(connection.vendor)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            return {name for name, sql in cursor.fetchall() if sql in wanted}
        cursor.execute(
            "SELECT t.tgname, f.proname, f.prosrc FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid "
            "WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')"
        )
        return {
            name for name, _function, source in cursor.fetchall() if any(f"$${source}$$" in text for text in wanted)
        }


@checks.register(checks.Tags.database)
def check_followers(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Every trigger that writes the summary is installed."""
    found: list[checks.CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        try:
            there = installed(connection)
            missing = [name for name in TRIGGERS if name not in there]
            is_migrated = bool(missing) and DAYS in connection.introspection.table_names()
        except (OperationalError, ProgrammingError):  # no database yet: migrate comes first
            continue
        if is_migrated:
            told = "is not written: the trigger {} is missing or another one."
            found += [checks.Error(f"{DAYS} {told.format(name)}", id="communities.E001") for name in missing]
    return found
