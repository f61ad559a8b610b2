"""Names are those of the trade: a stranger finds a thing by what the field calls it (docs/contributing.md, "Words"). Old words come back
with old habits, so each has its successor here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus", "tests")
# Old word, as a part of a name → what it is called.
SUCCESSORS = {
    "agreement": "auto_renewal", "agreements": "auto_renewals",
    "around": "context", "beside": "preview", "blade": "crash_points", "bomb": "failing_work", "book": "store", "books": "ledger",
    "courier": "webhook_sender",
    "deed": "action", "deeds": "actions", "doorbell": "webhook_receiver", "glance": "status", "glances": "status", "hanging": "stale",
    "hopeful": "recoverable", "hopeless": "unrecoverable", "judged": "assessed", "knife": "crash_points", "ladder": "retry_schedule",
    "looking": "lookup", "moves": "transitions", "parked": "suspended", "revive": "resume", "road": "journey", "rung": "try", "rungs": "retry_times",
    "setwise": "bulk_sql", "sketch": "digest", "sketches": "digests", "story": "timeline", "surplus": "duplicate_payment",
    "sweeps": "scheduled", "till": "processor", "trespasses": "leaks", "trier": "form_walker", "untold": "unreported", "usual": "default",
}  # fmt: skip
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a file gives to something others can see, and its line: functions, classes, arguments, constants, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                    yield inner.target.id, inner.lineno
                if isinstance(inner, ast.Assign):
                    yield from ((target.id, inner.lineno) for target in inner.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Module):
            yield from (
                (target.id, inner.lineno)
                for inner in node.body
                if isinstance(inner, ast.Assign)
                for target in inner.targets
                if isinstance(target, ast.Name)
            )


def old_words(name: str) -> list[str]:
    """The old words that a name is made of; sentences, as tests are called, may say what they like."""
    return (
        [] if name.startswith("test_") else [part.lower() for part in PARTS.findall(name) if part.lower() in SUCCESSORS]
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_names_are_those_of_the_trade(folder: str) -> None:
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        where = path.relative_to(ROOT)
        found += [
            f"{where}: {word} → {SUCCESSORS[word]}" for part in where.with_suffix("").parts for word in old_words(part)
        ]
        for name, line in names_in(ast.parse(path.read_text())):
            found += [f"{where}:{line} {name}: {word} → {SUCCESSORS[word]}" for word in old_words(name)]
    assert found == [], "\n".join(found)


def test_the_guard_sees_what_it_is_for() -> None:
    source = "RUNGS = (1,)\nclass Till:\n    story: str\n    is_parked = True\n    def note(self, looking): ...\ndef test_the_ladder(): ..."
    names = [name for name, _line in names_in(ast.parse(source))]
    assert [old_words(name) for name in names] == [["rungs"], ["till"], ["story"], ["parked"], [], [], [], ["looking"]]
