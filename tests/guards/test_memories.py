"""What a process remembers is known to the tests, so that none depends on which others ran before it in the same process."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests import memories

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("smartplus", "accounts", "communities", "devices", "payments", "subscriptions")
FIXED = frozenset({"log", "logger", "register", "urlpatterns", "app_routes", "api", "app", "application", "_request_id", "_pay_pages"})  # fmt: skip


def remembered(source: str) -> set[str]:
    """Names in lower case that a module binds to something that can change."""
    found = set()
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            can_change = isinstance(statement.value, ast.Dict | ast.List | ast.Set | ast.Call)
            if isinstance(target, ast.Name) and target.id == target.id.lower() and can_change:
                found.add(target.id)
    return {name for name in found if not name.startswith("__")}


def test_each_memory_of_a_process_is_forgotten_between_tests():
    found = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if "migrations" in parts or "views" in parts:  # views of Django's own are bound to a name there
                continue
            found |= {".".join((*parts, name)) for name in remembered(file.read_text()) - FIXED}
    assert found == memories.KNOWN


@pytest.mark.parametrize("line", ["_seen = {}", "_seen: dict[str, int] = {}", "gate = Gate()", "_seen = set()"])
def test_a_new_memory_is_noticed(line):
    assert remembered(line)


@pytest.mark.parametrize("line", ["LIMITS = {}", "from x import y", "def f(): seen = {}", "name = 'x'"])
def test_what_can_not_change_is_none(line):
    assert not remembered(line)
