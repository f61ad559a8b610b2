"""Running every job once, without a broker."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments.sandbox import distance
from smartplus import jobs


class Command(BaseCommand):
    """`tick [--now ISO]`: run all due jobs, such as settling waiting payments and closing unpaid orders."""

    help = "Run everything that is due, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--now` pretends another instant, for the payment sandbox too; without an offset it is UTC."""
        parser.add_argument("--now", help="an ISO 8601 instant, UTC unless it says otherwise")

    def handle(self, *, now: str | None = None, **options: Any) -> None:
        """Print the number of each job; exit 1 when one failed."""
        try:
            instant = datetime.fromisoformat(now) if now else timezone.now()
        except ValueError as problem:
            raise CommandError(f"--now: {problem}") from problem
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        with distance.clocks_at(instant) if now else nullcontext():
            did = jobs.tick(now=instant)
        for name, count in did.items():
            self.stdout.write(f"{name}: {'broke, see the log' if count is None else count}")
        if None in did.values():
            raise CommandError("not everything that is due could be done")
