"""Who reads items knows targets, not what they are: the ways from a target to its owners are gone in one module alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
MODULE = HOUSE / "communities" / "models" / "targets.py"
OWNERS = ("apartment", "assignment")
FILES = sorted(
    file
    for part in ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
    for file in (HOUSE / part).rglob("*.py")
    if "migrations" not in file.parts and file != MODULE
)


def ways(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each lookup that goes through a target to its owner."""
    for node in ast.walk(ast.parse(source)):
        names = [node.arg] if isinstance(node, ast.keyword) else []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.append(node.value)
        for name in names:
            parts = (name or "").split("__")
            if any(pair in {("target", owner) for owner in OWNERS} for pair in pairwise(parts)):
                yield getattr(node, "lineno", 0), name or ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_nobody_goes_through_a_target_to_its_owner(file: Path) -> None:
    assert list(ways(file.read_text())) == []


def test_such_a_way_is_found() -> None:
    source = 'rows.filter(target__apartment__number="1").order_by("-item__target__assignment__pk").values("target__number", "apartment__target")'
    assert {name for _line, name in ways(source)} == {"target__apartment__number", "-item__target__assignment__pk"}
