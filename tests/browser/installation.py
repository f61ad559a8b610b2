"""A running installation: web, worker with beat and sandbox as processes, on the database and broker of the run; and a browser to visit it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from smartplus.demo import DOMAIN, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
FONTS = Path(__file__).parent / "vendor" / "fonts" / "fonts.conf"  # the only fonts there are, see vendor/README.md
PORTS = (20_000, 32_000)  # below those that a system lends to whoever asks for any
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Installation:
    """A running installation and a browser to visit it."""

    url: str
    browser: Browser
    log: Path

    def visit(self, local_part: str, *, width: int = 1280, height: int = 800, theme: str = "light") -> Page:
        """A fresh browser window with this demo person signed in."""
        page = self.window(width=width, height=height, theme=theme).new_page()
        page.goto(f"{self.url}/sign-in/")
        page.get_by_label("Email").fill(f"{local_part}@{DOMAIN}")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        return page

    def window(
        self, *, width: int = 1280, height: int = 800, theme: str = "light", script: bool = True
    ) -> BrowserContext:
        """A browser window that fails the test on whatever the console complains about."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=script,
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(15_000)
        return context


def chromium() -> str:
    """Debian's Chromium, or whatever CHROMIUM_PATH names. Where there is none, the run says so; in CI that is a failure."""
    path = (
        os.environ.get("CHROMIUM_PATH")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium; set CHROMIUM_PATH.")
        pytest.skip("The browser tests need Chromium: install it or set CHROMIUM_PATH.")
    return path


@contextmanager
def two_ports() -> Iterator[int]:
    """A port that is ours together with the one after it, as long as the installation stands.

    Free at the moment of asking is not enough: houses start at once, each some seconds before it binds, and the system lends any
    port to any connection meanwhile. So each pair has a lock that other houses respect, below the ports that are lent.
    """
    pairs = list(range(*PORTS, 2))
    secrets.SystemRandom().shuffle(pairs)
    for port in pairs:
        try:
            lock = (Path(tempfile.gettempdir()) / f"smartplus-house-{port}.lock").open("a")
        except OSError:
            continue  # another user's
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # another installation's
            if is_free(port) and is_free(port + 1):
                yield port
                return
    raise RuntimeError("no two neighbouring free ports")


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running_installation(var: Path) -> Iterator[Installation]:
    """`manage.py up --demo` on a database of its own: SQLite in the folder `var`, or the run's PostgreSQL and Redis."""
    path = chromium()
    with two_ports() as port:
        yield from standing(var, port, path)


def standing(var: Path, port: int, path: str) -> Iterator[Installation]:
    """The installation at a port of its own."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("SMARTPLUS_", "STRIPE_", "SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS", "EMAIL_URL", "DJANGO_")
        )
    } | {"SMARTPLUS_VAR": str(var), "PORT": str(port), "SMARTPLUS_DEMO": "1", "PYTHONUNBUFFERED": "1"}
    database = Database.of(environment)
    if database:
        database.create()
        environment["SMARTPLUS_DEMO_DATABASE_URL"] = database.url  # a demo is deaf to DATABASE_URL and REDIS_URL
    environment["SMARTPLUS_DEMO_REDIS_URL"] = environment.get("REDIS_URL", "")
    log = var / "up.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--demo", "--port", str(port)],
            cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            wait_until_up(port, process, log)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=path, args=FLAGS, env={**os.environ, "FONTCONFIG_FILE": str(FONTS)}
                )
                yield Installation(f"http://127.0.0.1:{port}", browser, log)
                browser.close()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            if database:
                database.drop()


def wait_until_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the installation says where it is."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the installation did not start:\n{log.read_text()}")
        if "SmartPlus runs at" in log.read_text():
            return
        time.sleep(0.1)  # polling a process, with a bound
    pytest.fail(f"the installation did not start in time:\n{log.read_text()}")


@dataclass
class Database:
    """A PostgreSQL database for one run of the installation."""

    server: str
    name: str

    @classmethod
    def of(cls, environment: dict[str, str]) -> Database | None:
        """The run's own database beside the configured one; None on SQLite."""
        url = environment.get("DATABASE_URL", "")
        if not url.startswith("postgres"):
            return None
        return cls(url.rsplit("/", 1)[0], f"smartplus_house_{secrets.token_hex(4)}")

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.server}/{self.name}"

    def create(self) -> None:
        """Make it."""
        self._execute(f'CREATE DATABASE "{self.name}"')

    def drop(self) -> None:
        """Remove it, with whoever still holds it."""
        self._execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        import psycopg2

        connection = psycopg2.connect(f"{self.server}/postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()
