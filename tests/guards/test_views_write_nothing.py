"""Pages write through actions only: a row that a view writes is checked by nobody and stands in no audit."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.conf import settings

PAGES = [settings.BASE_DIR / "smartplus" / "portal", settings.BASE_DIR / "smartplus" / "api"]
WRITES = {
    "update", "save", "create", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "select_for_update",
}  # fmt: skip


def writes(source: str) -> Iterator[int]:
    """The lines that write rows: on a manager, or on what a manager gave; a form's own `save` and a dictionary's `update` do not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            text = ast.unparse(node.func.value)
            if "objects" in text or node.func.attr not in {"update", "save", "create", "delete"}:
                yield node.lineno


def test_no_page_writes_rows_itself() -> None:
    files = [path for folder in PAGES for path in sorted(folder.rglob("*.py"))]
    assert len(files) > 50
    found = [f"{path.relative_to(settings.BASE_DIR)}:{line}" for path in files for line in writes(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("Cart.objects.visible_to(actor).filter(pk=1).update(months=3)", True),
        ("Cart.objects.create(months=3)", True),
        ("rows.bulk_create([])", True),
        ("context.update(months=3)", False),
        ("carts.change_term(actor, months=3)", False),
    ],
)
def test_it_finds_what_it_is_for(source: str, is_found: bool) -> None:
    assert bool(list(writes(source))) is is_found
