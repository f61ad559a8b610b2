"""Waking a worker where the broker hangs: one short try, then a rest."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smartplus import jobs, tasks, wakeups


class SilentServer:
    """A server that takes connections and answers nothing."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.callers: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.callers.append(self.socket.accept()[0])

    def close(self) -> None:
        for each in (self.socket, *self.callers):
            each.close()


@pytest.fixture
def silent(settings: Any) -> Iterator[SilentServer]:
    server = SilentServer()
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{server.socket.getsockname()[1]}/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2}
    yield server
    server.close()


def test_a_broker_that_hangs_is_tried_once_and_then_left_alone(
    silent: SilentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(wakeups, "breaker", wakeups.Breaker(clock=lambda: clock[0]))
    options = wakeups.connection().transport_options
    assert options["socket_connect_timeout"] + options["socket_timeout"] <= 0.3
    assert (options["max_retries"], options["retry_on_timeout"]) == (0, False)

    assert wakeups.publish(jobs.RUN_JOB, "mail") is False
    assert len(silent.callers) == 1
    for seconds in (1, 10, 29.9):
        clock[0] = 1000.0 + seconds
        assert wakeups.publish(jobs.RUN_JOB, "mail") is False
        jobs.wake("renewals")
        jobs.hurry_order("SP-1")
    assert len(silent.callers) == 1  # nobody waited again
    clock[0] = 1030.0
    assert wakeups.publish(jobs.RUN_JOB, "mail") is False
    assert len(silent.callers) == 2


def test_a_message_in_the_folder_is_never_seen_half_written(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL, settings.CELERY_BROKER_URL = "", "filesystem://localhost"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "control"),
    }  # fmt: skip
    monkeypatch.setattr(wakeups, "breaker", wakeups.Breaker())
    written: list[str] = []
    write = Path.write_text

    def write_text(path: Path, *args: Any, **kwargs: Any) -> int:
        written.append(path.name)
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", write_text)
    assert wakeups.publish(jobs.RUN_JOB, "mail", queue=jobs.GATEWAYS) is True
    assert [name.rpartition(".")[2] for name in written] == ["scratch"]
    with wakeups.connection() as connection, connection.SimpleQueue(jobs.GATEWAYS) as queue:
        assert queue.get(block=False).payload[0] == ["mail"]


def test_what_waits_for_a_gateway_goes_to_workers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str | None]] = []
    monkeypatch.setattr(
        wakeups, "publish", lambda _task, argument, *, queue=None, expires_s=None: sent.append((argument, queue))
    )
    tasks.tick()
    jobs.hurry_order("SP-1")
    assert dict(sent) == {
        **{name: jobs.GATEWAYS if job.asks_gateways else None for name, job in jobs.JOBS.items()}, "SP-1": jobs.GATEWAYS,
    }  # fmt: skip
    assert {name for name, queue in sent if queue is None} == {
        "mail", "audit_seals", "audit_heads", "old_sessions", "old_forms", "paid_variants", "expiry_days", "leases",
        "long_jobs", "old_long_jobs", "vacancies",
    }  # fmt: skip
