"""Start the gateways' stand-in beside the demo."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from payments.sandbox import LiveKey, Sandbox

DEFAULT_PORT = 8001


class Command(BaseCommand):
    """`manage.py sandbox`: listens on 127.0.0.1 until it is told to stop; refuses beside live keys."""

    help = "Stand-in for Stripe on this machine: no real money. What it knows survives restarts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the port."""
        parser.add_argument("--port", type=int, help="default: the port in STRIPE_API_BASE")

    def handle(self, *, port: int | None = None, **options: Any) -> None:
        """Start, say where, wait for SIGTERM or Ctrl-C, stop."""
        port = port or urlsplit(settings.STRIPE_API_BASE).port or DEFAULT_PORT
        if not settings.STRIPE_SECRET_KEY or not settings.STRIPE_WEBHOOK_SECRET:
            raise CommandError("STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are not set.")
        try:
            sandbox = Sandbox(
                port,
                secret_key=settings.STRIPE_SECRET_KEY,
                webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
                webhook_url=f"{settings.SITE_URL}/webhooks/stripe/",
                state_file=settings.VAR_DIR / "sandbox.json",
            )
        except LiveKey as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Port {port} is not free: {error}") from error
        is_over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: is_over.set())
        sandbox.start()
        self.stdout.write(f"Sandbox (no real money) on {sandbox.url}")
        self.stdout.flush()
        is_over.wait()
        sandbox.stop()
