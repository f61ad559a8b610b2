"""The Celery application: tasks wake up and look for rows; beat wakes them even if nobody else did."""

import os
from typing import Any

from celery import Celery, Task, signals

from smartplus import folder_broker, logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartplus.settings")

ID_HEADER = "smartplus_request_id"


def headers() -> dict[str, str]:
    """What every message carries: the id of the request that sends it, if one is being worked on."""
    request_id = logs.current_id()
    return {ID_HEADER: request_id} if request_id else {}


class TracedTask(Task):  # type: ignore[misc]  # Celery is not typed
    """Carries the id of the request that published it, so that its log lines are found with the request's."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Publish with the id of the request, if one is being worked on."""
        return super().apply_async(args, kwargs, headers=headers() | (options.pop("headers", None) or {}), **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Work under that id; what beat or a shell started gets one of its own."""
        given = str(self.request.get(ID_HEADER) or (self.request.get("headers") or {}).get(ID_HEADER) or "")
        with logs.working_on(given if logs.is_well_formed(given) else logs.current_id() or logs.new_id()):
            return super().__call__(*args, **kwargs)


folder_broker.install()
app = Celery("smartplus", task_cls=TracedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _record_life(**_: Any) -> None:
    """A worker lives: it listens (its heart beats every two seconds), or it is at work, when a single process can't do both."""
    from django.utils import timezone

    from smartplus import heartbeats

    signs = {app.conf.task_default_queue: heartbeats.Sign.WORKER, "gateways": heartbeats.Sign.GATEWAYS}
    for queue in app.amqp.queues.consume_from:  # those that this worker takes
        if queue in signs:
            heartbeats.note(signs[queue], now=timezone.now())


# Celery tells of a heartbeat in no other way.
for _moment in (signals.worker_ready, signals.heartbeat_sent, signals.task_prerun, signals.task_postrun):
    _moment.connect(_record_life)
