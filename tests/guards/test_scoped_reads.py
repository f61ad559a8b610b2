"""Nothing in the doors reads a table without saying for whom: `Model.objects` is followed by `visible_to(actor)` (R1, STYLE §2.6)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2] / "smartplus"
DOORS = sorted(
    [
        *(HOUSE / "portal").rglob("*.py"),
        *(HOUSE / "api").rglob("*.py"),
        HOUSE / "access.py",
        HOUSE / "access_middleware.py",
        HOUSE / "webhooks.py",
    ]
)
MANAGERS = {"objects", "every", "_default_manager", "_base_manager"}
SCOPED = {"visible_to", "none"}
OWN = {"request.user", "user"}  # the signed-in person's own rows, as `user=…`
SHORTCUTS = {"get_object_or_404", "get_list_or_404"}  # they take a model and leave the scope to be forgotten
# Reads that are bounded otherwise, each with its reason.
EXCEPTIONS = {
    "User.objects.get(pk=request.user.pk)": "the signed-in person",
    "UserSession.objects.of(user)": "the signed-in person's sessions",
    "ApiToken.objects.of(user)": "the signed-in person's tokens",
    "ApiToken.objects.usable(now)": "counted for people that are bounded already",
    "Invitation.objects.working(now)": "counted for people that are bounded already",
    "User.objects.get_by_natural_key(email)": "who is at the door is nobody yet",
    "Membership.objects.filter(organization_id=actor.organization_id)": "the own firm",
}


def unscoped(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each read of a manager that says neither for whom nor is an exception."""
    tree = ast.parse(source)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in SHORTCUTS and not isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        if isinstance(node, ast.Attribute) and node.attr in MANAGERS and isinstance(node.value, ast.Name):
            if node.attr == "every" and not node.value.id[:1].isupper():
                continue  # no model's
            chain = list(_calls(node, above))
            if not chain or not _is_bounded(chain):
                yield node.lineno, ast.unparse(chain[0] if chain else node)


def _calls(node: ast.AST, above: dict[ast.AST, ast.AST]) -> Iterator[ast.Call]:
    """The calls strung to a manager, nearest first: `.filter(…)`, `.order_by(…)`."""
    while isinstance(attribute := above.get(node), ast.Attribute) and isinstance(
        call := above.get(attribute), ast.Call
    ):
        yield call
        node = call


def _is_bounded(chain: list[ast.Call]) -> bool:
    first = chain[0]
    if isinstance(first.func, ast.Attribute) and first.func.attr in SCOPED:
        return True
    if ast.unparse(first) in EXCEPTIONS:
        return True
    for call in chain:
        if any(word.arg == "user" and ast.unparse(word.value) in OWN for word in call.keywords):
            return True
        if any(isinstance(inner, ast.Name) and inner.id == "OuterRef" for inner in ast.walk(call)):
            return True  # bounded by the query around it
    return False


@pytest.mark.rule("R1")
@pytest.mark.parametrize("file", DOORS, ids=lambda file: str(file.relative_to(HOUSE)))
def test_every_read_of_pages_forms_and_api_says_for_whom(file: Path) -> None:
    assert [f"{file.name}:{line}: {text}" for line, text in unscoped(file.read_text())] == []


def test_every_exception_is_still_used() -> None:
    doors = "\n".join(ast.unparse(ast.parse(file.read_text())) for file in DOORS)
    assert [text for text in EXCEPTIONS if text not in doors] == []


@pytest.mark.parametrize(
    "text",
    [
        "Site.objects.get(pk=pk)",
        "Site.objects.all()",
        "Site.objects.filter(name=request.POST['name']).exists()",
        "rows = Site.objects",
        "list(Site._default_manager.order_by('pk'))",
        "forms.ModelChoiceField(Site.objects.order_by('pk'))",
        "Site.objects.filter(user=other)",
        "get_object_or_404(Site, pk=pk)",
    ],
)
def test_a_read_for_nobody_in_particular_is_found(text: str) -> None:
    assert len(list(unscoped(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Site.objects.visible_to(actor).get(pk=pk)",
        "Membership.objects.usable().filter(user=request.user).first()",
        "Site.objects.none()",
        "Site.objects.filter(installer=OuterRef('pk'))",
    ],
)
def test_a_read_that_says_for_whom_is_fine(text: str) -> None:
    assert list(unscoped(text)) == []
