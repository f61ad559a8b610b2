"""The databases of a test run: migrated once per state of the apps, copied for every later start."""

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
KEPT = ROOT / "var" / "test-databases"  # of SQLite; PostgreSQL keeps its own
PREFIX = "smartplus_template_"
MOST_KEPT = 8
# Of the pages, what the database says makes the difference in these: lists, sums, searches, and who comes first. On every page of every role
# PostgreSQL is asked by tests/guards (costs, sorting, lengths of what is typed), and every action by tests/permissions.
PAGES_ON_BOTH = {
    "test_audit", "test_billing_review", "test_dashboard", "test_dashboard_lists", "test_long_selections", "test_once", "test_requests",
    "test_search", "test_subscription",
}  # fmt: skip
ASKS = {"db", "transactional_db", "walked_database"}  # fixtures of whoever asks the database


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """An empty, migrated database for this worker: a copy of the template where there is one. `--create-db` starts from nothing.

    Django's `migrate` runs over the copy as well, so that a stale template would be completed; it finds nothing to do.
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


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """To what asks no database, and to most pages, it makes no difference which one there is: once is enough."""
    for item in items:
        asks = item.get_closest_marker("django_db") or ASKS & set(getattr(item, "fixturenames", ()))
        is_page = "portal" in item.path.parts and item.path.stem not in PAGES_ON_BOTH
        if (not asks or is_page) and not item.get_closest_marker("skipif"):
            item.add_marker(pytest.mark.walk)


def _digest() -> str:
    """Of everything that decides what an empty database looks like; any change of an app makes another one."""
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
        """Put a copy where the tests look for their database; False where there is no template yet."""
        if not self.path.exists():
            return False
        shutil.copyfile(self.path, name)
        return True

    def take_from(self, name: str) -> None:
        """Make what was just migrated the template; those of other states go."""
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
        """Create the tests' database as a copy; False where there is no template yet, or it is being made or dropped just now."""
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
        """Make what was just migrated the template, unless a neighbour was faster. Other checkouts keep theirs, up to a few."""
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
        """A connection outside the databases that come and go."""
        given = connection.settings_dict
        server = psycopg2.connect(
            dbname="postgres", user=given["USER"], password=given["PASSWORD"] or None,
            host=given["HOST"] or None, port=given["PORT"] or None,
        )  # fmt: skip
        server.autocommit = True
        return server
