"""Alive and ready: what machines are told about the house."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
import time_machine
from celery import signals
from celery.beat import PersistentScheduler
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.append_only import guarded_tables, unguard_sql
from smartplus import heartbeats, tasks
from smartplus.beat import Scheduler
from smartplus.celery import app as celery_app
from smartplus.heartbeats import Sign
from tests.people import NOW

ALL_WELL = {
    "database": "ok",
    "migrations": "ok",
    "guards": "ok",
    "broker": "ok",
    "beat": "ok",
    "worker": "ok",
    "setup": "ok",
}


def note(sign: Sign, age: timedelta = timedelta()) -> None:
    """A sign of life as old as this."""
    heartbeats.note(sign, now=timezone.now() - age, is_always=True)


@pytest.fixture(autouse=True)
def signs(settings, tmp_path_factory, monkeypatch):
    """A broker that can be reached, and no signs of life but those that a test writes; none stays behind."""
    (settings.BROKER_DIR / "queue").mkdir(parents=True, exist_ok=True)
    settings.VAR_DIR, settings.INSTALLATION_NAME = tmp_path_factory.mktemp("var"), "test-health"
    redis_url = settings.REDIS_URL
    monkeypatch.setattr("smartplus.setup.look", lambda now, **_: [])  # what it finds is tested with the set-up
    with time_machine.travel(NOW, tick=False):  # ages are compared to the second
        yield
    if redis_url:
        with redis.Redis.from_url(redis_url) as client:
            client.delete(*(f"test-health:last-{sign}" for sign in Sign))


@pytest.fixture
def house_in_order(signs):
    """Beat and a worker that lived just now."""
    for sign in (Sign.BEAT, Sign.WORKER, Sign.GATEWAYS, Sign.TICK):
        note(sign)


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get("/readyz")
    assert response["Cache-Control"].startswith("max-age=0")
    return response.status_code, response.json()


def test_a_process_that_answers_is_alive_and_needs_no_database():
    response = Client().get("/healthz")  # a test without a database: a query would be refused
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert Client().post("/healthz").status_code == 405


@pytest.mark.django_db
def test_a_house_in_order_is_ready_in_a_few_queries(house_in_order, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        status, answer = ready()
    assert status == 200
    assert answer.pop("beat_age_s") == 0
    assert answer.pop("worker_age_s") == 0
    assert answer == {"ready": True, "checks": ALL_WELL}


@pytest.mark.django_db
def test_a_migration_that_was_not_applied_is_seen(house_in_order):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'payments' AND name LIKE '0001%%'")
    status, answer = ready()
    assert status == 503
    assert answer["checks"] == ALL_WELL | {"migrations": "fail", "setup": "unknown"}


@pytest.mark.django_db
def test_a_missing_append_only_guard_is_seen(house_in_order):
    with connection.cursor() as cursor:
        cursor.execute(unguard_sql(connection, next(iter(guarded_tables())))[0])
    status, answer = ready()
    assert status == 503
    assert answer["checks"] == ALL_WELL | {"guards": "fail"}


@pytest.mark.django_db
def test_a_broker_that_is_gone_is_seen(house_in_order, settings, tmp_path):
    settings.REDIS_URL, settings.BROKER_DIR = "", tmp_path / "nowhere"
    assert ready()[1]["checks"]["broker"] == "fail"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, answer = ready()
    assert status == 503
    assert answer["checks"] == ALL_WELL | {"broker": "fail", "beat": "unknown", "worker": "unknown"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ages", "failed"),
    [
        ({}, set()),
        ({Sign.BEAT: 170, Sign.WORKER: 170, Sign.TICK: 170}, set()),
        ({Sign.BEAT: 182, Sign.TICK: 182}, {"beat"}),  # nothing is sent any more, the worker listens
        ({Sign.WORKER: 182, Sign.TICK: 182}, {"worker"}),  # beat sends, nobody works
        ({Sign.GATEWAYS: 182}, {"worker"}),  # nobody takes what may wait for a gateway
        ({Sign.TICK: 182}, {"worker"}),  # it listens and takes nothing
        ({Sign.BEAT: 182, Sign.WORKER: 182, Sign.TICK: 182}, {"beat", "worker"}),
    ],
)
def test_a_dead_beat_is_told_from_a_dead_worker(house_in_order, ages, failed):
    for sign, age in ages.items():
        note(sign, timedelta(seconds=age))
    status, said = ready()
    assert {name for name, answer in said["checks"].items() if answer != "ok"} == failed
    assert status == (503 if failed else 200)
    assert said["beat_age_s"] == ages.get(Sign.BEAT, 0)
    assert said["worker_age_s"] == ages.get(Sign.WORKER, 0)


@pytest.mark.django_db
def test_who_never_gave_a_sign_of_life_is_not_ready_yet(settings, tmp_path):
    nothing = {"ready": False, "checks": ALL_WELL | {"beat": "fail", "worker": "fail"}}
    assert ready() == (503, nothing | {"beat_age_s": None, "worker_age_s": None})
    settings.REDIS_URL = ""
    (settings.VAR_DIR / "last-beat").write_text("nonsense")
    assert ready()[1]["beat_age_s"] is None


@pytest.mark.django_db(transaction=True)
def test_a_round_of_work_is_noted():
    tasks.tick()
    assert heartbeats.last(Sign.TICK) == heartbeats.last_here(Sign.TICK)
    assert heartbeats.age_s(heartbeats.last(Sign.TICK), now=timezone.now() + timedelta(seconds=90)) == 90


def test_beat_notes_its_own_life_and_a_worker_its_own(monkeypatch):
    monkeypatch.setattr(PersistentScheduler, "tick", lambda self: 20)
    assert celery_app.conf.beat_scheduler == "smartplus.beat:Scheduler"
    assert Scheduler(celery_app, lazy=True).tick() == 20
    assert heartbeats.last_here(Sign.BEAT) is not None
    assert heartbeats.last_here(Sign.WORKER) is None
    signals.heartbeat_sent.send(sender=None)
    assert heartbeats.last_here(Sign.WORKER) is not None
    assert heartbeats.last_here(Sign.GATEWAYS) is not None  # it was not told to leave that queue to another one


def test_a_heart_is_not_written_down_at_every_beat():
    first = timezone.now()
    for seconds in (0, 4, 9):
        heartbeats.note(Sign.WORKER, now=first + timedelta(seconds=seconds))
    assert heartbeats.last_here(Sign.WORKER) == first
    heartbeats.note(Sign.WORKER, now=first + timedelta(seconds=11))
    assert heartbeats.last_here(Sign.WORKER) == first + timedelta(seconds=11)


def test_a_sign_of_life_that_can_not_be_noted_is_no_accident(settings, tmp_path, caplog):
    settings.REDIS_URL, settings.VAR_DIR = "", tmp_path / "nowhere"
    with caplog.at_level(logging.WARNING, "smartplus.health"):
        note(Sign.BEAT)
    assert "could not note the sign of life of beat" in caplog.text


@pytest.mark.parametrize("who", ["worker", "beat"])
def test_a_container_asks_for_its_own_process(settings, who):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # others may live: here it is asked who lives here
    with pytest.raises(CommandError, match=f"{who} never gave a sign of life here"):
        call_command("alive", who)
    (settings.VAR_DIR / f"last-{who}").write_text((timezone.now() - timedelta(seconds=185)).isoformat())
    with pytest.raises(CommandError, match=f"{who} last gave a sign of life 185 s ago"):
        call_command("alive", who)
    (settings.VAR_DIR / f"last-{who}").write_text(timezone.now().isoformat())
    out = StringIO()
    call_command("alive", who, stdout=out)
    assert out.getvalue().startswith(f"{who} last gave a sign of life ")


def test_a_web_server_is_asked_under_the_name_it_answers_to(live_server, settings):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://portal.example", ["portal.example"]
    out = StringIO()
    call_command("alive", "web", port=int(live_server.url.rsplit(":", 1)[1]), stdout=out)
    assert out.getvalue() == "web answers 200\n"
    with pytest.raises(CommandError, match="web does not answer on port 1:"):
        call_command("alive", "web", port=1)


@pytest.mark.parametrize("database", ["postgres://smartplus:hush-hush-hush@127.0.0.1:1/smartplus", "sqlite"])
def test_a_database_that_is_gone_or_empty_is_said_so_without_its_secrets(tmp_path, database):
    code = (
        "import django; django.setup()\n"
        "from django.test import Client; client = Client(SERVER_NAME='portal.example')\n"
        "alive, answer = client.get('/healthz'), client.get('/readyz')\n"
        "print(alive.status_code, answer.status_code, answer.content.decode())"
    )
    environment = {
        "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "smartplus.settings", "SMARTPLUS_DEMO": "0", "SECRET_KEY": "x" * 60,
        "SITE_URL": "https://portal.example", "ALLOWED_HOSTS": "portal.example", "SMARTPLUS_VAR": str(tmp_path), "REDIS_URL": "",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}" if database == "sqlite" else database,
    }  # fmt: skip
    (tmp_path / "static").mkdir()
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, timeout=60
    )
    alive, status, body = run.stdout.split(maxsplit=2)
    assert (alive, status) == ("200", "503")
    checks = json.loads(body)["checks"]
    if database == "sqlite":
        assert (checks["database"], checks["migrations"]) == ("ok", "fail")
    else:
        assert (checks["database"], checks["migrations"], checks["guards"]) == ("fail", "unknown", "unknown")
    assert "hush-hush-hush" not in run.stdout + run.stderr
    assert all(json.loads(line)["time"] for line in run.stderr.splitlines())  # production speaks JSON
