"""What the management commands of this project share."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import ActionError


class PlainCommand(BaseCommand):
    """A command whose actions may refuse: it ends with their message and status 1, without a traceback."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command, and print a refusal."""
        try:
            return super().execute(*args, **options)
        except ActionError as error:
            raise CommandError(str(error)) from error
