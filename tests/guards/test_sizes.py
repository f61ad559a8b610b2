"""A file is one subject and a function one thought: what grows over these limits is split, by subject and never into "part 2"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.walk
ROOT = Path(__file__).resolve().parents[2]
OURS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
LINES, TEST_LINES, FUNCTION_LINES, PARAMETERS = 350, 400, 45, 8
# What is better as it is, and why.
ONE_TRANSACTION = "is one transaction, read from its locks to its audit row; its named arguments are what a form sends"
TOLD = "its named arguments are the columns of the row that it makes"
LONG = {
    "payments/sandbox/objects.py:checkout_session": "is one literal, field by field as Stripe answers",
    "smartplus/bench/money.py:of_orders": "is one measurement: what is timed stands beside what it is compared with",
    "subscriptions/actions/extending.py:place_extension": ONE_TRANSACTION,
    "subscriptions/actions/orders.py:place_order": ONE_TRANSACTION,
}
MANY = {
    "accounts/audit/writing.py:event": TOLD,
    "accounts/fences.py:each": "what a job says of its items is said where it is called",
    "accounts/notify.py:draft": TOLD,
    "accounts/notify.py:post": TOLD,
    "communities/actions/apartments.py:change_apartment": ONE_TRANSACTION,
    "communities/actions/residents.py:add_resident": ONE_TRANSACTION,
    "communities/actions/residents.py:edit_resident": ONE_TRANSACTION,
    "communities/actions/sites.py:edit_site": ONE_TRANSACTION,
    "devices/actions/apartments.py:edit_apartment": ONE_TRANSACTION,
    "subscriptions/actions/extending.py:place_extension": ONE_TRANSACTION,
    "subscriptions/actions/orders.py:place_order": ONE_TRANSACTION,
    "subscriptions/actions/prices.py:publish_price_list": ONE_TRANSACTION,
    "subscriptions/notices.py:_draft": TOLD,
}
TABLES = {
    "tests/guards/world.py": "is one world, in which every page of every role has something to show",
    "tests/permissions/further.py": "is one table: what no person does",
    "tests/permissions/table.py": "is one table: every action with what it needs",
    "tests/permissions/words.py": "is one table: every action with what the audit says of it",
}


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    """Every module below, by its path, without migrations."""
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in file.parts:
                yield str(file.relative_to(ROOT)), file.read_text()


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, source in sources(*OURS):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.name}", node


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = node.args
    return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) + bool(given.vararg) + bool(given.kwarg)


def test_a_module_is_one_subject() -> None:
    assert {path: n for path, source in sources(*OURS) if (n := source.count("\n")) > LINES} == {}


def test_a_module_of_tests_is_one_subject() -> None:
    assert {path for path, source in sources("tests") if source.count("\n") > TEST_LINES} == set(TABLES)


def test_a_function_is_one_thought() -> None:
    long = {name for name, node in functions() if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES}
    assert long == set(LONG)


def test_a_function_takes_few_arguments() -> None:
    assert {name for name, node in functions() if parameters(node) > PARAMETERS} == set(MANY)
