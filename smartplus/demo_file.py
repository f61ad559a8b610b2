"""Demo data of an older or newer version of SmartPlus is moved aside, so that the demo always starts."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from accounts import append_only

log = logging.getLogger("smartplus.demo")

STAYS = frozenset(
    {"demo.env", "up.lock", "static"}
)  # secrets of this machine, the held lock, and files that are created anew


def set_aside_if_older(*, now: datetime) -> Path | None:
    """Move the demo's data into a separate folder if the present code can't use it. Returns the folder, or None when all is well.

    Only the demo's own SQLite file is moved. A file that only lacks the newest migrations is migrated and stays.
    """
    path = Path(settings.DATABASES["default"]["NAME"])
    if connection.vendor != "sqlite" or path.parent != settings.VAR_DIR or not path.exists():
        return None
    if reason := _misfit():
        log.info("the demo's data does not fit: %s", reason)
        connection.close()
        aside = settings.VAR_DIR / f"older-{now:%Y%m%d-%H%M%S}"
        aside.mkdir(mode=0o700)
        for found in sorted(settings.VAR_DIR.iterdir()):
            if found.name not in STAYS and not found.name.startswith("older-"):
                found.rename(aside / found.name)
        for folder in ("queue", "control"):
            (settings.BROKER_DIR / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        return aside
    return None


def _misfit() -> str:
    """Why the code can't use this database; "" when it can. Migrates it if that is enough."""
    try:
        loader = MigrationLoader(connection, ignore_no_migrations=True)
        unknown = set(MigrationRecorder(connection).applied_migrations()) - set(loader.graph.nodes)
        if unknown:
            return f"it knows migrations that are not ours: {sorted(unknown)[:3]}"
        loader.check_consistent_history(connection)
        call_command("migrate", verbosity=0)
    except InconsistentMigrationHistory as problem:
        return str(problem)
    except Exception as problem:  # any error that a file of another shape causes in SQLite or a migration
        return f"it can't be migrated: {problem}"
    if missing := _missing_columns():
        return f"it lacks {', '.join(missing[:3])}"
    return "; ".join(str(found.msg) for found in append_only.check_guards(databases=["default"])[:1])


def _missing_columns() -> list[str]:
    """Columns of the models that the tables lack: a migration was rewritten under its old name."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            found[table] = {column.name for column in connection.introspection.get_table_description(cursor, table)}
    return sorted(
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if field.column not in found.get(model._meta.db_table, set())
    )
