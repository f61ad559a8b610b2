"""Every action and every job, done once each in the world of the walker: the order of its locks, and what it wrote down."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection, models, transaction

from accounts.models import AuditEvent
from accounts.models.audit import ORDER_SUBJECTS
from payments.sandbox import Sandbox
from payments.sandbox.store import SECTIONS
from smartplus import vocabulary
from smartplus.jobs import JOBS
from subscriptions import ledger
from tests.flows.tenants import project_models
from tests.guards.browser import Browser
from tests.guards.watch import writes
from tests.people import NOW
from tests.permissions import words
from tests.permissions.further import FURTHER, Stage
from tests.permissions.known import KNOWN
from tests.permissions.locking import Lock, Transaction, leaks, locks
from tests.permissions.table import TABLE, Case

MODELS: dict[str, type[models.Model]] = {model._meta.db_table: model for model in project_models()}
EVERYTHING = [*TABLE, *FURTHER]
Rows = dict[Any, dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One action done: its transactions (on PostgreSQL), the audit it wrote, and the rows it touched before and after."""

    transactions: list[Transaction]
    events: list[AuditEvent]
    before: dict[str, Rows]
    after: dict[str, Rows]
    uncounted: set[str]


def uncounted() -> set[str]:
    """Where the summary by day, or how an item says it renews, differs from what is there."""
    return {str(fault) for check in (ledger.modes, ledger.summary) for fault in check()}


class Driver:
    """Does every action once; both tests read the same runs."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.runs: dict[str, Run] = {}
        self.rows = {table: _rows(table) for table in MODELS}
        self.uncounted = uncounted()  # what the world was built with

    def run(self, name: str) -> Run:
        """The run of an action, taken back after it."""
        if name not in self.runs:
            kept = self._ledger()
            around = transaction.atomic()
            around._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase
            with around:
                try:
                    self.runs[name] = self._do(name)
                finally:
                    transaction.set_rollback(True)
                    self._restore(kept)
        return self.runs[name]

    def _ledger(self) -> dict[str, Any]:
        """What the gateway knows; its clock stands at NOW."""
        self.stage.at(NOW)
        book = self.stage.gateway.store
        with book.lock:
            return {section: copy.deepcopy(getattr(book, section)) for section in SECTIONS}

    def _restore(self, kept: dict[str, Any]) -> None:
        """The gateway forgets what is taken back here."""
        book = self.stage.gateway.store
        with book.lock:
            for section, rows in kept.items():
                getattr(book, section).clear()
                getattr(book, section).update(rows)

    def _do(self, name: str) -> Run:
        with writes() as prepared:
            act = self._prepared(name)
        before = self.rows | {table: _rows(table) for table in prepared.tables if table in MODELS}
        watching = locks() if connection.vendor == "postgresql" else nullcontext()
        with writes() as written, watching as seen:
            act()
        after = before | {table: _rows(table) for table in written.tables if table in MODELS}
        new = AuditEvent.objects.exclude(pk__in=before[AuditEvent._meta.db_table]).order_by("pk")
        return Run(seen.transactions if seen else [], list(new), before, after, uncounted() - self.uncounted)

    def _prepared(self, name: str) -> Callable[[], object]:
        if name in FURTHER:
            return FURTHER[name].prepare(self.stage)
        case = Case(self.stage.world, TABLE[name].name(TABLE[name].may[0]))
        kwargs = TABLE[name].kwargs(case)
        action = KNOWN[name.partition(":")[0]]
        return lambda: action(case.person.membership.actor(), now=NOW, **kwargs)


def _rows(table: str) -> Rows:
    return {row["id"]: row for row in MODELS[table]._base_manager.values()}


@pytest.fixture(scope="module")
def driver(browser: Browser, gateway: Sandbox) -> Driver:
    return Driver(Stage(browser.world, gateway, browser.sessions))


def test_every_job_is_driven() -> None:
    assert {f"job {name}" for name in JOBS} <= set(FURTHER)


@pytest.mark.django_db
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite locks no rows: the order of no action is proven"
)
@pytest.mark.parametrize("name", EVERYTHING if connection.vendor == "postgresql" else ["of everything"])
def test_locks_are_taken_in_the_one_order(name: str, driver: Driver) -> None:
    assert [wrong for one in driver.run(name).transactions for wrong in leaks(one)] == []


@pytest.mark.django_db
@pytest.mark.rule("R9")
@pytest.mark.parametrize("name", EVERYTHING)
def test_it_is_written_down_once_with_what_was_before_and_after(name: str, driver: Driver) -> None:
    run = driver.run(name)
    wanted = FURTHER[name].words if name in FURTHER else words.of_row(name)
    assert Counter(event.action for event in run.events) == {word.code: n for word, n in wanted.items()}
    assert all_differences(run) == []


@pytest.mark.parametrize(
    "name", sorted({*EVERYTHING} - {"methods.remove_method"})
)  # ending what it renews is `cards.remove_card`'s
def test_what_it_changes_is_counted_by_day(name: str, driver: Driver) -> None:
    assert driver.run(name).uncounted == set()


def all_differences(run: Run) -> list[str]:
    return [wrong for event in run.events for wrong in differences(event, run)]


@pytest.mark.django_db
def test_a_swapped_a_foreign_and_a_silent_row_are_noticed(driver: Driver) -> None:
    run = driver.run("sites.rename_building")
    (event,) = run.events
    swapped, foreign, silent = copy.copy(event), copy.copy(event), copy.copy(event)
    swapped.before, swapped.after = event.after, event.before
    foreign.subject_id = next(pk for pk in run.before["communities_building"] if pk != event.subject_id)
    silent.before = silent.after = {}
    found = [all_differences(replace(run, events=[one])) for one in (event, swapped, foreign, silent)]
    assert [len(wrong) for wrong in found[:2]] == [0, 2]
    assert all(found[1:])


def test_an_opposite_order_is_noticed() -> None:
    def took(*taken: tuple[str, tuple[int, ...], bool]) -> list[str]:
        one = Transaction()
        for table, ids, is_sorted in taken:
            one.take(Lock(table, ids, is_sorted, waits=True, sql="…"))
        return [wrong.partition(":")[0] for wrong in leaks(one)]

    site, order = ("communities_site", (1, 2), True), ("subscriptions_order", (7,), True)
    assert took(site, order) == []
    assert took(order, site) == ["communities_site after subscriptions_order"]
    assert took(site, order, site) == []  # held already
    assert took(("communities_site", (2,), True), ("communities_site", (1,), True)) == ["communities_site 1 after 2"]
    assert took(("communities_entitlement", (1, 2), False)) == ["2 rows of communities_entitlement in no order"]
    assert took(site, ("devices_device", (2, 1), False)) == []  # below its site
    assert took(("devices_device", (2, 1), False)) == ["2 rows of devices_device in no order"]
    assert took(("new_table", (1,), True)) == ["new_table has no place in the order"]


def differences(event: AuditEvent, run: Run) -> Iterable[str]:
    """What an audit row says that the rows do not, or keeps silent about. Of several about the same row, the first knows what was
    before, and the last what came of it."""
    of_row = [
        one.pk for one in run.events if (one.subject_type, one.subject_id) == (event.subject_type, event.subject_id)
    ]
    table = words.MODELS[event.subject_type]._meta.db_table
    was, became = run.before[table].get(event.subject_id), run.after[table].get(event.subject_id)
    if was is None and became is None:
        yield f"{event.action}: there is no {event.subject_type} {event.subject_id}"
    sides = (
        ("before", event.before, was, run.before, event.pk == of_row[0]),
        ("after", event.after, became, run.after, event.pk == of_row[-1]),
    )
    for side, said, row, tables, is_known in sides:
        for field, value in said.items() if is_known else ():
            wanted = words.value(event, field, row, tables)
            if wanted is not words.NOT_OF_THE_ROW and value != wanted:
                yield f"{event.action}.{field} {side} is {value!r}, the row says {wanted!r}"
    if (
        event.action.partition(".")[0] in {"order", "payment", "auto_renewal"}
        and event.subject_type not in ORDER_SUBJECTS
    ):
        yield f"{event.action} is read by who sees no orders"
    if len(of_row) == 1:
        yield from words.silent(event, was, became)
    yield from words.elsewhere(event, became or was or {})
    named = {one.subject_label for one in run.events if one.subject_type == "order"}
    if event.after.get("order", "") not in named | {""}:
        yield f"{event.action} follows from {event.after['order']}, of which nothing is written"


def test_every_word_is_written_by_something_that_is_driven() -> None:
    """A sentence without an action that writes it is one that nobody reads."""
    driven = {word for name in TABLE for word in words.of_row(name)} | {
        word for one in FURTHER.values() for word in one.words
    }
    assert driven == set(vocabulary.WORDS)
