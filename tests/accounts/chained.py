"""Events of one organization, and somebody who changes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.append_only import unguard_sql
from accounts.models import AuditEvent, Organization
from tests.people import NOW, SYSTEM

CHANGED = audit.Word("site.changed", gettext_lazy("Changed"))


def events(firm: Organization, count: int, *, word: audit.Word = CHANGED) -> list[AuditEvent]:
    """Some events of one organization."""
    return [
        audit.record(SYSTEM, word, firm, now=NOW, tenant=firm, before={"landline": False}, after={"landline": True, "n": n})
        for n in range(count)
    ]  # fmt: skip


@contextmanager
def attacker() -> Iterator[None]:
    """Somebody with rights on the database: guards and keys are no obstacle. What was done is undone afterwards."""
    with transaction.atomic():
        connection.check_constraints()  # PostgreSQL alters no table while checks of it wait
        with connection.cursor() as cursor:
            for table in ("accounts_auditevent", "accounts_auditseal"):
                for statement in unguard_sql(connection, table):
                    cursor.execute(statement)
        yield
        transaction.set_rollback(True)
