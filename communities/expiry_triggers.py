"""Triggers that write `ExpiryDay`: they count every change of entitlements, apartments and sites, set-based, in the transaction that makes
it. Nothing else inserts counts.

One statement that changes ten thousand entitlements inserts one row for each group of like ones (on SQLite one or two for each
entitlement). The triggers read and lock only the changed rows and their sites. When a site's time zone or price class changes, its
entitlements are counted anew; that transaction holds the site and its entitlements locked.
"""

# ruff: noqa: S608 (the statements are made of our own names)

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

from accounts.migrated import is_migrated
from accounts.typed import zones
from communities.models import Apartment, Entitlement, ExpiryDay, PriceClass, Site
from communities.models.expiries import What

ITEMS, APARTMENTS, SITES, DAYS = (model._meta.db_table for model in (Entitlement, Apartment, Site, ExpiryDay))
UNPRICED = f"'{PriceClass.NORMAL}'"  # the price class of apartments and sites, which have no price
OF_TENANT = ("distributor_id", "subdistributor_id", "installer_id")
OF_SERVICE = ("service_type", "variant", "paid_variant", "mode", "blocked")
OF_SITE = ("time_zone", "price_class")  # columns of a site that say where its entitlements are counted
COLUMNS = ("site_id", *OF_TENANT, "project_type", "price_class", *OF_SERVICE, "day")
GROUPED = ", ".join(str(at) for at in range(2, 2 + len(COLUMNS)))  # positions of those columns after the stage
READ = {
    ITEMS: ("site_id", *OF_TENANT, *OF_SERVICE, "expires_at"),
    APARTMENTS: ("site_id", *OF_TENANT, "monitor_pending", "archived_at"),
    SITES: ("id", *OF_TENANT, "kind", "archived_at"),
}
REZONED = f"{SITES}_rezoned"
TRIGGERS = {f"{table}_{verb}": table for table in READ for verb in ("inserted", "updated", "deleted")} | {
    REZONED: SITES
}


def groups_sql(vendor: str, table: str, row: str, *, site: str = "site", kind: str = "site.kind") -> str:
    """The columns of the summary for a `row` of one of the three tables and its `site` row."""
    if table == ITEMS:
        is_lite = vendor == "sqlite"  # the same function as `communities.days.SiteDay`
        instant, zone = f"{row}.expires_at", f"{site}.time_zone"
        day = (
            f"django_datetime_cast_date({instant}, {zone}, 'UTC')"
            if is_lite
            else f"({instant} AT TIME ZONE {zone})::date"
        )
        values = [f"{row}.{name}" for name in OF_SERVICE]
    else:
        day = "NULL" if vendor == "sqlite" else "NULL::date"
        there = f"CASE WHEN {row}.monitor_pending THEN '{What.WAITING}' ELSE '{What.APARTMENT}' END"
        there = there if table == APARTMENTS else f"'{What.SITE}'"
        what = f"CASE WHEN {row}.archived_at IS NULL THEN {there} ELSE '{What.ARCHIVED}' END"
        values = ["''", what, "''", "'manual'", "''"]
    price_class = f"{site}.price_class" if table == ITEMS else UNPRICED
    keys = [f"{row}.{'id' if table == SITES else 'site_id'}", *(f"{row}.{name}" for name in OF_TENANT)]
    return ", ".join([*keys, f"{row}.kind" if table == SITES else kind, price_class, *values, day])


def site_sql(table: str, row: str) -> str:
    """The condition that joins a row of one of the tables to its site; a site is its own."""
    return f"{SITES} site ON site.id = {row}.{'id' if table == SITES else 'site_id'}"


def create_sql(vendor: str) -> list[str]:
    """The statements that create the triggers."""
    return _pg() if vendor == "postgresql" else _sqlite()


def drop_sql(vendor: str) -> list[str]:
    """The statements that drop them, before a migration that rebuilds one of the tables on SQLite."""
    is_pg = vendor == "postgresql"
    return [f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if is_pg else ''}" for name, table in TRIGGERS.items()]


def recount_sql(vendor: str) -> list[str]:
    """The statements that delete all counts and count again."""
    fresh = (
        f"{groups_sql(vendor, table, 'item')}, count(*) FROM {table} item JOIN {site_sql(table, 'item')} GROUP BY {GROUPED}"
        for table in READ
    )
    return [f"DELETE FROM {DAYS}", *map(_into, fresh)]


def _into(selected: str) -> str:
    return f"INSERT INTO {DAYS} (stage, {', '.join(COLUMNS)}, count) SELECT 0, {selected}"


def _pg() -> list[str]:
    statements = []
    for table, columns in READ.items():
        read, branches = ", ".join(columns), []
        for verb, parts in (("INSERT", {"made": 1}), ("DELETE", {"gone": -1}), ("UPDATE", {"made": 1, "gone": -1})):
            rows = " UNION ALL ".join(f"SELECT {read}, {sign} AS n FROM {side}" for side, sign in parts.items())
            joined = "" if table == SITES else f" JOIN {site_sql(table, 'item')}"
            selected = f"{groups_sql('postgresql', table, 'item')}, sum(item.n) FROM ({rows}) item{joined}"
            branches.append(
                f"IF TG_OP = '{verb}' THEN {_into(selected)} GROUP BY {GROUPED} HAVING sum(item.n) <> 0; END IF; "
            )
        statements.append(
            f"CREATE OR REPLACE FUNCTION smartplus_follow_{table}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$ BEGIN {''.join(branches)}RETURN NULL; END $$"
        )
        for done, verb, sides in (
            ("inserted", "INSERT", "NEW TABLE AS made"),
            ("updated", "UPDATE", "OLD TABLE AS gone NEW TABLE AS made"),
            ("deleted", "DELETE", "OLD TABLE AS gone"),
        ):
            statements.append(
                f"CREATE TRIGGER {table}_{done} AFTER {verb} ON {table} REFERENCING {sides} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION smartplus_follow_{table}()"
            )
    moved = groups_sql("postgresql", ITEMS, "item", site="side", kind="NEW.kind")
    sides = "(VALUES (OLD.time_zone, OLD.price_class, -1), (NEW.time_zone, NEW.price_class, 1)) side (time_zone, price_class, n)"
    selected = f"{moved}, sum(side.n) FROM {ITEMS} item, {sides} WHERE item.site_id = NEW.id"
    return [
        *statements,
        "CREATE OR REPLACE FUNCTION smartplus_follow_zones() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (OLD.time_zone, OLD.price_class) IS DISTINCT FROM (NEW.time_zone, NEW.price_class) "
        f"THEN {_into(selected)} GROUP BY {GROUPED} HAVING sum(side.n) <> 0; "
        "END IF; RETURN NULL; END $$",
        f"CREATE TRIGGER {REZONED} AFTER UPDATE OF {', '.join(OF_SITE)} ON {SITES} FOR EACH ROW EXECUTE FUNCTION smartplus_follow_zones()",
    ]


def _sqlite() -> list[str]:
    def written(table: str, row: str, sign: int) -> str:
        where = f"{SITES} site WHERE site.id = {row}.site_id" if table != SITES else "(SELECT 1)"
        groups = groups_sql("sqlite", table, row)
        return f"{_into(f'{groups}, {sign} FROM {where}')}; "

    def moved(side: str, sign: int) -> str:
        groups = groups_sql("sqlite", ITEMS, "item", site=side, kind="NEW.kind")
        return f"{_into(f'{groups}, {sign} * count(*) FROM {ITEMS} item WHERE item.site_id = NEW.id GROUP BY {GROUPED}')}; "

    statements = []
    for table, columns in READ.items():
        differs = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
        gone, made = written(table, "OLD", -1), written(table, "NEW", 1)
        statements += [
            f"CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {made}END",
            f"CREATE TRIGGER {table}_updated AFTER UPDATE ON {table} WHEN {differs} BEGIN {gone}{made}END",
            f"CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {gone}END",
        ]
    return [
        *statements,
        f"CREATE TRIGGER {REZONED} AFTER UPDATE OF {', '.join(OF_SITE)} ON {SITES} "
        f"WHEN {' OR '.join(f'OLD.{name} IS NOT NEW.{name}' for name in OF_SITE)} "
        f"BEGIN {moved('OLD', -1)}{moved('NEW', 1)}END",
    ]


class CreateTriggers(Operation):
    """Migration operation: create the triggers and count what exists. A later migration that alters entitlements, apartments or sites needs
    `DropTriggers` before and this after: SQLite rebuilds such a table without its triggers."""

    reversible = True
    elidable = False

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state of the models does not change."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the triggers, and count existing rows."""
        vendor = schema_editor.connection.vendor
        recount: list[str] = []
        if not schema_editor.collect_sql:  # `sqlmigrate` only prints
            with schema_editor.connection.cursor() as cursor:
                if not _has_columns(schema_editor.connection, cursor):
                    return  # the migration that adds the missing column creates them
                cursor.execute(
                    f"SELECT 1 FROM {SITES} LIMIT 1"
                )  # without rows there is nothing to count, and columns may be added later
                recount = recount_sql(vendor) if cursor.fetchone() else []
        for statement in [*drop_sql(vendor), *create_sql(vendor), *recount]:
            schema_editor.execute(statement, None)  # no parameters: the % in it is text

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the triggers."""
        for statement in drop_sql(schema_editor.connection.vendor):
            schema_editor.execute(statement, None)

    def describe(self) -> str:
        """What `migrate` prints."""
        return "Count entitlements by day"


def _has_columns(connection: BaseDatabaseWrapper, cursor: Any) -> bool:
    """Whether the tables have every column that is read or written; an older state of the migrations has fewer."""
    return all(
        {column.name for column in connection.introspection.get_table_description(cursor, table)}.issuperset(columns)
        for table, columns in {DAYS: COLUMNS, **READ, SITES: (*READ[SITES], *OF_SITE)}.items()
    )


class DropTriggers(CreateTriggers):
    """Migration operation: the opposite of CreateTriggers."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop the triggers."""
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the triggers."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def installed(connection: BaseDatabaseWrapper) -> set[str]:
    """The triggers that exist, are enabled and have the expected text, by name."""
    wanted = create_sql(connection.vendor)
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
def check_triggers(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """System check: every trigger that writes the summary is installed."""
    found: list[checks.CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        try:
            there = installed(connection)
            missing = [name for name in TRIGGERS if name not in there]
            is_missed = bool(missing) and is_migrated(connection, Site._meta.app_label)
        except (OperationalError, ProgrammingError):  # no database yet: migrate has to run first
            continue
        if is_missed:
            told = "is not written: the trigger {} is missing or another one."
            found += [checks.Error(f"{DAYS} {told.format(name)}", id="communities.E001") for name in missing]
    return found


@checks.register(checks.Tags.database)
def check_zones(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """System check: PostgreSQL knows every time zone that can be chosen. For a site in an unknown zone the triggers fail, and so does every
    payment. Such a site is an error, which stops a deployment: otherwise its orders would take money and never be applied."""
    found: list[checks.CheckMessage] = []
    for alias in databases or []:
        if connections[alias].vendor != "postgresql":
            continue
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT name FROM pg_timezone_names")
                known = {name for (name,) in cursor.fetchall()}
            has_sites = is_migrated(connections[alias], Site._meta.app_label)
        except (OperationalError, ProgrammingError):
            continue
        stand = Site.objects.using(alias).exclude(time_zone__in=known)
        if has_sites and (lost := sorted(set(stand.order_by().values_list("time_zone", flat=True).distinct()))):
            told = f"PostgreSQL does not know {', '.join(lost)}, where there are sites: money for them is taken and can't be applied."
            found.append(checks.Error(told, id="communities.E002"))
        if missing := sorted(set(zones.every()) - known):
            told = f"PostgreSQL does not know {', '.join(missing)}: nothing can be activated at a site there. Its time zones are older than ours."
            found.append(checks.Warning(told, id="communities.W001"))
    return found
