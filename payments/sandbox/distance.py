"""Control of a sandbox in another process: its clock follows ours while a command pretends that it is another day."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from payments import gateways

TIMEOUT_S = 2.0

log = logging.getLogger(__name__)


@contextmanager
def clocks_at(instant: datetime) -> Iterator[None]:
    """`clock_at` for every configured gateway that is a sandbox."""
    with ExitStack() as clocks:
        for name in gateways.names():
            clocks.enter_context(clock_at(gateways.get(name).address, instant))
        yield


@contextmanager
def clock_at(base_url: str, instant: datetime) -> Iterator[None]:
    """Run the clock of the sandbox at `base_url` from `instant` on, and set it back afterwards.

    Only an address on this machine can be a sandbox. If none answers there, nothing happens.
    """
    is_here = urlsplit(base_url).scheme == "http" and urlsplit(base_url).hostname in {"127.0.0.1", "localhost"}
    before = _set(base_url, {"at": instant.isoformat()}) if is_here else None
    try:
        yield
    finally:
        if before is not None:
            _set(base_url, before)


def _set(base_url: str, wanted: dict[str, Any]) -> dict[str, Any] | None:
    request = Request(  # noqa: S310 - the address was looked at
        f"{base_url}/sandbox/clock", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (URLError, OSError, ValueError) as problem:
        log.warning("the sandbox's clock could not be set: %s", problem)
        return None
