"""Everything on one machine: migrates, starts web, worker with beat and, in the demo, the payment sandbox; stops them together."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import SUPPRESS
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments import actions as payment_actions
from smartplus import demo, demo_file, environment, jobs

STOP_TIMEOUT_S = 10
WORKER, GATEWAY_WORKER = "worker", "gateway worker"
MAX_RESTARTS = 20


class Command(BaseCommand):
    """`up [--demo] [--port N]`."""

    help = "Start web, worker with beat and (in the demo) the payment sandbox; Ctrl-C stops all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--demo` is read by manage.py before, because the settings need it."""
        parser.add_argument("--demo", action="store_true", help="demo data, payment sandbox, mail on the console")
        parser.add_argument("--port", default=os.environ.get("PORT", ""), help="web port; the sandbox takes the next")
        parser.add_argument(
            "--bind", default="127.0.0.1", help="address to listen on" if not settings.DEMO else SUPPRESS
        )

    def handle(self, *, bind: str, **options: Any) -> None:
        """Prepare, start, wait, stop."""
        port, is_demo = environment.port_of(options["port"]), bool(options["demo"])
        if str(port) != os.environ.get("PORT", str(port)) or is_demo != settings.DEMO:
            # Addresses contain the port: load the settings again with the right one.
            told = os.environ | {"PORT": str(port), "SMARTPLUS_DEMO": "1" if is_demo else "0"}
            os.execve(sys.executable, [sys.executable, *sys.argv], told)  # noqa: S606  (ourselves again)
        with only_one(settings.VAR_DIR, port):
            self.run(port, bind)

    def run(self, port: int, bind: str) -> None:
        """From the check of the ports to the end of the last child process."""
        ports = {"web": port} | ({"payment sandbox": port + 1} if settings.DEMO else {})
        for name, wanted in ports.items():
            refuse_taken_port(bind, wanted, name)
        if settings.DEMO and (put := demo_file.set_aside_if_older(now=timezone.now())):
            self.stdout.write(
                f"The demo's data is of another version of SmartPlus. It is kept in {put}; a new demo begins."
            )
        call_command("migrate", verbosity=0)
        call_command("check", databases=["default"])
        if not settings.DEMO:
            refuse_demo_people()
        call_command("collectstatic", interactive=False, verbosity=0)
        processes = Processes()
        try:
            if settings.DEMO:
                processes.start("payment sandbox", [sys.executable, "manage.py", "sandbox", "--port", str(port + 1)])
                call_command("demo", verbosity=0)
                wait_for(bind, port + 1, processes)
                demo.buy_something(timezone.now())
            processes.start(WORKER, worker_command())
            processes.start(GATEWAY_WORKER, gateway_worker_command())
            processes.start("web", web_command(bind, port))
            wait_for(bind, port, processes)
            self.announce(port)
            processes.wait()
        finally:
            processes.stop()

    def announce(self, port: int) -> None:
        """Print the address, the logins, and what is in use."""
        database = settings.DATABASES["default"]
        say = self.stdout.write
        say(f"\n  SmartPlus runs at {settings.SITE_URL or f'http://127.0.0.1:{port}'}\n\n")
        if settings.DEMO:
            say("  Sign in as                                   to be the\n")
            for email, role in demo.LOGINS:
                say(f"    {email:<42} {role}\n")
            say(f"  with the password {demo.PASSWORD} (this demo only).\n\n")
        say(f"  database: {database['ENGINE'].rsplit('.', 1)[1]} ({database['NAME']})\n")
        say(f"  broker:   {settings.REDIS_URL.split('@')[-1] or settings.BROKER_DIR}\n")
        for gateway in payment_actions.set_up():
            where = f"sandbox at {gateway.address}, no real money" if settings.DEMO else gateway.address
            say(f"  {gateway.label + ':':<9} {where}\n")
        say(
            "  mail:     printed below\n"
            if settings.EMAIL_BACKEND.endswith("console.EmailBackend")
            else f"  mail:     {settings.EMAIL_HOST}\n"
        )
        say("\n  Ctrl-C stops everything; the next start goes on with the same data.\n\n")
        self.stdout.flush()


@contextmanager
def only_one(var: Path, port: int) -> Iterator[None]:
    """Lock the data folder: two installations on it would take each other's messages and payments."""
    var.mkdir(mode=0o700, exist_ok=True)
    with (var / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            lock.seek(0)
            raise CommandError(
                f"SmartPlus already runs on the data in {var}, at {lock.read().strip() or 'another port'}. Stop it first, or "
                f"give this one data of its own: SMARTPLUS_VAR=/another/folder PORT={port + 10} make run"
            ) from problem
        lock.truncate(0)
        lock.write(f"http://127.0.0.1:{port}\n")
        lock.flush()
        yield


def refuse_demo_people() -> None:
    """Refuse a database in which the demo's logins work: it is a demo's file, or an installation with public passwords."""
    if count := demo.active_logins().count():
        raise CommandError(
            f"{count} logins of the demo can sign in here, and everybody knows their password. If {settings.DATABASES['default']['NAME']} is "
            "the file of an older demo, move it away and start again. If it is your installation, take the logins out first:\n"
            "  python manage.py deactivate_demo_logins"
        )


def refuse_taken_port(bind: str, port: int, name: str) -> None:
    """Refuse a taken port with a clear message, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as problem:
            raise CommandError(
                f"Port {port} for the {name} is taken ({problem.strerror}). Stop what uses it, or choose another: "
                f"PORT={port + 10} make run"
            ) from problem


def worker_command() -> list[str]:
    """The worker for jobs that never wait for a gateway, with beat inside."""
    return [*_worker(), "--beat", "--exclude-queues", jobs.GATEWAYS]


def gateway_worker_command() -> list[str]:
    """The worker for jobs that may wait for a gateway; meanwhile mail is sent and the audit is sealed."""
    return [*_worker(), "--queues", jobs.GATEWAYS, "--hostname", "gateways@%h"]


def _worker() -> list[str]:
    """On SQLite one process, since the database allows one writer."""
    pool = ["--pool", "solo"] if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else ["--concurrency", "2"]
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "smartplus", "worker", *pool,
        "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def web_command(bind: str, port: int) -> list[str]:
    """The web server; on one machine threads share SQLite's single writer well enough."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", bind, "--port", str(port), "--workers", "1",
        "--blocking-threads", "4", "--log-level", "warning", "smartplus.wsgi:application",
    ]  # fmt: skip


def wait_for(bind: str, port: int, processes: Processes) -> None:
    """Wait until a server listens; a process that ends meanwhile ends the start."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        processes.refuse_dead()
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((bind, port)) == 0:
                return
        time.sleep(0.1)
    raise CommandError(f"Nothing listens on port {port} after a minute.")


class Processes:
    """The children of `up`, each in its own process group, so that Ctrl-C reaches them only through us and in order."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        self.restarts = 0
        self.stopping = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.stopping:
            self.stopping = True
            raise SystemExit(0)

    def start(self, name: str, command: list[str]) -> None:
        """Start a child; it uses our output."""
        self.commands[name] = command
        self.running[name] = subprocess.Popen(command, cwd=Path(settings.BASE_DIR), start_new_session=True)

    def refuse_dead(self) -> None:
        """Raise when a child has ended. Workers are restarted a few times, since their work is in the database."""
        for name, process in list(self.running.items()):
            if process.poll() is None:
                continue
            if name in {WORKER, GATEWAY_WORKER} and self.restarts < MAX_RESTARTS and not self.stopping:
                self.restarts += 1
                _end_group(process)  # its beat is a process of its own, and would run beside the new one
                self.start(name, self.commands[name])
            else:
                raise CommandError(f"The {name} ended with exit code {process.returncode}; everything is stopped.")

    def wait(self) -> None:
        """Wait until a signal arrives or a child dies."""
        while True:
            self.refuse_dead()
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop every child, last started first; one that does not react is killed."""
        self.stopping = True
        for process in reversed(self.running.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            _end_group(process)
            process.wait()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a child and of the processes it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
