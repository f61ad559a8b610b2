"""Waking workers: a message to the broker, which may cost a click next to nothing, even where the broker hangs."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from celery import Task, current_app
from django.conf import settings
from kombu import pools

log = logging.getLogger("smartplus.jobs")

CONNECT_TIMEOUT_S = 0.1
ANSWER_TIMEOUT_S = 0.15  # together less than the 0.3 s that a click may lose to a broker that hangs
REST_S = 30  # after a failure nobody waits again; beat finds the rows meanwhile


@dataclass
class Breaker:
    """Whether this process leaves the broker alone."""

    rests_until: float = 0.0  # by time.monotonic(), of this process


breaker = Breaker()


def publish(task: Task, argument: str, *, queue: str | None = None, expires_s: int | None = None) -> bool:
    """Send a task; False where the broker could not be reached, or rests after that. Never raises: the rows are safe."""
    if time.monotonic() < breaker.rests_until:
        return False
    try:
        with pools.producers[_connection()].acquire(block=True, timeout=ANSWER_TIMEOUT_S) as producer:
            task.apply_async(args=(argument,), producer=producer, queue=queue, expires=expires_s, retry=False)
    except Exception as problem:  # whatever the broker's client raises
        breaker.rests_until = time.monotonic() + REST_S
        pools.producers[_connection()].force_close_all()  # half an answer may still come: begin anew
        pools.connections[_connection()].force_close_all()
        log.warning("could not wake a worker for %s, resting for %s s: %s", argument, REST_S, problem)
        return False
    return True


def _connection() -> Any:
    """The broker with time-outs of our own: a worker has to wait for messages, a click does not. One try only, without retries:
    kombu would try to connect a hundred times."""
    options: dict[str, Any] = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    if settings.REDIS_URL:
        options |= {
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": ANSWER_TIMEOUT_S,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
    return current_app.connection_for_write(url=settings.CELERY_BROKER_URL, transport_options=options)
