"""The first person of an installation, whom nobody else could invite."""

from __future__ import annotations

import re
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection, transaction
from django.utils import timezone

from accounts import actions
from accounts.models import Kind, Membership, Notice, Organization
from accounts.scope import Actor
from accounts.typed import mail
from smartplus.commands import PlainCommand

COMMAND_LINE = Actor.system("command line")


class Command(PlainCommand):
    """`add_operator --email ADDRESS --name NAME [--firm NAME]`."""

    help = (
        "Invite a person into the operator's organization, which is made at the first time; prints the link to join by."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The person, and the name of the operator."""
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--firm", default="SmartPlus", help="name of the operator's organization, where there is none yet"
        )
        parser.add_argument("--language", default="en")

    def handle(self, **options: Any) -> None:
        """Invite the person, or invite again one who has not joined; CommandError for a member. Migrates an empty database first."""
        if not connection.introspection.table_names():
            call_command("migrate", verbosity=0)
        self.invite(**options)

    @transaction.atomic
    def invite(self, *, email: str, name: str, firm: str, language: str, **options: Any) -> None:
        """In one transaction."""
        now = timezone.now()
        address = mail.address(email)
        operator = Organization.objects.filter(kind=Kind.OPERATOR).order_by("pk").first()
        if operator is None:
            operator = actions.create_organization(COMMAND_LINE, kind=Kind.OPERATOR, name=firm, parent=None, now=now)
        member = operator.memberships.filter(user__email_key=address.key).first()
        if member is None:
            member = actions.invite(
                COMMAND_LINE,
                organization_id=operator.pk,
                email=address.shown,
                name=name,
                language=language,
                now=now,
            )
        elif member.joined_at is None:
            actions.resend_invitation(COMMAND_LINE, membership_id=member.pk, now=now)
        else:
            raise CommandError(f"{address.shown} works for {operator} already; a lost password is set anew by mail.")
        self.stdout.write(
            f"{member.invited_as} is invited into {operator}. Join within 7 days, once, at:\n  {_link_to(member)}"
        )


def _link_to(member: Membership) -> str:
    """The link in the queued mail."""
    mail = Notice.objects.about(member).filter(has_secret=True).first()
    found = re.search(r"https?://\S+/invitation/\S+", mail.body if mail else "")
    return found[0] if found else "the link in the mail"
