"""Alive and ready: what machines are told about the house."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.append_only import guarded_tables, unguard_sql
from smartplus import health, tasks

ALL_WELL = {"database": "ok", "migrations": "ok", "guards": "ok", "broker": "ok", "beat": "ok"}


@pytest.fixture
def house_in_order(settings):
    """A broker that can be reached, and a beat that ticked just now."""
    (settings.BROKER_DIR / "queue").mkdir(parents=True, exist_ok=True)
    redis_url, file = settings.REDIS_URL, settings.VAR_DIR / "last-tick"
    health.record_tick(now=timezone.now())
    yield
    if redis_url:
        with redis.Redis.from_url(redis_url) as client:
            client.delete(health.TICK_KEY)
    file.unlink(missing_ok=True)


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
    with django_assert_max_num_queries(6):
        status, answer = ready()
    assert status == 200
    assert answer.pop("beat_age_s") in range(5)
    assert answer == {"ready": True, "checks": ALL_WELL}


@pytest.mark.django_db
def test_a_migration_that_was_not_applied_is_seen(house_in_order):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'payments' AND name LIKE '0001%%'")
    status, answer = ready()
    assert status == 503
    assert answer["checks"] == ALL_WELL | {"migrations": "fail"}


@pytest.mark.django_db
def test_a_missing_append_only_guard_is_seen(house_in_order):
    with connection.cursor() as cursor:
        cursor.execute(unguard_sql(connection, guarded_tables()[0])[0])
    status, answer = ready()
    assert status == 503
    assert answer["checks"] == ALL_WELL | {"guards": "fail"}


@pytest.mark.django_db
def test_a_broker_that_is_gone_is_seen(house_in_order, settings, tmp_path):
    settings.REDIS_URL, settings.BROKER_DIR = "", tmp_path / "nowhere"
    assert ready()[1]["checks"]["broker"] == "fail"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    started = time.monotonic()
    status, answer = ready()
    assert time.monotonic() - started < 2
    assert status == 503
    assert answer["checks"] == ALL_WELL | {"broker": "fail", "beat": "fail"}


@pytest.mark.django_db
def test_a_beat_that_stopped_is_seen_after_three_minutes(house_in_order):
    for age, answer in ((timedelta(minutes=2, seconds=50), "ok"), (timedelta(minutes=3, seconds=2), "fail")):
        health.record_tick(now=timezone.now() - age)
        status, said = ready()
        assert said["checks"] == ALL_WELL | {"beat": answer}
        assert status == (200 if answer == "ok" else 503)
        assert said["beat_age_s"] - age.total_seconds() in range(3)


@pytest.mark.django_db
def test_a_beat_that_never_ticked_is_not_ready_yet(house_in_order, settings, tmp_path):
    settings.REDIS_URL, settings.VAR_DIR = "", tmp_path
    assert ready() == (503, {"ready": False, "checks": ALL_WELL | {"beat": "fail"}, "beat_age_s": None})
    (tmp_path / "last-tick").write_text("nonsense")
    assert ready()[1]["beat_age_s"] is None


@pytest.mark.django_db(transaction=True)
def test_the_tick_of_beat_notes_that_it_ran(settings, tmp_path):
    settings.REDIS_URL, settings.VAR_DIR = "", tmp_path
    tasks.tick()
    assert health.beat_age_s(now=timezone.now() + timedelta(seconds=90)) in range(89, 92)
    assert [path.name for path in tmp_path.iterdir()] == ["last-tick"]


def test_a_tick_that_can_not_be_noted_is_no_accident(settings, tmp_path, caplog):
    settings.REDIS_URL, settings.VAR_DIR = "", tmp_path / "nowhere"
    with caplog.at_level(logging.WARNING, "smartplus.health"):
        health.record_tick(now=timezone.now())
    assert "could not note the tick" in caplog.text


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
    root = Path(__file__).resolve().parents[2]
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
