"""Whether a database has all migrations of an app: what compares a database with the code can't say anything before."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader


def is_migrated(connection: BaseDatabaseWrapper, app_label: str) -> bool:
    """Whether every migration of the app is applied. `migrate` runs the checks of the database first: one that asks for what a migration
    is about to make would refuse the migration that makes it."""
    return not any(app == app_label for app, _name in unapplied(connection))


def unapplied(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Every migration that is not applied, (app, name). While there is one, the checks above say nothing: who asks whether the database
    was tampered with has to say so."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    return sorted(set(loader.disk_migrations) - set(loader.applied_migrations))
