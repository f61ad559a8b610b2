"""Pages write through actions only: a row that a view writes is checked by nobody and stands in no audit."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.conf import settings

PAGES = [settings.BASE_DIR / "smartplus" / "portal", settings.BASE_DIR / "smartplus" / "api"]
WRITES = {
    "save", "create", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "select_for_update", "on_commit",
}  # fmt: skip
FILES = {"smartplus/portal/kit/xlsx.py": {"workbook.save"}}  # what writes a file, no row


def writes(source: str, allowed: frozenset[str] | set[str] = frozenset()) -> Iterator[int]:
    """The lines that write rows or hold transactions. A dictionary's `update` does not: a table is updated by a manager or a filtered set
    of rows, so by what a call or an attribute gave, and with the columns by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "django.db":
            if any(alias.name in {"transaction", "connection", "connections"} for alias in node.names):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            text = ast.unparse(node.func)
            if text in allowed:
                continue
            is_update = node.func.attr == "update" and ("objects" in text or (node.keywords and "." in text[:-7]))
            if node.func.attr in WRITES or is_update:
                yield node.lineno


def test_no_page_writes_rows_itself() -> None:
    files = [path for folder in PAGES for path in sorted(folder.rglob("*.py"))]
    assert len(files) > 50
    names = {path: str(path.relative_to(settings.BASE_DIR)) for path in files}
    found = [
        f"{name}:{line}" for path, name in names.items() for line in writes(path.read_text(), FILES.get(name, set()))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("Cart.objects.visible_to(actor).filter(pk=1).update(months=3)", True),
        ("Cart.objects.create(months=3)", True),
        ("rows.bulk_create([])", True),
        ("cart.save(update_fields=['months'])", True),
        ("form.save()", True),
        ("cart.delete()", True),
        ("found.filter(pk=1).update(months=3)", True),
        ("from django.db import transaction", True),
        ("from django.db import models", False),
        ("digest.update(chunk)", False),
        ("context.update(months=3)", False),
        ("carts.change_term(actor, months=3)", False),
    ],
)
def test_it_finds_what_it_is_for(source: str, is_found: bool) -> None:
    assert bool(list(writes(source))) is is_found
