"""Celery's scheduler with a pulse: it writes down that it lives, apart from whatever the workers do."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler
from django.utils import timezone

from smartplus import heartbeats


class Scheduler(PersistentScheduler):  # type: ignore[misc]  # Celery is not typed
    """Celery's own, which keeps its clock in a file."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Publish what is due, having noted that this process lives."""
        heartbeats.note(heartbeats.Sign.BEAT, now=timezone.now())
        return super().tick(*args, **kwargs)
