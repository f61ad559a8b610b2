"""The demo tenants."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartplus import demo


class Command(BaseCommand):
    """`demo --demo [--json]`: create the demo tenants where they are missing; print their logins."""

    help = "Create the demo tenants (invented prices) unless they exist."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--json` for scripts."""
        parser.add_argument("--json", action="store_true", help="print logins and ids as JSON")

    def handle(self, *, json: bool = False, verbosity: int = 1, **options: Any) -> None:
        """Seed, then print; refuse any installation but the demo."""
        if not settings.DEMO:
            raise CommandError("This is not the demo. `manage.py demo --demo` works on the demo's own data.")
        demo.seed()
        if json:
            self.stdout.write(dump(demo.ids()))
        elif verbosity:
            for email, role in demo.LOGINS:
                self.stdout.write(f"{email:<42} {role}")
            self.stdout.write(f"password: {demo.PASSWORD}")


def dump(value: object) -> str:
    """Readable JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)
