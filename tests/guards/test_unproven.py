"""The end of a run names what it did not prove."""

from types import SimpleNamespace

import pytest

from tests.unproven import HEADS, unproven


def test_skipped_locks_and_contracts_are_named_apart():
    reports = [
        SimpleNamespace(nodeid="tests/flows/test_concurrency.py::test_two", longrepr=("x.py", 1, "Skipped: SQLite lets one writer in")),
        SimpleNamespace(nodeid="tests/payments/test_contract.py::test_intent", longrepr=("x.py", 1, "Skipped: no examples")),
        SimpleNamespace(nodeid="tests/browser/test_axe.py::test_till", longrepr=("x.py", 1, "Skipped: no Chromium")),
    ]  # fmt: skip
    assert unproven(reports) == [
        f"{HEADS['locks']} (1)", "  tests/flows/test_concurrency.py::test_two: SQLite lets one writer in",
        f"{HEADS['contract']} (1)", "  tests/payments/test_contract.py::test_intent: no examples",
        f"{HEADS['other']} (1)", "  tests/browser/test_axe.py::test_till: no Chromium",
    ]  # fmt: skip
    assert unproven([]) == []


def test_what_asks_no_database_runs_on_one_kind_of_it_only(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("walk")


def test_what_asks_the_database_runs_on_both_kinds(request: pytest.FixtureRequest, db: None) -> None:
    assert not request.node.get_closest_marker("walk")
