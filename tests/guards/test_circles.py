"""No module needs another one that needs it, not even inside a function or for types alone: who reads one of them would have to read all."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")


def modules() -> dict[str, Path]:
    """Every module of ours but migrations, by its name."""
    found = {}
    for app in OURS:
        for file in (ROOT / app).rglob("*.py"):
            if "migrations" not in file.parts:
                parts = file.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imported(source: str, known: set[str]) -> set[str]:
    """Which of the known modules a source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of the graph, [] where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle_of_imports() -> None:
    known = modules()
    graph = {name: imported(file.read_text(), set(known)) - {name} for name, file in known.items()}
    assert circle(graph) == []


def test_a_circle_inside_a_function_is_found() -> None:
    graph = {
        "a": imported("def f():\n    from b import x\n", {"a", "b"}),
        "b": imported("import typing\nif typing.TYPE_CHECKING:\n    import a\n", {"a", "b"}),
    }
    assert set(circle(graph)) == {"a", "b"}
