"""Fixtures are asked for by name, never imported: they come from `tests/fixtures/`, or from the conftest of a folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.walk
TESTS = Path(__file__).resolve().parents[1]


def is_private(module: str) -> bool:
    """Whether nobody imports from it: tests, conftests and fixtures."""
    last = module.rpartition(".")[2]
    return last == "conftest" or last.startswith("test_") or module.startswith("tests.fixtures.")


def test_nobody_imports_a_fixture_or_a_test() -> None:
    found = [
        f"{file.relative_to(TESTS.parent)}:{node.lineno}"
        for file in sorted(TESTS.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and is_private(node.module or "")
    ]
    assert found == [], "put what several tests need into a module of its own, and fixtures into tests/fixtures/"
