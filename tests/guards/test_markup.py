"""Markup in what people typed comes back as text, on every page of every role and in every mail (DESIGN §8)."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.mail import House, message
from accounts.models import AuditEvent, Notice, UserSession
from accounts.scope import Role
from tests.guards import routes as addresses
from tests.guards.browser import Answer, Browser
from tests.guards.pages import read
from tests.guards.planted import MARKUP, obeyed, plant
from tests.guards.walker import WALKERS, Walker
from tests.people import NOW

pytestmark = [pytest.mark.walk, pytest.mark.django_db, pytest.mark.xdist_group("markup")]
ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
SIGNS = re.compile(r"(?:&#x27;|&#39;|')(Z[a-z]{2})")
QUERY = "q=%3Cb%3E%22%27"
# Texts of the world that no page of these shows, and why.
UNSEEN = {
    "Membership.invited_as": "gives way to the name of who joined",
    "Payment.description": "is what the gateway shows",
    "PaymentMethod.brand": "is a word of the gateway that is looked up",
    "PaymentMethod.failed_reason": "is told of cards that failed; the world's work",
    "Payment.decline_reason": "is told of payments that were declined; the world's were not",
    "AutoRenewalItem.reason": "is told of what left an auto-renewal; nothing has left here",
    "LibraryEntry.note": "is kept, and on no page",
    "Notice.body": "is in the mail",
    "Handover.reason": "is told of offers that were refused; the world's were not",
    "Resident.pms_key": "is what a property management system calls the person; its answers have it",
    "Target.floor": "sorts what is billed; its pages show the apartment's own",
}


@pytest.fixture(scope="module")
def written(browser: Browser) -> dict[str, str]:
    """What was written where. The second device of each is the one that asks: others that the store does not know are not listed."""
    for person, key in browser.sessions.items():
        UserSession.objects.filter(session_key=key).delete()  # the world has a row for it already
        UserSession.objects.filter(session_key=f"elsewhere-{person}").update(session_key=key)
    return plant()


def html_of(browser: Browser, role: Role) -> Iterator[Answer]:
    """Every page that the role may open, its fragments, and its searches for markup; all that the audit says of texts."""
    person, walker = WALKERS[role], Walker(browser, addresses.routes())
    for route, path in walker.pages(person, role):
        answer = browser.ask(person, "GET", path)
        yield answer
        if answer.status == 200:
            for name in sorted(read(answer.body)[1]):
                yield browser.ask(person, "GET", path, target=name)
            if "q" in answer.names:
                yield browser.ask(person, "GET", f"{path}{'&' if '?' in path else '?'}{QUERY}")
        if route.name == "audit-detail" and role is Role.OPERATOR:
            told = AuditEvent.objects.order_by("pk")
            kinds = {event.action: event for event in told if '<b>"' in str(event.after)}
            for event in kinds.values():
                yield browser.ask(person, "GET", route.path([event.pk]))


def test_what_is_typed_is_shown_and_never_obeyed(browser: Browser, written: dict[str, str]) -> None:
    faults, shown, asked = list[str](), set[str](), 0
    for role in WALKERS:
        for answer in html_of(browser, role):
            asked += 1
            if answer.status >= 500:
                faults.append(f"{answer.asked}: {answer.status} {answer.problem}")
            if "html" in answer.headers.get("Content-Type", ""):
                faults += [f"{answer.asked}: {found}" for found in obeyed(answer.body)]
                shown |= set(SIGNS.findall(answer.body))
    assert not faults, "\n".join(faults[:40])
    # What no page shows proves nothing: it is named here, or the page has to be walked.
    assert {name for sign, name in written.items() if sign not in shown} == set(UNSEEN)
    assert asked > 400


@pytest.mark.parametrize(
    "page",
    [
        f"<p>{MARKUP}Zaa</p>",
        f'<a title="{MARKUP}Zaa">x</a>',
        f"<a title='{MARKUP}Zaa'>x</a>",
        "<button onclick=\"say('&lt;b&gt;&quot;&#x27;Zaa')\">x</button>",
        f"<script>say('{MARKUP}')</script>",
    ],
)
def test_a_careless_page_is_seen(page: str) -> None:
    assert obeyed(page)


def test_no_mail_obeys_it(browser: Browser, written: dict[str, str]) -> None:
    house = House.of(now=NOW)
    mails = list(Notice.objects.select_related("user"))
    assert MARKUP in house.name
    for notice in mails:
        mail = message(notice, house)
        html = str(mail.alternatives[0][0])
        assert not obeyed(html), notice.subject
        assert "&lt;b&gt;" in html
        assert MARKUP in mail.body  # the text is text, and says what was typed
    assert len(mails) > 10


# Where a text is called safe, how often, and why it is.
SAFE_PYTHON = {
    ("accounts/markdown.py", "mark_safe"): (1, "nh3 has cleaned it"),
    ("smartplus/portal/kit/markup.py", "SafeString"): (
        3,
        "patterns of ours around escaped values, and pieces of HTML side by side",
    ),
    ("smartplus/portal/kit/qr_codes.py", "SafeString"): (1, "a drawing made of squares"),
}
CALLS = {"mark_safe", "SafeString", "SafeText", "SafeData"}
LITERAL = {"format_html", "format_html_join", "as_html"}  # join: the separator and the format
SAFE_TEMPLATE = re.compile(r"\|\s*safe(?:seq)?\b|{%\s*autoescape\s+off|{%\s*filter\s+safe")


def test_no_text_is_called_safe_in_python() -> None:
    found = Counter[tuple[str, str]]()
    for file in (file for app in APPS for file in (ROOT / app).rglob("*.py")):
        found += Counter((str(file.relative_to(ROOT)), name) for name in unsafe(file.read_text()))
    assert found == {where: count for where, (count, _why) in SAFE_PYTHON.items()}


def unsafe(source: str) -> Iterator[str]:
    """The names by which a module makes HTML of a text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == "__html__":
            yield node.name
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        literal = [isinstance(arg, ast.Constant) for arg in node.args[: 2 if name == "format_html_join" else 1]]
        if name in CALLS or (name in LITERAL and not (literal and all(literal))):
            yield name
        for keyword in node.keywords:
            if (keyword.arg, getattr(keyword.value, "value", None)) in {("is_safe", True), ("autoescape", False)}:
                yield f"{keyword.arg}="


@pytest.mark.parametrize(
    "source",
    [
        "safestring.mark_safe(text)",
        "SafeString(text)",
        "format_html(f'<b>{text}</b>')",
        "format_html('<b>' + text)",
        "format_html_join(mark, '{}', rows)",
        "as_html(f'<b>{text}</b>', text)",
        "register.filter('f', f, is_safe=True)",
        "Context(autoescape=False)",
        "class A:\n def __html__(self): return self.text",
    ],
)
def test_what_calls_a_text_safe_is_seen(source: str) -> None:
    assert list(unsafe(source))


def test_no_text_is_called_safe_in_templates() -> None:
    """Mails as plain text are none of HTML; what is HTML of them is made of their blocks."""
    files = [*(ROOT / "templates").rglob("*")]
    found = [file for file in files if file.is_file() and SAFE_TEMPLATE.search(file.read_text())]
    assert [file for file in found if (file.suffix, file.parent.name) != (".txt", "mail")] == []
    assert len(found) > 10
