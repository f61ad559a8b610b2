"""Is the process alive, and may work be sent to it: two public answers that never raise and give nothing away."""

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
    """200 as long as the process answers; asks nothing else, so that a database's bad hour does not restart us."""
    return HttpResponse("ok\n", content_type="text/plain")


@access.public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 or 503 with `{"ready": bool, "checks": {name: "ok" | "warn" | "fail" | "unknown"}, "beat_age_s": …, "worker_age_s": …}`.

    `setup` is what the operator's Set-up page lists: `fail` where strangers could come in, `warn` for anything else that is red
    there, with which the portal has to stay in reach, or nobody could mend it. The ages are seconds since the last sign of life,
    null for none. A dead beat with a living worker fails `beat` alone; a worker that lives and does not work fails `worker`.
    """
    checks = {"database": _ask("database", database_answers)}
    for name, question in (("migrations", migrations_are_applied), ("guards", guards_are_installed)):
        checks[name] = _ask(name, question) if checks["database"] == "ok" else "unknown"
    checks["broker"] = _ask("broker", broker_answers)
    ages: dict[str, int | None] = {}
    if checks["broker"] == "ok":
        life, ages = heartbeats.signs_of_life(now=timezone.now())
        checks |= {name: "ok" if is_well else "fail" for name, is_well in life.items()}
    else:  # where their signs of life would be
        checks |= {"beat": "unknown", "worker": "unknown"}
    checks["setup"] = _setup() if {checks["database"], checks["migrations"]} == {"ok"} else "unknown"
    failed = sorted(name for name, answer in checks.items() if answer not in {"ok", "warn"})
    if failed:
        log.warning("not ready: %s", ", ".join(failed))
    answer = {"ready": not failed, "checks": checks, "beat_age_s": ages.get("beat"), "worker_age_s": ages.get("worker")}
    return JsonResponse(answer, status=503 if failed else 200)


def _setup() -> str:
    """What the set-up says to machines: the dangerous questions each time, all of them once a minute."""
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
    except Exception:  # as below: an answer, whatever breaks
        log.exception("the set-up could not be looked at")
        return "fail"
    return "warn" if _red.get("keys") else "ok"


def _ask(name: str, question: Callable[[], bool]) -> str:
    try:
        return "ok" if question() else "fail"
    except Exception as problem:  # whatever a driver raises when its server is gone; the answer must come all the same
        log.warning("%s: %s", name, problem)
        return "fail"


def database_answers() -> bool:
    """A query comes back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def migrations_are_applied() -> bool:
    """The database knows every migration of this code; newer ones than ours do not matter while a new version rolls out."""
    return _our_migrations() <= set(MigrationRecorder(connection).applied_migrations())


@cache
def _our_migrations() -> frozenset[tuple[str, str]]:
    """Read from the disk once: the code does not change while it runs."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


def guards_are_installed() -> bool:
    """Every append-only table has its triggers, and so have the tables that the summary by day is counted from."""
    checks = (append_only.check_guards, check_triggers)
    return not any(check(databases=["default"]) for check in checks)


def broker_answers() -> bool:
    """Redis answers a ping; without Redis, the folder of messages can be written."""
    if settings.REDIS_URL:
        with heartbeats.connect() as client:
            return bool(client.ping())
    folder = settings.BROKER_DIR / "queue"
    return bool(folder.is_dir() and os.access(folder, os.W_OK | os.X_OK))
