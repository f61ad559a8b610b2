"""Every action that is written down has a sentence: nobody reads "Organization permissions set: Norden Port AS"."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from smartplus.portal import deeds
from subscriptions.models import Order, RenewalRequest, Subscription

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
ACTION = re.compile(r"[a-z][a-z_]+\.[a-z][a-z_]+")
S = RenewalRequest.State
# Actions that are put together of a word and a state, and what can come of it.
MADE: dict[str, set[str]] = {
    "agreement.": {Subscription.State.PARKED, Subscription.State.ENDED},
    "order.": {Order.State.TIMEOUT, Order.State.CANCELLED, Order.State.FAILED},
    "request.": {S.APPROVED, S.REFUSED, S.WITHDRAWN, S.DONE, "reopened"},
    "two_factor.": {"on", "off"},
}
OF_ITS_OWN = {"library.added"}  # a sentence with a number, made in `sentence`
NO_ACTIONS = {"mail.mute"}  # salts of signatures
OUTSIDE = {"gateways", "sandbox"}  # folders that know the names of a gateway's events


READERS = {
    "deeds.py",
    "audit_words.py",
    "audit_log.py",
    "events.py",
    "told_whole.py",
}  # they name actions to tell them, not to write them


def recorded() -> set[str]:
    """Every action that the code names, whole or as the head of a made one."""
    words = {action.partition(".")[0] for action in deeds.DEEDS}
    found: set[str] = set()
    files = (file for app in APPS for file in (ROOT / app).rglob("*.py") if not OUTSIDE & set(file.parts))
    for file in (file for file in files if file.name not in READERS):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(first := node.values[0], ast.Constant):
                head = str(first.value)
                found |= {head + str(end) for end in MADE.get(head, set())}
            told = {text for text in handed_over(node) if ACTION.fullmatch(text)}
            found |= {text for text in told if text.partition(".")[0] in words}
    return found - NO_ACTIONS


def handed_over(node: ast.AST) -> set[str]:
    """The texts that a call is given, or that stand alone as a constant; a word in a list is only mentioned."""
    if isinstance(node, ast.Assign):
        return texts(node.value)
    if not isinstance(node, ast.Call) or (isinstance(node.func, ast.Name) and node.func.id in {"frozenset", "set"}):
        return set()
    return {text for given in (*node.args, *(word.value for word in node.keywords)) for text in texts(given)}


def texts(node: ast.AST) -> set[str]:
    """The texts an expression may be: itself, or either side of a choice."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_action_that_is_written_down_has_a_sentence() -> None:
    actions = recorded()
    assert len(actions) > 50
    assert sorted(actions - set(deeds.DEEDS) - OF_ITS_OWN) == []


def test_a_word_that_is_only_listed_is_not_written() -> None:
    listed = ast.parse('SAVES = frozenset({"site.changed", "site.created"})\nif action in ("site.changed",): pass')
    assert {text for node in ast.walk(listed) for text in handed_over(node)} == set()
    written = ast.parse('record(actor, "site.changed" if old else "site.created", site, tenant=x)')
    assert {text for node in ast.walk(written) for text in handed_over(node)} == {"site.changed", "site.created"}


def test_no_sentence_waits_for_an_action_that_is_never_written() -> None:
    assert sorted(set(deeds.DEEDS) - recorded()) == []
