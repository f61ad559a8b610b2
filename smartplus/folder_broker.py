"""Celery's broker in a folder, with atomic writes: with kombu's own, a worker may read a message that is still being written, and then it
ends."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Kombu's channel, but a message is written under another name first and then renamed."""

    def _put(self, queue: Any, message: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # as in kombu's own
        """Put a message into a queue."""
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}"
        folder = Path(self.data_folder_out)
        scratch = folder / f"{name}.scratch"  # readers skip names like this
        try:
            scratch.write_text(dumps(message))  # type: ignore[no-untyped-call]
            scratch.replace(folder / f"{name}.{queue}.msg")
        except OSError as problem:
            raise ChannelError(f"Cannot add a message to {folder}") from problem


class Transport(filesystem.Transport):
    """Kombu's transport with that channel."""

    Channel = Channel


def install() -> None:
    """Replace `filesystem://` by this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
