"""Celery's scheduler with a heartbeat of its own, independent of the workers'."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler
from django.utils import timezone

from smartplus import heartbeats


class Scheduler(PersistentScheduler):  # type: ignore[misc]  # Celery is not typed
    """Celery's scheduler, which keeps its clock in a file."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Record the heartbeat, then publish due tasks."""
        heartbeats.note(heartbeats.Sign.BEAT, now=timezone.now())
        return super().tick(*args, **kwargs)
