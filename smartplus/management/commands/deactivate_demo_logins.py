"""Deactivating the demo's logins in an installation that is not the demo."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.actions.known_logins import deactivate_logins
from accounts.models import Kind, Membership
from accounts.scope import Actor
from smartplus import demo
from smartplus.commands import PlainCommand


class Command(PlainCommand):
    """`deactivate_demo_logins`: the password of these logins is public."""

    help = "Take the demo's people out of every firm of this installation."

    def handle(self, **options: Any) -> None:
        """Deactivate and count; where no operator is left, say how to add one."""
        if settings.DEMO:
            raise CommandError("This is the demo: its people are to sign in here.")
        count = deactivate_logins(Actor.system("command line"), addresses=demo.ADDRESSES, now=timezone.now())
        self.stdout.write(f"{count} logins of the demo can't sign in any more.")
        if not Membership.objects.usable().filter(organization__kind=Kind.OPERATOR).exists():
            self.stdout.write("Nobody works for the operator now: python manage.py add_operator --email … --name …")
