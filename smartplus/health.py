"""Liveness and readiness: two public answers that never raise and reveal nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import append_only
from communities.expiry_triggers import check_triggers
from smartplus import access, heartbeats, setup

log = logging.getLogger("smartplus.health")

SETUP_EVERY = timedelta(minutes=1)
_looked: dict[str, datetime] = {}
_red: dict[str, list[str]] = {}


@access.public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers. Asks nothing else, so that an unreachable database does not restart the process."""
    return HttpResponse("ok\n", content_type="text/plain")


@access.public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 or 503 with `{"ready": bool, "checks": {name: "ok" | "warn" | "fail" | "unknown"}, "beat_age_s": …, "worker_age_s": …}`.

    `setup` summarizes the operator's Set-up page: `fail` where strangers could sign in, `warn` for any other problem, with which the portal
    must stay reachable so that it can be solved. Ages are seconds since the last heartbeat, null for none. If beat is dead and a worker
    lives, only `beat` fails; a worker that lives and does no work fails `worker`.
    """
    checks = {"database": _ask("database", database_answers)}
    for name, question in (("migrations", migrations_are_applied), ("guards", guards_are_installed)):
        checks[name] = _ask(name, question) if checks["database"] == "ok" else "unknown"
    checks["broker"] = _ask("broker", broker_answers)
    ages: dict[str, int | None] = {}
    if checks["broker"] == "ok":
        life, ages = heartbeats.signs_of_life(now=timezone.now())
        checks |= {name: "ok" if is_well else "fail" for name, is_well in life.items()}
    else:  # where heartbeats would be stored
        checks |= {"beat": "unknown", "worker": "unknown"}
    checks["setup"] = _setup() if {checks["database"], checks["migrations"]} == {"ok"} else "unknown"
    failed = sorted(name for name, answer in checks.items() if answer not in {"ok", "warn"})
    if failed:
        log.warning("not ready: %s", ", ".join(failed))
    answer = {"ready": not failed, "checks": checks, "beat_age_s": ages.get("beat"), "worker_age_s": ages.get("worker")}
    return JsonResponse(answer, status=503 if failed else 200)


def _setup() -> str:
    """The set-up in one word: the dangerous questions at each call, all questions once a minute."""
    now = timezone.now()
    try:
        if any(
            finding.state == setup.State.BLOCKS for finding in setup.look(now, only=lambda question: question.stops)
        ):
            return "fail"
        looked = _looked.get("at")
        if looked is None or not looked <= now < looked + SETUP_EVERY:
            _looked["at"] = now
            _red["keys"] = [finding.key for finding in setup.look(now) if finding.state == setup.State.BLOCKS]
            if _red["keys"]:
                log.warning("set-up: %s", ", ".join(_red["keys"]))
    except Exception:  # as below: any error becomes an answer
        log.exception("the set-up could not be looked at")
        return "fail"
    return "warn" if _red.get("keys") else "ok"


def _ask(name: str, question: Callable[[], bool]) -> str:
    try:
        return "ok" if question() else "fail"
    # Any error that a driver raises when its server is gone; an answer is needed all the same
    except Exception as problem:
        log.warning("%s: %s", name, problem)
        return "fail"


def database_answers() -> bool:
    """A query works."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def migrations_are_applied() -> bool:
    """The database has every migration of this code. Newer ones do not matter: another version may be rolling out."""
    return _our_migrations() <= set(MigrationRecorder(connection).applied_migrations())


@cache
def _our_migrations() -> frozenset[tuple[str, str]]:
    """Read from disk once, since the code does not change while it runs."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


def guards_are_installed() -> bool:
    """Every append-only table has its triggers, and so have the tables that the summary by day counts."""
    checks = (append_only.check_guards, check_triggers)
    return not any(check(databases=["default"]) for check in checks)


def broker_answers() -> bool:
    """Redis answers a ping; without Redis, the broker's folder can be written."""
    if settings.REDIS_URL:
        with heartbeats.connect() as client:
            return bool(client.ping())
    folder = settings.BROKER_DIR / "queue"
    return bool(folder.is_dir() and os.access(folder, os.W_OK | os.X_OK))
