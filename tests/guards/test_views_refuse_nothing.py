"""Pages refuse nothing themselves: what may not be is said by an action, by the rights or by a form, once for pages and API."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.conf import settings

PORTAL = settings.BASE_DIR / "smartplus" / "portal"
KINDS = {"NotPermitted", "Refused", "Conflict", "MayNotPay"}
# The decorator of a grant; and a step of a page whose first part stands in the session.
ALLOWED = {"kit/grants.py:NotPermitted", "security/views.py:Refused"}


def refusals(source: str) -> Iterator[str]:
    """The kinds of errors of actions that a source raises."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised).rpartition(".")[2]
            if name in KINDS:
                yield name


def test_no_page_refuses_by_itself() -> None:
    files = sorted(PORTAL.rglob("*.py"))
    assert len(files) > 150
    found = {f"{file.relative_to(PORTAL)}:{name}" for file in files for name in refusals(file.read_text())}
    assert found == ALLOWED


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise NotPermitted", ["NotPermitted"]),
        ("raise errors.Refused(_('No.'), field='x')", ["Refused"]),
        ("raise Site.DoesNotExist", []),
        ("try:\n    act()\nexcept Refused:\n    raise", []),
    ],
)
def test_a_refusal_is_seen(source: str, found: list[str]) -> None:
    assert list(refusals(source)) == found
