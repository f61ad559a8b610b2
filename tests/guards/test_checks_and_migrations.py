"""Checks that compare the database with the code wait for the migration that makes what they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts.append_only import check_guards, guarded_models, unguard_sql
from accounts.models import AuditEvent
from communities.expiry_triggers import check_triggers, drop_sql


def _run(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for sql in statements:  # the test's transaction puts it back
            cursor.execute(sql)


def _waits(app_label: str) -> None:
    """As if the app's newest migration were not applied yet."""
    newest = max(name for app, name in MigrationRecorder(connection).applied_migrations() if app == app_label)
    MigrationRecorder(connection).record_unapplied(app_label, newest)


@pytest.mark.django_db
def test_triggers_of_a_migration_to_come_are_not_missed_yet() -> None:
    assert check_triggers(databases=["default"]) == []
    _run(drop_sql(connection.vendor))
    assert {fault.id for fault in check_triggers(databases=["default"])} == {"communities.E001"}
    _waits("communities")
    assert check_triggers(databases=["default"]) == []


@pytest.mark.django_db
def test_guards_of_a_migration_to_come_are_not_missed_yet() -> None:
    assert AuditEvent in guarded_models()
    assert check_guards(databases=["default"]) == []
    _run(unguard_sql(connection, AuditEvent._meta.db_table))
    assert {fault.id for fault in check_guards(databases=["default"])} == {"accounts.E001"}
    _waits("accounts")
    assert check_guards(databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.rule("R9")
def test_whoever_asks_for_tampering_is_told_that_guards_were_not_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else it would be enough to take a migration out of the list to have no guard missed."""
    call_command("verify_ledger", heads=tmp_path / "heads.jsonl")
    _run(unguard_sql(connection, AuditEvent._meta.db_table))
    _waits("accounts")
    with pytest.raises(CommandError):
        call_command("verify_ledger", heads=tmp_path / "heads.jsonl")
    assert "is not applied, and until it is nobody looks at the triggers" in capsys.readouterr().err
