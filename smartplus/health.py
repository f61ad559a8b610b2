"""Is the process alive, and may work be sent to it: two public answers that never raise and give nothing away."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts import append_only
from smartplus import access

log = logging.getLogger("smartplus.health")

BEAT_LATEST = timedelta(minutes=3)  # beat ticks every 20 seconds; one long round of work is not an outage
BROKER_TIMEOUT_S = 1
TICK_KEY = "smartplus:last-tick"


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
    """200 or 503 with `{"ready": bool, "checks": {name: "ok" | "fail" | "unknown"}, "beat_age_s": int | null}`."""
    checks = {"database": _ask("database", database_answers)}
    for name, question in (("migrations", migrations_are_applied), ("guards", guards_are_installed)):
        checks[name] = _ask(name, question) if checks["database"] == "ok" else "unknown"
    checks["broker"] = _ask("broker", broker_answers)
    age_s = beat_age_s(now=timezone.now()) if checks["broker"] == "ok" else None
    checks["beat"] = "ok" if age_s is not None and age_s <= BEAT_LATEST.total_seconds() else "fail"
    failed = sorted(name for name, answer in checks.items() if answer != "ok")
    if failed:
        log.warning("not ready: %s", ", ".join(failed))
    answer = {"ready": not failed, "checks": checks, "beat_age_s": age_s}
    return JsonResponse(answer, status=503 if failed else 200)


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
    """Every append-only table has its triggers."""
    return not append_only.check_guards(databases=["default"])


def broker_answers() -> bool:
    """Redis answers a ping; without Redis, the folder of messages can be written."""
    if settings.REDIS_URL:
        with _redis() as client:
            return bool(client.ping())
    folder = settings.BROKER_DIR / "queue"
    return bool(folder.is_dir() and os.access(folder, os.W_OK | os.X_OK))


def record_tick(*, now: datetime) -> None:
    """Remember that beat's tick ran: in Redis where there is one, else in a file beside the database. Never raises."""
    try:
        if settings.REDIS_URL:
            with _redis() as client:
                client.set(TICK_KEY, now.isoformat())
        else:
            scratch = _tick_file().with_suffix(f".{os.getpid()}")
            scratch.write_text(now.isoformat())
            scratch.replace(_tick_file())  # at once: a reader never meets half a file
    except (redis.RedisError, OSError) as problem:  # the work matters more than the note that it was done
        log.warning("could not note the tick: %s", problem)


def beat_age_s(*, now: datetime) -> int | None:
    """Seconds since the last tick, None when there never was one or the note can't be read."""
    try:
        if settings.REDIS_URL:
            with _redis() as client:
                noted = client.get(TICK_KEY)
        else:
            noted = _tick_file().read_text()
        last = datetime.fromisoformat(str(noted or ""))
    except (redis.RedisError, OSError, ValueError):
        return None
    return max(0, int((now - last.replace(tzinfo=last.tzinfo or UTC)).total_seconds()))


def _tick_file() -> Path:
    return Path(settings.VAR_DIR) / "last-tick"


def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BROKER_TIMEOUT_S,
        socket_connect_timeout=BROKER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # an answer now, rather than a better one later
        decode_responses=True,
    )
