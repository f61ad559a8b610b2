"""The next step of an installation."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.models import Kind, Membership


class Command(BaseCommand):
    """`next_step`: the end of `make install`."""

    help = "Say what an installation needs next."

    def handle(self, **options: Any) -> None:
        """Print the address, whether somebody can sign in, and how it is started and checked."""
        database = settings.DATABASES["default"]
        say = self.stdout.write
        say(f"\n  SmartPlus is installed for {settings.SITE_URL}")
        say(f"  database: {database['ENGINE'].rsplit('.', 1)[1]} ({database['NAME']})\n")
        if not Membership.objects.usable().filter(organization__kind=Kind.OPERATOR).exists():
            say(
                "  Invite yourself:   .venv/bin/python manage.py add_operator --email YOU@EXAMPLE.COM --name 'YOUR NAME' --firm 'YOUR FIRM'"
            )
        say("  Start everything:  .venv/bin/python manage.py up")
        say("  What is missing:   .venv/bin/python manage.py check --deploy, or Set-up in the portal's menu")
        say("  More:              docs/operations.md\n")
