"""Losing messages between us and the gateway: a request never arrives, or its answer never comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

LOSSES = ("request", "answer")
SENDS = 3  # the SDK's first try and its two retries


@contextmanager
def lose_call(patch: pytest.MonkeyPatch, loss: str, *, at: int | None) -> Iterator[list[str]]:
    """Lose call number `at` of our calls to the gateway, with the SDK's retries of it; None loses nothing.

    The list gets a name for every call: "POST /v1/payment_intents/…/confirm". Buttons on the gateway's pages do not count as calls.
    """
    calls: list[str] = []
    left = 0  # sends of the lost call that are still to be lost
    send = HTTPAdapter.send

    def cut(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        nonlocal left
        path = urlsplit(request.url or "").path
        if not path.startswith("/v1/"):
            return send(adapter, request, **options)
        if not left:
            calls.append(f"{request.method} {re.sub(r'(cs_test|pi|pm)_[^/]+', '…', path)}")
            left = SENDS if len(calls) - 1 == at else 0
        if not left:
            return send(adapter, request, **options)
        left -= 1
        if loss == "answer":
            send(adapter, request, **options)
        raise requests.ConnectionError(f"the {loss} got lost")

    with patch.context() as patched:
        patched.setattr(HTTPAdapter, "send", cut)
        yield calls
