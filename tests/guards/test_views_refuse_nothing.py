"""Pages refuse nothing themselves: what may not be is said by an action, by the rights or by a form, once for pages and API.

Nor do they answer refusals: forms, `edits` and `@refused_at` do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from django.conf import settings

from accounts.errors import ActionError

PORTAL = settings.BASE_DIR / "smartplus" / "portal"
KINDS = {"NotPermitted", "Refused", "Conflict", "MayNotPay"}
# The decorator of a grant; and a step of a page whose first part stands in the session.
ALLOWED = {"kit/grants.py:NotPermitted", "security/views.py:Refused"}
NO_PRICE = "a missing price is said in place of the sum, and the page is shown all the same"
LINK_OVER = "a link by mail that ended has a page of its own, for people who are not signed in"
# What catches an error of an action outside the kit, and why.
CAUGHT = {
    "bulk/sums.py:MissingPrice": NO_PRICE,
    "commercial/queries.py:MissingPrice": NO_PRICE,
    "houses/queries.py:MissingPrice": NO_PRICE,
    "imports/prices.py:MissingPrice": NO_PRICE,
    "price_preview/queries.py:MissingPrice": NO_PRICE,
    "requests/views.py:CantQuote": NO_PRICE,
    "sheet/review.py:MissingPrice": NO_PRICE,
    "sheet/strip.py:MissingPrice": NO_PRICE,
    "subscription/checkout.py:CantQuote": NO_PRICE,
    "subscription/chosen.py:CantQuote": NO_PRICE,
    "subscription/views.py:CantQuote": NO_PRICE,
    "subscription/checkout.py:Conflict": "about the billing information, one of two forms of the page",
    "subscription/checkout.py:MayNotPay": "leads back to the list, with the same items ticked",
    "residents/joining.py:CodeOver": LINK_OVER,
    "sign_in/mail_links.py:LinkUsedUp": LINK_OVER,
    "users/invitations.py:LinkUsedUp": LINK_OVER,
}


def refusals(source: str) -> Iterator[str]:
    """The kinds of errors of actions that a source raises."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised).rpartition(".")[2]
            if name in KINDS:
                yield name


def kinds(kind: type[ActionError] = ActionError) -> Iterator[str]:
    """The names of all errors of actions."""
    yield kind.__name__
    for narrower in kind.__subclasses__():
        yield from kinds(narrower)


def caught(source: str, names: set[str]) -> Iterator[str]:
    """Which of these errors a source catches or suppresses."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            found: list[ast.expr] = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "suppress":
            found = node.args
        else:
            continue
        for each in found:
            place, _dot, name = ast.unparse(each).rpartition(".")
            if name in names and place != "signing":  # Django's error of the same name
                yield name


def test_no_page_catches_what_an_action_refuses() -> None:
    names = set(kinds())
    assert {"Refused", "Conflict", "NotPermitted", "GatewayUnavailable", "CantQuote", "DryRunOutdated"} <= names
    files = [file for file in sorted(PORTAL.rglob("*.py")) if file.relative_to(PORTAL).parts[0] != "kit"]
    found = {f"{file.relative_to(PORTAL)}:{name}" for file in files for name in caught(file.read_text(), names)}
    assert found == set(CAUGHT)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("try:\n    act()\nexcept Refused:\n    pass", ["Refused"]),
        ("try:\n    act()\nexcept (errors.Conflict, ValueError) as error:\n    pass", ["Conflict"]),
        ("with suppress(Refused):\n    act()", ["Refused"]),
        ("try:\n    act()\nexcept ValueError:\n    pass", []),
        ("raise Refused", []),
    ],
)
def test_a_catch_is_seen(source: str, found: list[str]) -> None:
    assert list(caught(source, set(kinds()))) == found


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
