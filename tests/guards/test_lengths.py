"""What a form takes, the column holds: every text field of every form at its limit and one above it, on PostgreSQL, where a column that
is too short answers 500."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import connection

from accounts.scope import Role
from tests.guards import routes as addresses
from tests.guards.browser import Answer, Browser
from tests.guards.form_walker import FormWalker
from tests.guards.pages import Field, Form, Pairs, read
from tests.guards.walker import WALKERS, Walker
from tests.guards.watch import Ledger
from tests.people import PASSWORD

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("lengths"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's columns hold any length"),
]
TOO_LONG, VERY_LONG = 5000, 120_000
LIMIT = re.compile(r"at most ([\d,]+) characters")
GROWS = "\ufdfa"  # eighteen letters where it is folded
NO_TEXT = {"checkbox", "radio", "hidden", "multiple", "select", "file", "date", "number", "password"}
SECRETS = {"password", "old_password", "new_password1", "new_password2"}
IDENTIFIERS = {"code", "tax_number", "postal_code", "reference", "serial"}  # folded before they are measured
# Texts that have no limit of their own: what is understood is short, and what is not is refused in words.
SHAPED = {
    "mac": "a MAC",
    "rows": "a list of MACs, as long as one pastes",
    "country": "a country",
    "mobile": "a phone number",
    "time_zone": "a time zone",
}
# Fields by route and name whose text goes into no column of its own, and why.
UNCHECKED = {
    "apartment-import text": "is a whole file, of which the size is limited",
    "import-correct mac": "is kept as typed, in one JSON of the row, until it is right",
    "draft-devices default_name": "is kept as typed, in one JSON of the draft, and checked when the site is made",
    "draft-devices pasted": "is distributed over the rows of the draft",
    "building-new pattern": "is read where floors are numbered by a pattern",
    "building-new pasted": "is read where apartments are listed",
}


@dataclass
class Kept:
    """In place of the ledger: what a request wrote, before it is taken back."""

    ledger: Ledger
    texts: set[str] = field(default_factory=set)

    def leaks(self, _person: str, tables: Iterable[str]) -> list[str]:
        """Keep every text of the rows that came or changed."""
        changed = self.ledger.changed(tables).values()
        self.texts = {value for rows in changed for row in rows for value in row.values() if isinstance(value, str)}
        return []


@dataclass
class Filler(FormWalker):
    """Fills each text field of a person's forms up to the brim, and over it."""

    kept: Kept | None = None
    limits: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def fill_all(self) -> None:
        """Every form of every own page, each field once."""
        for route, path in self.walker.pages(self.person, self.role):
            if not route.policy or route.policy.is_api:
                continue
            page = self.walker.browser.ask(self.person, "GET", path)
            if page.status != 200 or "<form" not in page.body:
                continue
            for form in read(page.body)[0]:
                if form.method == "post":
                    self._fill(path, form)

    def _fill(self, page: str, form: Form) -> None:
        to = urlsplit(urljoin(f"http://testserver{page}", form.action or page))
        route = self._route(to.path)
        if route is None:
            return
        known = [(name, PASSWORD if name in SECRETS else value) for name, value in self._filled(form)]
        for one in form.fields.values():
            seen = (route.name, one.name)
            is_free = f"{route.name} {one.name.rpartition('-')[2]}" in UNCHECKED
            if one.type in NO_TEXT or one.name in SECRETS or seen in self.tried or is_free:
                continue
            self.tried.add(seen)
            others = [pair for pair in known if pair[0] != one.name]
            self._brim(f"{route.name} {one.name}", f"{to.path}?{to.query}".rstrip("?"), one, others, form.buttons)

    def _brim(self, name: str, path: str, one: Field, others: Pairs, buttons: Pairs) -> None:
        sent = [*others, (one.name, "x" * TOO_LONG)]
        answer = self._post(path, sent)
        if answer.status == 302:  # a text of some pages
            answer = self._post(path, [*others, (one.name, "x" * VERY_LONG)])
        for button in buttons:
            if answer.status == 200:  # the form was shown, not sent
                answer = self._post(path, [*sent, button])
                others = [*others, button] if answer.status == 422 else others
        told = LIMIT.search(answer.body)
        if answer.status != 422:
            self.faults.append(f"{name}: {TOO_LONG} letters are answered {answer.status} {answer.problem}")
        elif one.name.rpartition("-")[2] in SHAPED or one.name.startswith("price-"):
            pass  # at its limit it is refused for what it is, not for how long it is
        elif told is None:
            self.faults.append(f"{name}: the refusal does not say how much is possible")
        else:
            self._edge(name, path, one, others, int(told[1].replace(",", "")))

    def _edge(self, name: str, path: str, one: Field, others: Pairs, limit: int) -> None:
        self.limits[name] = limit
        for sign in ("x", GROWS):
            text = sign * limit if one.name.rpartition("-")[2] != "email" else _address(limit)
            answer = self._post(path, [*others, (one.name, text)])
            if sign == GROWS and answer.status == 422 and one.name.rpartition("-")[2] in IDENTIFIERS:
                continue
            if answer.status >= 500 or LIMIT.search(answer.body):
                self.faults.append(f"{name}: {limit} times {sign!a} are answered {answer.status} {answer.problem}")
            elif answer.status == 302 and self._is_cut(sign, text):
                self.faults.append(f"{name}: {limit} times {sign!a} are kept otherwise")
            above = self._post(path, [*others, (one.name, text + sign)])
            if above.status != 422 or not LIMIT.search(above.body):
                self.faults.append(f"{name}: one above {limit} is answered {above.status} {above.problem}")

    def _is_cut(self, sign: str, text: str) -> bool:
        kept = self.kept.texts if self.kept else set()
        return text not in kept and any(sign * 3 in one for one in kept)

    def _post(self, path: str, data: Pairs) -> Answer:
        if self.kept:
            self.kept.texts = set()
        return self.walker.browser.ask(self.person, "POST", path, data)


def _address(length: int) -> str:
    """An address of just so many characters."""
    domain = ".".join(["b" * 50] * 3) + ".example"
    return f"{'a' * (length - len(domain) - 1)}@{domain}"


@pytest.fixture(scope="module")
def brim(browser: Browser) -> Browser:
    """The browser that keeps what was written."""
    browser.ledger = Kept(browser.ledger)  # type: ignore[assignment]
    return browser


@pytest.fixture(scope="module")
def done() -> set[tuple[str, ...]]:
    """The fields that somebody has filled: a form is the same for whoever sees it."""
    return set()


@pytest.mark.parametrize("role", [role for role in WALKERS if role is not Role.TECHNICIAN], ids=str)
def test_every_text_field_holds_what_it_takes(role: Role, brim: Browser, done: set[tuple[str, ...]]) -> None:
    walker = Walker(brim, addresses.routes())
    filler = Filler(walker, WALKERS[role], role, tried=done, kept=brim.ledger)  # type: ignore[arg-type]
    filler.fill_all()
    assert filler.faults == [], f"on {connection.vendor}:\n" + "\n".join(filler.faults)
    assert done


@pytest.mark.parametrize(
    ("path", "name"), [("/sign-in/", "username"), ("/password-reset/", "email"), ("/sign-in/link/", "email")]
)
def test_who_is_nobody_yet_is_told_how_much_is_possible(path: str, name: str, brim: Browser) -> None:
    def post(text: str) -> Answer:
        return brim.ask(None, "POST", path, [(name, text), ("password", PASSWORD)])

    assert brim.ask(None, "GET", path).status == 200
    assert post(GROWS * 254).problem == ""
    for text in (_address(254), "x" * 254):
        answer = post(text)
        assert (answer.problem, answer.status < 500, LIMIT.search(answer.body)) == ("", True, None)
    for text in (_address(255), "x" * TOO_LONG):
        assert LIMIT.search(post(text).body)
