"""The benchmark of docs/performance.md."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from smartplus.bench import runs, table
from smartplus.bench.cases import Result
from smartplus.commands import PlainCommand


class Command(PlainCommand):
    """`bench [--only NAME …] [--scale N] [--json]`: print the costs, each beside its floor and its goal.

    Works in a database whose name ends with `_bench`, and deletes its data first.
    """

    help = "Measure lists, searches, orders, webhooks and the start beside their floors, in a database named …_bench."

    def add_arguments(self, parser: CommandParser) -> None:
        """What is measured, and the output format."""
        parser.add_argument("--only", nargs="+", choices=runs.GROUPS, default=runs.GROUPS, help="some of the cases")
        parser.add_argument("--scale", type=int, default=200_000, metavar="N", help="apartments of the larger world")
        parser.add_argument("--json", action="store_true", help="every reader of every page, as JSON")

    def handle(self, *, only: list[str], scale: int, json: bool, **options: Any) -> None:
        """Measure in an empty database; refuse any database that is not for this."""
        results: list[Result] = []
        runs.refuse_other_databases()
        runs.empty()
        plan = runs.Plan(scale, frozenset(only))
        for result in runs.run(plan, now=timezone.now(), say=self.stderr.write):
            results.append(result)
            # if a long run is interrupted, print what it found
            self.stderr.write(f"{result.name}: {result.ours.cpu_ms:.1f} ms")
        self.stdout.write(table.as_json(results) if json else table.markdown(results))
