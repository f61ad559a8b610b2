"""`manage.py check --deploy` reads the set-up questions: a blocking finding is an error, another one a warning."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.utils import timezone

from payments import actions as payment_actions
from smartplus.setup.findings import State
from smartplus.setup.questions import Question, look

TAG = "setup"


@checks.register(TAG, deploy=True)
def check_setup(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """The findings of the operator's page, less those that need a running portal. The gateways are asked about their keys."""
    found: list[checks.CheckMessage] = []
    now = timezone.now()
    can_read = _can_read()
    if can_read and not settings.DEMO:
        payment_actions.ask_all(now=now)

    def is_ours(question: Question) -> bool:
        return not question.is_running and (can_read or not question.needs_database)

    for finding in look(now, only=is_ours):
        if finding.state != State.OK:
            kind = checks.Error if finding.state == State.BLOCKS else checks.Warning
            found.append(kind(f"{finding.title}.", hint=finding.detail, id=f"setup.{finding.key}"))
    if not can_read:
        found.append(
            checks.Info("The database can't be read yet, so what it holds was not looked at.", id="setup.database")
        )
    return found


def _can_read() -> bool:
    """Whether the tables exist: before the first `migrate` they do not."""
    try:
        return "django_migrations" in connection.introspection.table_names() and "accounts_organization" in (
            connection.introspection.table_names()
        )
    except DatabaseError:
        return False
