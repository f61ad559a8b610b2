"""The command line: tick, demo, up."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent, Membership, Organization, User
from communities.models import Site
from smartplus import demo, environment, jobs
from smartplus.management.commands import up
from tests.people import PASSWORD

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
def test_tick_runs_everything_due_and_says_what_it_did(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    out = StringIO()
    call_command("tick", now="2026-11-22T09:00:00", stdout=out)
    assert out.getvalue().splitlines() == [f"{name}: 0" for name in jobs.JOBS]
    with pytest.raises(CommandError, match="--now"):
        call_command("tick", now="tomorrow")


@pytest.mark.django_db
def test_one_broken_job_does_not_keep_the_others_from_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> int:
        raise RuntimeError("no")

    monkeypatch.setitem(jobs.JOBS, "gateway_events", replace(jobs.JOBS["gateway_events"], sweep=broken))
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("tick", stdout=out)
    assert "stale_payments: 0" in out.getvalue()


@pytest.mark.django_db
def test_the_demo_is_seeded_once_and_prints_logins_and_ids(settings: Any) -> None:
    settings.DEMO = True
    out = StringIO()
    call_command("demo", json=True, stdout=out)
    said = json.loads(out.getvalue())
    assert set(said["logins"]) == {email for email, _role in demo.LOGINS}
    assert set(said["sites"]) == {"Harbour View", "Les Tilleuls", "Speicher 7 Offices", "Villa Elbe"}
    counts = (User.objects.count(), Organization.objects.count(), Site.objects.count(), AuditEvent.objects.count())
    call_command("demo", verbosity=0)
    assert counts == (
        User.objects.count(),
        Organization.objects.count(),
        Site.objects.count(),
        AuditEvent.objects.count(),
    )


@pytest.mark.django_db
def test_the_first_person_of_an_installation_joins_by_the_printed_link(client: Client) -> None:
    out = StringIO()
    call_command("add_operator", email="Olga@vendor.example", name="Olga Maas", firm="Vendor", stdout=out)
    first = link_in(out)
    with pytest.raises(CommandError, match="An email address has an @"):
        call_command("add_operator", email="olga", name="Olga Maas")
    again = StringIO()
    call_command("add_operator", email="olga@vendor.example", name="Olga Maas", stdout=again)
    assert client.get(first).status_code == 410  # the newer link took its place
    link = link_in(again)
    joined = client.post(link, {"name": "Olga Maas", "password1": PASSWORD, "password2": PASSWORD})
    assert joined.status_code == 302
    member = Membership.objects.get()
    assert (member.organization.kind, str(member.organization), member.joined_at is None) == (
        "operator",
        "Vendor",
        False,
    )
    assert member.user.confirmed_at is not None
    assert [row.action for row in AuditEvent.objects.order_by("pk")][:2] == ["organization.created", "member.invited"]
    with pytest.raises(CommandError, match="works for Vendor already"):
        call_command("add_operator", email="olga@vendor.example", name="Olga Maas")
    assert Organization.objects.count() == 1


@pytest.mark.django_db
def test_who_asks_for_a_superuser_is_told_how_the_first_person_comes() -> None:
    with pytest.raises(CommandError, match="add_operator"):
        call_command("createsuperuser", interactive=False, email="olga@vendor.example", name="Olga")


def link_in(out: StringIO) -> str:
    """The path of the link that was printed."""
    return urlsplit(out.getvalue().split()[-1]).path


def test_a_taken_port_is_named_clearly() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Port {port} for the web is taken"):
            up.refuse_taken_port("127.0.0.1", port, "web")


@pytest.mark.parametrize("text", ["abc", "0", "65535", "99999", "-1", "80 80", "²"])
def test_what_is_no_port_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(SystemExit, match="PORT has to be a number from 1 to 65534"):
        environment.port_of(text)


def test_no_port_is_the_usual_one() -> None:
    assert [environment.port_of(text) for text in ("", " ", "8010")] == [8000, 8000, 8010]


def test_two_houses_do_not_share_their_data(tmp_path: Path) -> None:
    with (
        up.only_one(tmp_path, 8000),
        pytest.raises(CommandError, match=r"already runs on the data in .* at http://127.0.0.1:8000\. Stop it first"),
        up.only_one(tmp_path, 8010),
    ):
        pytest.fail("the second one started")
    with up.only_one(tmp_path, 8010):  # and after it has ended the folder is free
        assert (tmp_path / "up.lock").read_text() == "http://127.0.0.1:8010\n"


def test_what_a_dead_worker_started_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    note = tmp_path / "pid"
    beat = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {beat!r}]); time.sleep(60)"
    processes = up.Processes()
    try:
        processes.start(up.WORKER, [sys.executable, "-c", parent])
        while not (note.exists() and note.read_text()):
            time.sleep(0.05)  # polling another process
        os.kill(processes.running[up.WORKER].pid, signal.SIGKILL)
        processes.running[up.WORKER].wait(20)
        processes.commands[up.WORKER] = [sys.executable, "-c", "import time; time.sleep(60)"]
        processes.refuse_dead()
        deadline = time.monotonic() + 20
        while is_running(int(note.read_text())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_running(int(note.read_text()))
    finally:
        processes.stop()


def is_running(pid: int) -> bool:
    """Whether there is such a process that is not just waiting to be buried."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_worker_is_started_again_and_every_other_end_ends_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    processes = up.Processes()
    try:
        processes.start(up.WORKER, [sys.executable, "-c", "pass"])
        first = processes.running[up.WORKER]
        first.wait(20)
        processes.commands[up.WORKER] = [sys.executable, "-c", "import time; time.sleep(60)"]
        processes.refuse_dead()
        assert processes.running[up.WORKER].pid != first.pid
        processes.start("web", [sys.executable, "-c", "raise SystemExit(3)"])
        processes.running["web"].wait(20)
        with pytest.raises(CommandError, match="web ended with exit code 3"):
            processes.refuse_dead()
    finally:
        processes.stop()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no checks that ask for rows")
def test_the_first_migrate_of_an_installation_asks_for_no_table_yet(django_db_setup: None) -> None:
    """As a process: `call_command` leaves the checks out that `migrate` begins with."""
    given = connection.settings_dict
    name = f"{given['NAME']}_first"
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    address = f"postgres://{given['USER']}{password}@{given['HOST'] or '127.0.0.1'}:{given['PORT'] or 5432}"
    server = psycopg2.connect(f"{address}/postgres")
    server.autocommit = True
    with closing(server), server.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            made = subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                env={**os.environ, "DATABASE_URL": f"{address}/{name}", "SECRET_KEY": "x", "SITE_URL": "http://x"},
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    assert made.returncode == 0, made.stderr[-2000:]
