"""What README and docs mention exists: files, modules and their names, make targets, management commands, links and their headings."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus", "tests")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(
    r"(?<![\w/.<$~-])(?:[\w.-]+/)*[\w-]+\.(?:py|md|html|css|js|txt|yml|toml|json|jsonl|conf|service|po)(?![\w/])"
)
FOLDER = re.compile(rf"(?<![\w/.<-])(?:(?:{'|'.join(APPS)}|templates|deploy|docs|static|locale)/)(?:[\w.-]+/)*")
DOTTED = re.compile(rf"(?<![\w/.-])(?:{'|'.join(APPS)})(?:\.[A-Za-z_]\w*)+(?![\w/])")
SHORT = re.compile(r"`([a-z]\w*)\.([A-Za-z]\w*)[`(]")  # `postal.lines`: a module by its last name, and what it defines
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
COMMAND = re.compile(r"\bmanage\.py ([a-z_]+)")
# Made where SmartPlus runs, or a part of another program.
ELSEWHERE = {"audit-heads.jsonl", "smartplus.conf", "smartplus.requests"}
CHECK = re.compile(r"[a-z]+\.[EW]\d{3}")  # the id of a system check


def known_files() -> set[str]:
    """Every file of the project, and every end of its path: "boxes/a.py" is found by "a.py" too."""
    found = set()
    for folder in (*APPS, "templates", "deploy", "docs", "static", "locale"):
        for path in (ROOT / folder).rglob("*"):
            parts = path.relative_to(ROOT).parts
            found |= {"/".join(parts[start:]) for start in range(len(parts))}
    return found | {path.name for path in ROOT.iterdir()}


def exists(dotted: str) -> bool:
    """Whether a module of ours, a name in one, a model or a check has this name."""
    parts = dotted.split(".")
    if dotted in ELSEWHERE or CHECK.fullmatch(dotted):
        return True
    if parts[1:] and parts[1].lower() in apps.all_models.get(parts[0], {}):
        return True
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            if not hasattr(found, name) and name not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, name, None)
        return True
    return False


def modules() -> dict[str, str]:
    """The sources of all modules of one name."""
    found: dict[str, str] = {}
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            name = path.parent.name if path.stem == "__init__" else path.stem
            found[name] = found.get(name, "") + path.read_text()
    return found


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in page.read_text().splitlines()
        if line.startswith("#")
    }


def faults(text: str, files: set[str], commands: set[str], targets: set[str]) -> Iterator[str]:
    """What the code of a page mentions and nobody has."""
    known = modules()
    for module, name in SHORT.findall(text):
        if (
            module in known
            and module not in APPS
            and f"{module}.{name}" not in files
            and not re.search(rf"\b{name}\b", known[module])
        ):
            yield f"name {module}.{name}"
    for code in CODE.findall(text):
        yield from (
            f"file {name}" for name in FILE.findall(code) if name not in files and Path(name).name not in ELSEWHERE
        )
        yield from (f"folder {name}" for name in FOLDER.findall(code) if name.rstrip("/") not in files)
        yield from (f"name {name}" for name in DOTTED.findall(code) if name not in files and not exists(name))
        yield from (f"target {name}" for name in MAKE.findall(code) if name not in targets)
        yield from (f"command {name}" for name in COMMAND.findall(code) if name not in commands)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_mentions_exists(page: Path) -> None:
    text = page.read_text()
    found = sorted(set(faults(text, known_files(), set(get_commands()), make_targets())))
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            found.append(f"link {link}")
        elif anchor and anchor not in headings(target):
            found.append(f"heading {link}")
    assert found == []


def test_the_guard_sees_what_it_is_for() -> None:
    text = "`gone.py` `accounts/scope.py` `accounts.scope.Nobody` `accounts.scope.Actor.sees_all` `postal.gone` "
    text += "`make nothing` `manage.py tock` `tests/gone/`"
    found = faults(text, {"manage.py", "accounts", "accounts/scope.py"}, {"tick"}, {"run"})
    assert sorted(found) == [
        "command tock", "file gone.py", "folder tests/gone/", "name accounts.scope.Nobody", "name postal.gone", "target nothing",
    ]  # fmt: skip
