"""The demo and a real installation side by side: neither touches what the other has."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.actions import add_member
from accounts.actions.known_logins import deactivate_logins
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, Kind, Membership, Organization, User
from accounts.scope import Actor
from smartplus import demo, environment, first_env
from smartplus.management.commands import up
from subscriptions.models import PriceList
from tests.people import NOW

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json
from smartplus import settings
print(json.dumps({name: repr(getattr(settings, name)) for name in dir(settings) if name.isupper()}, sort_keys=True))
"""
REAL = {
    "SECRET_KEY": "of-the-real-one-" + "x" * 40, "SITE_URL": "https://real.example", "ALLOWED_HOSTS": "real.example",
    "DATABASE_URL": "postgres://real:hush@127.0.0.1:1/real", "REDIS_URL": "redis://127.0.0.1:1/7", "EMAIL_URL": "smtp://real.example:25",
    "STRIPE_SECRET_KEY": "a-real-key", "STRIPE_WEBHOOK_SECRET": "a-real-secret", "STRIPE_API_BASE": "https://real.example",
}  # fmt: skip


def run(*command: str, var: Path, env_file: Path | str = "", **given: str) -> subprocess.CompletedProcess[str]:
    """Start Python with nothing in the environment but this."""
    environment = {"PATH": os.environ["PATH"], "SMARTPLUS_VAR": str(var), "SMARTPLUS_ENV_FILE": str(env_file)} | given
    return subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def settings_of(var: Path, env_file: Path | str = "", **given: str) -> dict[str, str]:
    """Every setting, as text."""
    done = run("-c", SHOW, var=var, env_file=env_file, **given)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def read_by_settings() -> set[str]:
    """The names of all variables that the settings read."""
    text = (ROOT / "smartplus" / "settings.py").read_text() + (ROOT / "smartplus" / "environment.py").read_text()
    return set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))


def test_the_demo_is_deaf_to_every_variable_of_a_real_installation(tmp_path: Path) -> None:
    names = read_by_settings()
    assert set(REAL) <= names
    hostile = {name: REAL.get(name, "9" if name.endswith("APARTMENT") else "true") for name in names}
    for name in ("LOG_FORMAT", "LOG_LEVEL", "SMARTPLUS_VAR"):
        hostile.pop(name, None)
    quiet = settings_of(tmp_path, SMARTPLUS_DEMO="1")
    assert settings_of(tmp_path, SMARTPLUS_DEMO="1", **hostile, CELERY_BROKER_URL="redis://127.0.0.1:1/7") == quiet
    beside = tmp_path / "real.env"
    beside.write_text("".join(f"{name}={value}\n" for name, value in hostile.items()) + "SMARTPLUS_VAR=/nowhere\n")
    assert settings_of(tmp_path, beside, SMARTPLUS_DEMO="1") == quiet
    assert str(tmp_path / "demo" / "smartplus.sqlite3") in quiet["DATABASES"]
    assert str(tmp_path / "demo" / "broker") in quiet["BROKER_DIR"]


def test_a_real_installation_takes_nothing_from_a_demo_beside_it(tmp_path: Path) -> None:
    settings_of(tmp_path, SMARTPLUS_DEMO="1")  # makes the demo's folder and secrets
    beside = tmp_path / "real.env"
    beside.write_text(
        "".join(f"{name}={value}\n" for name, value in REAL.items()) + "SMARTPLUS_DEMO=1\nDATABASE_URL=\n"
    )
    real = settings_of(tmp_path, beside, DATABASE_URL="")
    assert real["DEMO"] == "False"
    assert str(tmp_path / "smartplus.sqlite3") in real["DATABASES"]
    without = run("manage.py", "migrate", var=tmp_path)
    assert without.returncode == 1
    assert "`manage.py … --demo`" in without.stderr
    assert not list(tmp_path.rglob("*.sqlite3"))


def test_what_is_left_empty_counts_as_not_given(tmp_path: Path) -> None:
    needed = {"SECRET_KEY": "x" * 50, "SITE_URL": "http://127.0.0.1:8000"}
    empty = dict.fromkeys(read_by_settings() - {*needed, "SMARTPLUS_VAR"}, "")
    assert settings_of(tmp_path, **needed, **empty) == settings_of(tmp_path, **needed)


def test_one_password_makes_the_address_of_the_database() -> None:
    given = environment.Given({"POSTGRES_HOST": "postgres", "POSTGRES_PASSWORD": "p@ss/w:rd"})
    found = given.db_url_config(environment.database_url(given, Path("unused")))
    assert (found["HOST"], found["USER"], found["PASSWORD"], found["NAME"]) == (
        "postgres",
        "smartplus",
        "p@ss/w:rd",
        "smartplus",
    )


@pytest.mark.django_db
def test_the_demo_is_seeded_nowhere_else() -> None:
    with pytest.raises(CommandError, match="This is not the demo"):
        call_command("demo")
    with pytest.raises(Refused, match="for the demo only"):
        demo.seed(NOW)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_seed_that_breaks_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DEMO = True

    def broken(*args: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr(demo, "_harbour_view", broken)
    with pytest.raises(RuntimeError, match="half-way"):
        demo.seed(NOW)
    assert (User.objects.count(), Organization.objects.count(), PriceList.objects.count()) == (0, 0, 0)


@pytest.fixture
def seeded(db: None, settings: Any) -> Membership:
    """An installation in which the demo was seeded by mistake, and its real operator."""
    settings.DEMO = True
    demo.seed(NOW)
    settings.DEMO = False
    return add_member(
        Actor.system("test"),
        organization=Organization.objects.get(kind=Kind.OPERATOR),
        email="olga@vendor.example",
        name="Olga Maas",
        now=NOW,
    )


def test_up_refuses_a_database_in_which_the_demos_people_work(seeded: Membership) -> None:
    theirs = User.objects.filter(email__endswith=demo.DOMAIN)
    assert demo.active_logins().count() == len(demo.ADDRESSES) == theirs.count()
    with pytest.raises(CommandError, match=r"11 logins of the demo can sign in here(.|\n)*deactivate_demo_logins"):
        up.refuse_demo_people()
    out = StringIO()
    call_command("deactivate_demo_logins", stdout=out)
    assert out.getvalue() == "11 logins of the demo can't sign in any more.\n"
    up.refuse_demo_people()


def test_only_the_operator_takes_them_out_and_never_itself(seeded: Membership) -> None:
    before = AuditEvent.objects.count()
    for email, role in demo.LOGINS:
        theirs = Membership.objects.get(user__email_key=email).actor()
        is_operator = role.startswith("Operator")
        refusal = "signed in as one of them" if is_operator else "may not"
        with pytest.raises(Refused if is_operator else NotPermitted, match=refusal):
            deactivate_logins(theirs, addresses=demo.ADDRESSES, now=NOW)
    assert (demo.active_logins().count(), AuditEvent.objects.count()) == (11, before)
    assert deactivate_logins(seeded.actor(), addresses=demo.ADDRESSES, now=NOW) == 11
    written = AuditEvent.objects.order_by("pk")[before:]
    assert [(row.action, row.after) for row in written] == [("member.deactivated", {"is_active": False})] * 11
    assert not demo.active_logins().exists()
    assert Membership.objects.usable().filter(pk=seeded.pk).exists()


LOOK = """
import sys
from datetime import datetime
import django; django.setup()
from smartplus import demo_file
print(demo_file.set_aside_if_older(now=datetime.fromisoformat(sys.argv[1])))
"""


def test_data_of_another_shape_is_moved_aside_and_said(tmp_path: Path) -> None:
    home = tmp_path / "demo"

    def look(at: str) -> str:
        demo = {"SMARTPLUS_DEMO": "1", "DJANGO_SETTINGS_MODULE": "smartplus.settings"}
        done = run("-c", LOOK, at, var=tmp_path, **demo)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert look("2026-11-28 09:01") == "None"  # nothing there yet
    migrated = run("manage.py", "migrate", "--demo", "--verbosity", "0", var=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    assert look("2026-11-28 09:02") == "None"
    with sqlite3.connect(home / "smartplus.sqlite3") as database:  # a migration of another time
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('accounts', '0042_gone', '2026-01-01')"
        )
    (home / "sandbox.json").write_text("{}")
    aside = home / "older-20261128-090300"
    assert look("2026-11-28 09:03") == str(aside)
    assert {path.name for path in home.iterdir()} == {"demo.env", "broker", aside.name}
    assert (aside / "sandbox.json").exists()
    shutil.copy(aside / "smartplus.sqlite3", home)
    with sqlite3.connect(home / "smartplus.sqlite3") as database:  # the same names, another content
        database.execute("DELETE FROM django_migrations WHERE name = '0042_gone'")
        database.execute("ALTER TABLE communities_building RENAME COLUMN name TO title")
    assert look("2026-11-28 09:04") == str(home / "older-20261128-090400")


def test_the_first_env_holds_secrets_of_its_own_and_is_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / ".env"
    assert first_env.write(ROOT / ".env.example", target)
    assert target.stat().st_mode & 0o077 == 0
    text = target.read_text()
    found = dict(line.split("=", 1) for line in text.splitlines() if re.match("[A-Z]", line))
    assert len(found["SECRET_KEY"]) > 50
    assert len(found["POSTGRES_PASSWORD"]) > 30
    assert not first_env.write(ROOT / ".env.example", target)
    assert target.read_text() == text
    assert settings_of(tmp_path, target)["SECURE_SSL_REDIRECT"] == "False"
    unread = set(found) - read_by_settings() - {"POSTGRES_PASSWORD"}
    assert not unread, "the example names what nothing reads"
