"""Liveness of one process of this container, for Compose, systemd or Kubernetes."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from smartplus import heartbeats
from smartplus.heartbeats import Sign

TIMEOUT_S = 5


class Command(BaseCommand):
    """`alive web|worker|gateway-worker|beat`: exit 0 or 1."""

    help = "Exit 1 unless this machine's web server answers, or its worker, gateway worker or beat gave a sign of life in the last three minutes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Which process, and the port of the web server."""
        parser.add_argument("who", choices=["web", "worker", "gateway-worker", "beat"])
        parser.add_argument("--port", type=int, default=8000, help="of the web server")

    def handle(self, *, who: str, port: int, **options: Any) -> None:
        """Check, and print the age of the heartbeat."""
        if who == "web":
            return self._web(port)
        now = timezone.now()
        noted = heartbeats.last_here(Sign(who))
        age = heartbeats.age_s(noted, now=now)
        said = "never gave a sign of life here" if age is None else f"last gave a sign of life {age} s ago"
        if not heartbeats.is_fresh(noted, now=now):
            raise CommandError(f"{who} {said}")
        self.stdout.write(f"{who} {said}")

    def _web(self, port: int) -> None:
        """Asked under the portal's host name, since other hosts are refused."""
        host = urlsplit(settings.SITE_URL).netloc
        request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=TIMEOUT_S
            ) as answer:
                self.stdout.write(f"web answers {answer.status}")
        except (urllib.error.URLError, OSError) as problem:
            raise CommandError(f"web does not answer on port {port}: {problem}") from problem
