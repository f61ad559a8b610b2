"""Whether a database has all migrations; checks that compare the database with the code need them."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader


def is_migrated(connection: BaseDatabaseWrapper, app_label: str) -> bool:
    """Whether every migration of the app is applied. `migrate` runs the database checks first: without this question a check would
    refuse the very migration that creates what it looks for."""
    return not any(app == app_label for app, _name in unapplied(connection))


def unapplied(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Every migration that is not applied, as (app, name). The checks say nothing while there is one, so a command that verifies the
    database has to report them."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    return sorted(set(loader.disk_migrations) - set(loader.applied_migrations))
