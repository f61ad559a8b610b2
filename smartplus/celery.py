"""The Celery application: tasks look for due rows, and beat starts them regularly."""

import os
from typing import Any

from celery import Celery, Task, signals

from smartplus import folder_broker, logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartplus.settings")

ID_HEADER = "smartplus_request_id"


def headers() -> dict[str, str]:
    """The headers of every message: the id of the request that sends it, if there is one."""
    request_id = logs.current_id()
    return {ID_HEADER: request_id} if request_id else {}


class TracedTask(Task):  # type: ignore[misc]  # Celery is not typed
    """Carries the id of the request that published it, so that its log lines can be found."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Publish with the id of the present request, if there is one."""
        return super().apply_async(args, kwargs, headers=headers() | (options.pop("headers", None) or {}), **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run with that id; tasks of beat or a shell get a new one."""
        given = str(self.request.get(ID_HEADER) or (self.request.get("headers") or {}).get(ID_HEADER) or "")
        with logs.working_on(given if logs.is_well_formed(given) else logs.current_id() or logs.new_id()):
            return super().__call__(*args, **kwargs)


folder_broker.install()
app = Celery("smartplus", task_cls=TracedTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _record_life(**_: Any) -> None:
    """Record a worker's heartbeat: while it listens (Celery's heartbeat, every two seconds) or while it works, since a single process can't
    do both."""
    from django.utils import timezone

    from smartplus import heartbeats

    signs = {app.conf.task_default_queue: heartbeats.Sign.WORKER, "gateways": heartbeats.Sign.GATEWAYS}
    for queue in app.amqp.queues.consume_from:  # the queues that this worker takes
        if queue in signs:
            heartbeats.note(signs[queue], now=timezone.now())


# Celery has no other way to learn of a heartbeat.
for _moment in (signals.worker_ready, signals.heartbeat_sent, signals.task_prerun, signals.task_postrun):
    _moment.connect(_record_life)
