"""Messages to the broker that start a job, with a limit on their time even where the broker hangs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings

log = logging.getLogger("smartplus.jobs")

CONNECT_TIMEOUT_S = 0.1
ANSWER_TIMEOUT_S = 0.15  # together less than 0.3 s, which a click may lose to a broker that does not answer
REST_S = 30  # after a failure nobody waits again; beat starts the jobs meanwhile


@dataclass
class Breaker:
    """Whether this process sends nothing to the broker at present."""

    clock: Callable[[], float] = time.monotonic
    rests_until: float = 0.0  # by that clock


breaker = Breaker()


def publish(task: str, argument: str, *, queue: str | None = None, expires_s: int | None = None) -> bool:
    """Send a task by its name; False where the broker could not be reached, or is not tried after a failure. Never raises: the rows are in
    the database."""
    from kombu import pools

    from smartplus import celery  # imported here, since it takes a fifth of a process's start

    if breaker.clock() < breaker.rests_until:
        return False
    try:
        with pools.producers[connection()].acquire(block=True, timeout=ANSWER_TIMEOUT_S) as producer:
            celery.app.send_task(
                task,
                (argument,),
                headers=celery.headers(),
                producer=producer,
                queue=queue,
                expires=expires_s,
                retry=False,
            )
    except Exception as problem:  # any error of the broker's client
        breaker.rests_until = breaker.clock() + REST_S
        _drop_connections()
        log.warning("could not wake a worker for %s, resting for %s s: %s", argument, REST_S, problem)
        return False
    return True


def _drop_connections() -> None:
    """Half an answer may still arrive on them, so the next message opens a new one."""
    from kombu import pools

    for group in (pools.producers, pools.connections):
        with suppress(Exception):  # another thread was faster, or they can't be closed
            group[connection()].force_close_all()
            del group[connection()]


def connection() -> Any:
    """The broker with short time-outs: a worker has to wait for messages, a click must not. One try only: kombu would try to connect a
    hundred times."""
    from smartplus.celery import app

    options: dict[str, Any] = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    if settings.REDIS_URL:
        options |= {
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": ANSWER_TIMEOUT_S,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
    return app.connection_for_write(url=settings.CELERY_BROKER_URL, transport_options=options)
