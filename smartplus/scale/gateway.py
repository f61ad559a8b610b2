"""The gateway for test data: the sandbox in a thread of this process, whatever keys the installation has."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.test.utils import override_settings

from payments.sandbox import Sandbox


@contextmanager
def stand_in() -> Iterator[Sandbox]:
    """Inside, all gateway calls go to the sandbox: no key of this installation is used, and no money moves."""
    key, secret = f"sandbox_{secrets.token_hex(16)}", f"sandbox_{secrets.token_hex(16)}"
    sandbox = Sandbox(secret_key=key, webhook_secret=secret)
    sandbox.start()
    try:
        with override_settings(STRIPE_SECRET_KEY=key, STRIPE_WEBHOOK_SECRET=secret, STRIPE_API_BASE=sandbox.url):
            yield sandbox
    finally:
        sandbox.stop()
