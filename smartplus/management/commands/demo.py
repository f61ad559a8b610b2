"""Creating the demo tenants, or test data of any size."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from smartplus import demo
from smartplus.commands import PlainCommand
from smartplus.scale import building


class Command(PlainCommand):
    """`demo --demo [--json]`: create missing demo tenants; print their logins.

    `demo --scale N`: fill an empty database with about N apartments instead; its people have no passwords.
    """

    help = "Create the demo tenants (invented prices) unless they exist; with --scale a world for load in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--json` for scripts, `--scale` for test data."""
        parser.add_argument("--json", action="store_true", help="print logins and ids as JSON")
        parser.add_argument("--scale", type=int, metavar="N", help="about so many apartments, in an empty database")

    def handle(self, *, json: bool = False, scale: int | None = None, verbosity: int = 1, **options: Any) -> None:
        """Create, then print; refuse any installation but the demo. Test data goes into any database without organizations."""
        if scale is not None:
            self._fill(scale, verbosity)
            return
        if not settings.DEMO:
            raise CommandError("This is not the demo. `manage.py demo --demo` works on the demo's own data.")
        demo.seed()
        if json:
            self.stdout.write(dump(demo.ids()))
        elif verbosity:
            for email, role in demo.LOGINS:
                self.stdout.write(f"{email:<42} {role}")
            self.stdout.write(f"password: {demo.PASSWORD}")

    def _fill(self, apartments: int, verbosity: int) -> None:
        say = self.stdout.write if verbosity else lambda _text: None
        world = building.build(apartments, now=timezone.now(), say=say)
        if verbosity:
            self.stdout.write(f"{world.apartments} apartments of {len(world.trees)} distributors")


def dump(value: object) -> str:
    """Readable JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)
