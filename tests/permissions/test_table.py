"""Role × action: who may is let through, who may not is refused and changes nothing; an action without a row is red."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction

from accounts.errors import NotPermitted
from tests.flows.tenants import project_models
from tests.guards.browser import Browser
from tests.people import NOW
from tests.permissions.known import KNOWN
from tests.permissions.table import COLUMNS, LEFT_OUT, OUTSIDER, TABLE, Case, Row

READS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET CONSTRAINTS")
ROWS = list(TABLE)


def test_every_action_has_a_row_and_every_row_an_action() -> None:
    rows = {name.partition(":")[0] for name in TABLE}
    assert set(KNOWN) - rows == set(LEFT_OUT), "an action without a row in tests/permissions/table.py, or one that left"
    assert rows <= set(KNOWN)
    assert len(KNOWN) > 60
    for row in TABLE.values():
        assert set(row.may) <= set(COLUMNS)


def snapshot() -> dict[str, Any]:
    """Every row of the project."""
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in project_models()}


@contextmanager
def statements() -> Iterator[list[str]]:
    """Those inside that may have changed a row."""
    seen: list[str] = []

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(READS):
            seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield seen


def outcome(name: str, row: Row, case: Case, *, closely: bool = False) -> str:
    """ "may", or "may not" after looking that nothing changed; anything else is raised, and all of it is taken back.

    Where no statement changed a row, nothing changed. Where one did, it may have been taken back: it is done once more, and every row
    compared."""
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase
    with around:
        try:
            kwargs = row.kwargs(case)
            before = snapshot() if closely else {}
            try:
                with statements() as seen:
                    KNOWN[name.partition(":")[0]](case.person.membership.actor(), now=NOW, **kwargs)
            except (NotPermitted, ObjectDoesNotExist):
                assert not closely or snapshot() == before, "refused, and something changed all the same"
                if closely or not seen:
                    return "may not"
            else:
                return "may"
        finally:
            transaction.set_rollback(True)
    return outcome(name, row, case, closely=True)


@pytest.mark.django_db
@pytest.mark.rule("R2", "R5")
@pytest.mark.parametrize("name", ROWS)
def test_who_may_and_who_may_not(name: str, browser: Browser) -> None:
    row, world = TABLE[name], browser.world
    wanted = {column: "may" if column in row.may else "may not" for column in COLUMNS}
    found = {column: outcome(name, row, Case(world, row.name(column))) for column in COLUMNS}
    assert found == wanted
    assert outcome(name, row, Case(world, OUTSIDER)) == ("may" if row.own and "D" in row.may else "may not")
