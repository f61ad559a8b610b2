"""The end of paid time is a day at the site: nothing shows it by another clock, wherever it is written."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})
SOURCES = sorted(
    path
    for folder in ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
# What holds the end of paid time, on whatever object; a new one is named here.
ENDS = {
    "ends_at", "expires_at", "first_end", "grace_until", "last_end", "next_end", "next_expiry", "next_loose", "next_stop", "paid_until", "until",
    "worked_until", "works_until",
}  # fmt: skip
OTHER_ENDS = (
    "about.expires_at",
    "handover.expires_at",
    "pending.expires_at",
    "token.row.expires_at",
)  # of links, tokens and offers: none of paid time
WORDED = ("until", "row.until", "label.until")  # texts already: the day at the site, the head of a column
BY_THE_SITE = {"end_day", "end_date"}
BY_THE_READER = {"day", "moment", "ago", "when", "date", "time", "timesince", "timeuntil", "localtime", "naturalday"}
FILTERED = re.compile(r"([\w.]+)\|(\w+)")
SHOWN = re.compile(r"{{\s*([\w.]+)\s*}}")
# Written as an instant, shown nowhere: a step of a timeline, a part of a digest.
KEPT = ('order, "applied", now=now, items=order.line_count, until=', "base = item.expires_at.isoformat()")
# of Python: functions that put an instant into words
IN_WORDS = {*BY_THE_READER, "date_format", "format_date", "format_datetime", "format_time", "strftime", "isoformat"}


def is_end(name: str) -> bool:
    return name.rpartition(".")[2] in ENDS and name not in OTHER_ENDS


def faults_in(template: str) -> list[str]:
    filtered = [f"{name}|{how}" for name, how in FILTERED.findall(template) if is_end(name) and how in BY_THE_READER]
    return filtered + [name for name in SHOWN.findall(template) if is_end(name) and name not in WORDED]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_show_the_end_of_paid_time_by_the_clock_of_its_site(path: Path) -> None:
    assert faults_in(path.read_text()) == []


def test_the_guard_sees_what_it_is_for() -> None:
    assert faults_in("{{ row.expires_at|day }}{{ quote.ends_at|date:'c' }}{{ works_until }}") == [
        "row.expires_at|day", "quote.ends_at|date", "works_until",
    ]  # fmt: skip
    assert faults_in("{% blocktranslate with day=line.until|moment trimmed %}") == ["line.until|moment"]
    assert faults_in("{{ row.expires_at|end_day:site.time_zone }}{{ token.row.expires_at|day }}") == []
    assert calls_in("day(due.first_end + GRACE)\nx = f'{row.expires_at:%d}'\nrow.ends_at.strftime('%d')\n") == [1, 2, 3]
    assert calls_in("end_date(due.first_end, zone)\n_instant(row.expires_at)\n") == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_does_so_too(path: Path) -> None:
    lines = path.read_text().splitlines()
    found = [lines[at - 1].strip() for at in calls_in(path.read_text())]
    assert [line for line in found if not line.startswith(KEPT)] == []


def calls_in(source: str) -> list[int]:
    """The lines that put the end of paid time into words by the reader's clock, or by none."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None and _names_an_end(node.value):
            found.append(node.lineno)
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name not in IN_WORDS:
            continue
        subjects = [*node.args[:1], *([function.value] if isinstance(function, ast.Attribute) else [])]
        if any(_names_an_end(subject) for subject in subjects):
            found.append(node.lineno)
    return sorted(found)


def _names_an_end(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _names_an_end(node.left)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ENDS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_day_is_written_by_a_pattern_of_one_language(path: Path) -> None:
    if path.name != "exports.py":  # files have the days of spreadsheets
        assert [word for word in ("date_format(", "strftime(") if word in path.read_text()] == []
