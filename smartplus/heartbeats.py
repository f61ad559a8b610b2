"""Heartbeats of beat and of the workers: each process records its own, so that a dead one can be named."""

from __future__ import annotations

import enum
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import redis

log = logging.getLogger("smartplus.health")

LATEST = timedelta(minutes=3)  # beat ticks every 20 seconds; one long round of work is no outage
EVERY = timedelta(seconds=10)  # more frequent heartbeats are not written
TIMEOUT_S = 1


class Sign(enum.StrEnum):
    """The kinds of heartbeats."""

    BEAT = "beat"  # the scheduler ran
    WORKER = "worker"  # a worker listens to the broker, or works
    GATEWAYS = "gateway-worker"  # the same, for the queue of jobs that ask a gateway
    TICK = "tick"  # a round of all due jobs began or ended
    BAD_SIGNATURE = "bad-signature"  # a webhook arrived whose signature does not match our secret


_written: dict[Sign, datetime] = {}


def note(sign: Sign, *, now: datetime, is_always: bool = False) -> None:
    """Record a heartbeat in a file of this machine, and in Redis where there is one; at most every ten seconds. Never raises."""
    last = _written.get(sign)
    if not is_always and last is not None and timedelta(0) <= now - last < EVERY:
        return
    _written[sign] = now
    try:
        scratch = _file(sign).with_suffix(f".{os.getpid()}")
        scratch.write_text(now.isoformat())
        scratch.replace(_file(sign))  # an atomic rename: readers never see half a file
        if settings.REDIS_URL:
            with connect() as client:
                client.set(_key(sign), now.isoformat())
    except (_redis_error(), OSError) as problem:  # the work is more important than the record of it
        log.warning("could not note the sign of life of %s: %s", sign, problem)


def last(sign: Sign) -> datetime | None:
    """The last heartbeat of this installation, on any machine; None for none, or where it can't be read."""
    try:
        if settings.REDIS_URL:
            with connect() as client:
                return _instant(client.get(_key(sign)))
        return _instant(_file(sign).read_text())
    except (_redis_error(), OSError, ValueError):
        return None


def last_here(sign: Sign) -> datetime | None:
    """The last heartbeat of a process on this machine (or container)."""
    try:
        return _instant(_file(sign).read_text())
    except (OSError, ValueError):
        return None


def age_s(noted: datetime | None, *, now: datetime) -> int | None:
    """Seconds since then; None for never."""
    return None if noted is None else max(0, int((now - noted).total_seconds()))


def is_fresh(noted: datetime | None, *, now: datetime) -> bool:
    """Whether a heartbeat is recent enough."""
    return noted is not None and now - noted <= LATEST


def connect() -> redis.Redis:
    """Redis with short time-outs: a quick failure is better than a late answer."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _redis_error() -> type[Exception]:
    """The errors of the Redis client; imported only when something was raised."""
    import redis

    return redis.RedisError


def _instant(text: object) -> datetime:
    found = datetime.fromisoformat(str(text or ""))
    return found.replace(tzinfo=found.tzinfo or UTC)


def _file(sign: Sign) -> Path:
    return Path(settings.VAR_DIR) / f"last-{sign}"


def _key(sign: Sign) -> str:
    return f"{settings.INSTALLATION_NAME}:last-{sign}"


def signs_of_life(*, now: datetime) -> tuple[dict[str, bool], dict[str, int | None]]:
    """Whether beat and a worker live, and the seconds since each one's heartbeat.

    A worker counts as dead if it listens but has not begun a round for three minutes. The same applies if no worker takes the queue of jobs
    that ask a gateway: it has a worker of its own, or the only worker takes both.
    """
    beat, worker, gateways, tick = (last(sign) for sign in (Sign.BEAT, Sign.WORKER, Sign.GATEWAYS, Sign.TICK))
    lives = is_fresh(beat, now=now)
    is_idle = lives and tick is not None and not is_fresh(tick, now=now)  # None: there was no round yet
    works = is_fresh(worker, now=now) and is_fresh(gateways, now=now) and not is_idle
    return {"beat": lives, "worker": works}, {"beat": age_s(beat, now=now), "worker": age_s(worker, now=now)}
