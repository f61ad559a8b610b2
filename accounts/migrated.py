"""Whether a database has all migrations of an app: what compares a database with the code can't say anything before."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader


def is_migrated(connection: BaseDatabaseWrapper, app_label: str) -> bool:
    """Whether every migration of the app is applied. `migrate` runs the checks of the database first: one that asks for what a migration
    is about to make would refuse the migration that makes it."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    wanted = {key for key in loader.disk_migrations if key[0] == app_label}
    return wanted <= set(loader.applied_migrations)
