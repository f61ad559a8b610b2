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
    "agreement": "auto_renewal", "agreements": "auto_renewals", "around": "context", "beside": "preview", "bill": "price_preview",
    "bills": "price_previews", "blade": "crash_points", "bomb": "failing_work", "book": "store", "books": "ledger", "clash": "conflict",
    "courier": "webhook_sender", "deed": "action", "deeds": "actions", "doorbell": "webhook_receiver", "glance": "status", "glances": "status",
    "hanging": "stale", "happening": "activity", "happenings": "events", "hopeful": "recoverable", "hopeless": "unrecoverable",
    "judge": "assess", "judged": "assessed", "judges": "assesses", "judgment": "assessment", "knife": "crash_points",
    "ladder": "retry_schedule", "looking": "lookup", "moves": "transitions", "parked": "suspended", "revive": "resume", "road": "journey",
    "rung": "try", "rungs": "retry_times", "setwise": "bulk_sql", "sketch": "digest", "sketches": "digests", "story": "timeline",
    "surplus": "duplicate_payment", "sweeps": "scheduled", "till": "processor", "trespasses": "leaks", "trier": "form_walker",
    "untold": "unreported", "usual": "default",
}  # fmt: skip
# Good words within a name, but no names: of a module, an import, and, outside of tests, a function or class.
WHOLE = {"answers": "responses", "asking": "waiting", "granted": "requires_grant", "told": "mail_history"}
CSS_CLASS = re.compile(r"\.([a-z][\w-]*)", re.IGNORECASE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a file gives to something others can see, and its line: functions, classes, arguments, constants, attributes,
    imports, routes."""
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
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("path", "re_path"):
            yield from ((route_name(word.value), node.lineno) for word in node.keywords if word.arg == "name")
        elif isinstance(node, ast.Module):
            yield from (
                (target.id, inner.lineno)
                for inner in node.body
                if isinstance(inner, ast.Assign)
                for target in inner.targets
                if isinstance(target, ast.Name)
            )


def route_name(value: ast.expr) -> str:
    """The name of a route, of an f-string without what is put in."""
    return "".join(str(part.value) for part in ast.walk(value) if isinstance(part, ast.Constant))


def whole_names(tree: ast.AST, *, is_test: bool) -> Iterator[tuple[str, int]]:
    """The names that may not be an old word as a whole, and their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno
        elif not is_test and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def css_classes(text: str) -> set[str]:
    """The classes that a style sheet has rules for."""
    return set(CSS_CLASS.findall(COMMENT.sub("", text)))


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
        tree = ast.parse(path.read_text())
        whole = [(path.stem, 1), *whole_names(tree, is_test=folder == "tests")]
        found += [f"{where}:{line} {name} → {WHOLE[name.lower()]}" for name, line in whole if name.lower() in WHOLE]
        for name, line in names_in(tree):
            found += [f"{where}:{line} {name}: {word} → {SUCCESSORS[word]}" for word in old_words(name)]
    assert found == [], "\n".join(found)


def test_files_beside_the_code_are_named_so_too() -> None:
    """Templates, style sheets and scripts, pages of the documentation; and the classes of style sheets."""
    found = []
    for top in ("templates", "static/sp", "docs"):
        for path in sorted((ROOT / top).rglob("*")):
            where = path.relative_to(ROOT)
            found += [f"{where}: {word} → {SUCCESSORS[word]}" for word in old_words(path.stem)]
            if path.suffix == ".css":
                names = sorted(css_classes(path.read_text()))
                found += [f"{where} .{name}: {word} → {SUCCESSORS[word]}" for name in names for word in old_words(name)]
    assert found == [], "\n".join(found)


def test_the_guard_sees_what_it_is_for() -> None:
    source = "RUNGS = (1,)\nclass Till:\n    story: str\n    is_parked = True\n    def note(self, looking): ...\ndef test_the_ladder(): ..."
    names = [name for name, _line in names_in(ast.parse(source))]
    assert [old_words(name) for name in names] == [["rungs"], ["till"], ["story"], ["parked"], [], [], [], ["looking"]]


def test_the_guard_sees_imports_routes_and_classes_of_style_sheets() -> None:
    source = (
        'from a import b as told, c as happenings\npath("x/", view, name="site-bill")\n'
        'path("y/", view, name=f"{kind}-judge")\ndef granted(): ...'
    )
    tree = ast.parse(source)
    assert sorted(word for name, _line in names_in(tree) for word in old_words(name)) == ["bill", "happenings", "judge"]
    assert [name for name, _line in whole_names(tree, is_test=False) if name in WHOLE] == ["granted", "told"]
    assert [name for name, _line in whole_names(tree, is_test=True) if name in WHOLE] == ["told"]
    assert css_classes("/* .clash */ .bill-bar[open] > .x { top: .5px; }") == {"bill-bar", "x"}
