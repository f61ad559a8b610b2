"""What is particular to a service type stands in the catalogue: elsewhere nobody asks which one it is, or takes a variant apart."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from communities.catalogue import SWITCHES, ServiceType

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "communities" / "catalogue"
DEMO = ROOT / "smartplus" / "demo.py"  # it makes up what it needs, prices too
SOURCES = sorted(
    path
    for folder in ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and CATALOGUE not in path.parents and path != DEMO
)
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})
CODES = frozenset(ServiceType)
NAMES = {"ServiceType", "WITH_MONITOR", "WITHOUT_MONITOR", "PM_PLAIN", "PM_LANDLINE", "EACH"}
# Codes that are something else there: a column of a list, an authenticator app, a kind of equipment. Switches of the feature section
# are found by asking.
OTHER_SENSES = {
    ("accounts/actions/two_factor.py", "app"),
    ("communities/models/equipment.py", "door"),
    ("smartplus/portal/security/views.py", "app"),
}
CONDITION = re.compile(r"{%\s*(?:el)?if\b(.*?)%}")
LITERAL = re.compile(r"""["']([^"']*)["']""")
SEPARATOR = "+"


def named_in(source: str) -> list[tuple[int, str]]:
    """Lines on which a service type is named, with the name."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, alias.name) for alias in node.names if alias.name in NAMES]
        elif isinstance(node, ast.Constant) and node.value in CODES.difference(SWITCHES):
            found.append((node.lineno, str(node.value)))
        elif isinstance(node, ast.Compare):
            found += [(node.lineno, code) for side in (node.left, *node.comparators) for code in _switches_in(side)]
        elif isinstance(node, ast.keyword) and "service_type" in (node.arg or ""):
            found += [(node.value.lineno, code) for code in _switches_in(node.value)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_split = node.func.attr in {"split", "rsplit", "partition", "rpartition"} and node.args
            if is_split and isinstance(node.args[0], ast.Constant) and node.args[0].value == SEPARATOR:
                found.append((node.lineno, SEPARATOR))
    return sorted(found)


def _switches_in(node: ast.expr) -> list[str]:
    """Codes that are switches too, and here can't be one: beside a comparison or a service type."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return [str(part.value) for part in parts if isinstance(part, ast.Constant) and part.value in CODES & {*SWITCHES}]


def asked_in(template: str) -> list[str]:
    """Service types that a template's conditions name."""
    return [word for condition in CONDITION.findall(template) for word in LITERAL.findall(condition) if word in CODES]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_names_service_types_in_the_catalogue_only(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    assert [(line, word) for line, word in named_in(path.read_text()) if (name, word) not in OTHER_SENSES] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_ask_the_entry(path: Path) -> None:
    assert asked_in(path.read_text()) == []


def test_every_other_sense_is_there() -> None:
    assert {
        (name, word) for name, word in OTHER_SENSES if word in dict(named_in((ROOT / name).read_text())).values()
    } == (OTHER_SENSES)


def test_the_guard_sees_what_it_is_for() -> None:
    seen = """
from communities.catalogue import ServiceType
if item.service_type == catalogue.ServiceType.APP: pass
kind = "premium"
if service.code == "pm_app": pass
rows.filter(entitlements__service_type="pm_app", service_type__in=["elevator_control", "x"])
variant.split("+")
part == catalogue.WITH_MONITOR
"""
    assert [line for line, _word in named_in(seen)] == [2, 3, 4, 5, 6, 6, 7, 8]
    assert named_in('on = switches["pm_app"] and site.pm_app\nnames = a.split(",")\nrow.service_type == other') == []
    assert asked_in("{% if row.service_type == 'app' %}{% elif x != \"premium\" %}") == ["app", "premium"]
    assert asked_in("{% head 'app' h_app %}<input name=\"pm_app\">{% if row.entry.is_sum %}") == []
