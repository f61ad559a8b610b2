"""Celery's broker in a folder, whose messages appear whole: kombu's own can hand a worker one that is still being written, which ends it."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Kombu's, but a message is written under another name first."""

    def _put(self, queue: Any, message: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # as in kombu's own
        """Put a message onto a queue."""
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}"
        folder = Path(self.data_folder_out)
        scratch = folder / f"{name}.scratch"  # no reader takes such a name
        try:
            scratch.write_text(dumps(message))  # type: ignore[no-untyped-call]
            scratch.replace(folder / f"{name}.{queue}.msg")
        except OSError as problem:
            raise ChannelError(f"Cannot add a message to {folder}") from problem


class Transport(filesystem.Transport):
    """Kombu's, with that channel."""

    Channel = Channel


def install() -> None:
    """From now on `filesystem://` is this one."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
