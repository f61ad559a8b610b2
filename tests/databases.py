"""The databases of a test run: migrated once for each state of the apps, copied at every later start."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "var" / "test-databases"  # for SQLite; PostgreSQL has its own
PREFIX = "smartplus_template_"
MOST_KEPT = 8
# Pages on which the database makes a difference: lists, sums, searches, and sorting. On PostgreSQL tests/guards opens every page as
# every role (costs, sorting, lengths of typed text), and tests/permissions runs every action.
PAGES_ON_BOTH = {
    "test_audit", "test_billing_review", "test_dashboard", "test_dashboard_lists", "test_long_selections", "test_once", "test_requests",
    "test_search", "test_subscription",
}  # fmt: skip
ASKS = {"db", "transactional_db", "walked_database"}  # fixtures of tests that use the database


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """An empty, migrated database for this worker, copied from the template if there is one. `--create-db` creates it from nothing.

    Django's `migrate` runs on the copy too: it would complete an outdated template, and otherwise finds nothing to do.
    """
    template = _template()
    name: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]  # the stubs lack it
    verbosity = request.config.option.verbose
    with django_db_blocker.unblock():
        is_copy = not request.config.getoption("create_db") and template.copy_to(name)
        aliases = setup_databases(verbosity=verbosity, interactive=False, keepdb=is_copy)
        if not is_copy:
            template.take_from(name)
    yield
    with django_db_blocker.unblock():
        teardown_databases(aliases, verbosity=verbosity)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests without a database, and most pages, have the same result on both databases, so they run on one only."""
    for item in items:
        asks = item.get_closest_marker("django_db") or ASKS & set(getattr(item, "fixturenames", ()))
        is_page = "portal" in item.path.parts and item.path.stem not in PAGES_ON_BOTH
        if (not asks or is_page) and not item.get_closest_marker("skipif"):
            item.add_marker(pytest.mark.walk)


def _digest() -> str:
    """A digest of everything that determines an empty database; any change of an app changes it."""
    apps = ("accounts", "communities", "devices", "payments", "credits", "subscriptions")
    files = [path for app in apps for path in sorted((ROOT / app).rglob("*.py"))]
    digest = hashlib.sha256()
    for path in [*files, ROOT / "smartplus" / "settings.py", ROOT / "requirements.txt"]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _template() -> FileTemplate | ServerTemplate:
    if connection.vendor == "sqlite":
        return FileTemplate(KEPT / f"{_digest()}.sqlite3")
    return ServerTemplate(PREFIX + _digest())


class FileTemplate:
    """A migrated SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def copy_to(self, name: str) -> bool:
        """Copy the template to the path of the tests' database; False where there is no template yet."""
        if not self.path.exists():
            return False
        shutil.copyfile(self.path, name)
        return True

    def take_from(self, name: str) -> None:
        """Make the migrated database the template; templates of other states are deleted."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for old in self.path.parent.glob("*.sqlite3"):
            old.unlink(missing_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        with closing(sqlite3.connect(name)) as database:
            database.execute("VACUUM INTO ?", [str(part)])
        part.replace(self.path)


class ServerTemplate:
    """A migrated database of the PostgreSQL server."""

    def __init__(self, name: str) -> None:
        self.name = name

    def copy_to(self, name: str) -> bool:
        """Create the tests' database as a copy; False where there is no template yet, or another run is creating or dropping it."""
        with closing(self._server()) as server, server.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.name])
            if cursor.fetchone() is None:
                return False
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            try:
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
            except psycopg2.Error:
                return False
        return True

    def take_from(self, name: str) -> None:
        """Make the migrated database the template, unless another run was faster. Templates of other checkouts are kept, up to a few."""
        connection.close()
        with closing(self._server()) as server, server.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
            others = [name for (name,) in cursor.fetchall() if name != self.name]
            if len(others) >= MOST_KEPT:
                for other in others:
                    cursor.execute(f'DROP DATABASE IF EXISTS "{other}"')
            try:
                cursor.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{name}"')
            except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                return

    @staticmethod
    def _server() -> Any:
        """A connection to a database that is never dropped."""
        given = connection.settings_dict
        server = psycopg2.connect(
            dbname="postgres", user=given["USER"], password=given["PASSWORD"] or None,
            host=given["HOST"] or None, port=given["PORT"] or None,
        )  # fmt: skip
        server.autocommit = True
        return server
