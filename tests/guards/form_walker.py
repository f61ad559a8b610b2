"""The walker's other half: foreign ids in the fields of forms, in bulk lists and in queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

from accounts.scope import Role
from tests.guards import policies
from tests.guards.browser import Answer
from tests.guards.pages import Field, Form, Pairs, read
from tests.guards.routes import PARAMETER, Route
from tests.guards.walker import Walker
from tests.guards.world import MARKS, Key, absent

ABSURD = ("9" * 25, "²", "\0", "x" * 300)[:3]
TAKEN = {200, 302, 409, 422}


@dataclass
class FormWalker:
    """Tries one person's forms and queries; faults go to the walker's list."""

    walker: Walker
    person: str
    role: Role
    tried: set[tuple[str, ...]] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    forms: int = 0

    def run(self) -> None:
        """Every own page: its query, its forms, and the names that its POST reads though no page shows them."""
        for route, path in self.walker.pages(self.person, self.role):
            page = self._ask("GET", path)
            if page.status == 200:
                forms, targets = read(page.body)
                for target in targets:
                    self._ask("GET", path, target=target)
                for name in sorted(page.names - policies.PLAIN):
                    self._try_query(path, name)
                for form in forms:
                    self._try_form(path, form, targets)
            self._try_names(route, path)
        refused = {name.removesuffix(f" of {self.role}") for name in policies.REFUSED}
        for name in sorted(set(self.refused) - self.accepted - refused):
            self.walker.faults.append(f"{self.person}: the form of {name} is never accepted: {self.refused[name]}")

    def _ask(self, method: str, path: str, data: Pairs | None = None, *, target: str = "") -> Answer:
        answer = self.walker.browser.ask_once(self.person, method, path, data, target=target)
        return self.walker.look(self.person, answer)

    def _try_query(self, path: str, name: str) -> None:
        value = ABSURD[(len(path) + len(name)) % len(ABSURD)]  # each on some pages: most names are read by the kit
        self._ask("GET", f"{path}?{urlencode({name: value})}")
        for kind in self._kinds(name):
            for foreign, never in self._pairs(kind):
                self._tell_apart("GET", path, [(name, foreign)], [(name, never)])
        if name == "q":
            for word in self._words():
                self._tell_apart("GET", path, [("q", word)], [("q", _unknown(word))])

    def _try_form(self, page: str, form: Form, targets: set[str]) -> None:
        path = urljoin(f"http://testserver{page}", form.action or page)
        address = urlsplit(path)
        if address.netloc != "testserver":
            return
        path = address.path + (f"?{address.query}" if address.query else "")
        route = self._route(address.path)
        if form.method != "post":
            if form.fields:
                self._ask("GET", f"{address.path}?{urlencode(self._filled(form))}")
            return
        # A form is the same wherever it stands, so it is tried once; its action may name another thing each time.
        seen = (route.pattern if route else path, *sorted(form.fields))
        if route is None or seen in self.tried:
            return
        self.tried.add(seen)
        self.forms += 1
        data = self._filled(form)
        for button in [None, *form.buttons]:
            sent = [*data, button] if button else data
            answer = self._ask("POST", path, sent)
            if answer.status not in TAKEN:
                self.walker.fault(answer, f"answers {answer.status} to an own form")
            self._note(route, answer)
            for target in sorted(targets):
                self._ask("POST", path, sent, target=target)
            self._elsewhere(route, path, sent)
            if button is None or button == ("action", "next"):
                for one in form.fields.values():
                    self._try_field(path, one, sent)

    def _note(self, route: Route, answer: Answer) -> None:
        """A form has to be accepted once, else nothing is proved by refusing it with foreign ids."""
        if answer.status == 302 or (answer.status == 200 and (answer.tables or "price-preview" in route.name)):
            self.accepted.add(route.name)
        else:
            self.refused.setdefault(route.name, f"{answer.status} to {answer.asked}")

    def _elsewhere(self, route: Route, path: str, data: Pairs) -> None:
        """A form in good shape, sent to a thing beyond."""
        if route.policy is None or route.policy.is_public or not route.parameters:
            return
        _own, beyond, never = self.walker.addresses(self.person, route)
        if never:
            self.walker.compare(self.person, "POST", beyond, never, data)

    def _try_field(self, path: str, one: Field, data: Pairs) -> None:
        if _last(one.name) in policies.PLAIN or (one.is_choice and not _names_things(one)):
            return
        others = [(name, value) for name, value in data if name != one.name]
        own = [(name, value) for name, value in data if name == one.name]
        if one.is_choice:
            for value in ABSURD:
                self._ask("POST", path, [*others, (one.name, value)])
        for kind in self._kinds(one.name) if one.is_choice or _last(one.name) in policies.FIELDS else ():
            for foreign, never in self._pairs(kind):
                pair = ([(one.name, foreign)], [(one.name, never)])
                self._tell_apart("POST", path, [*others, *pair[0]], [*others, *pair[1]])
                if one.is_list and own:
                    self._tell_apart("POST", path, [*others, *own, *pair[0]], [*others, *own, *pair[1]])

    def _try_names(self, route: Route, path: str) -> None:
        """Names that the view itself reads from a POST."""
        answer = self._ask("POST", path)
        if answer.status == 405:
            return
        for name in sorted(answer.names & set(policies.FIELDS)):
            for value in ABSURD:
                self._ask("POST", path, [(name, value)])
            for foreign, never in self._pairs(policies.FIELDS[name]):
                self._tell_apart("POST", path, [(name, foreign)], [(name, never)])

    def _kinds(self, name: str) -> tuple[str, ...]:
        known = policies.FIELDS.get(_last(name))
        if name in policies.WORDS:
            return ()
        return (known,) if known else policies.IDS

    def _pairs(self, kind: str) -> Iterator[tuple[str, str]]:
        """A thing beyond, and one like it that never was."""
        for key in self.walker.beyond(self.person, kind):
            yield str(key), str(_nothing(key))

    def _words(self) -> list[str]:
        """What one would search for, did one know of it."""
        found = [MARKS[name] for name in policies.REACHES[self.person].hidden]
        found += [str(key) for key in self.walker.beyond(self.person, "order")]
        return found + [str(key) for key in self.walker.beyond(self.person, "mac")]

    def _tell_apart(self, method: str, path: str, foreign: Pairs, never: Pairs) -> None:
        """A foreign value and an absent one get the same answer, but for the value itself where it is repeated."""
        typed, untyped = foreign[-1][1], never[-1][1]
        if method == "GET":
            asked = [(f"{path}?{urlencode(pairs)}", None) for pairs in (foreign, never)]
        else:
            asked = [(path, pairs) for pairs in (foreign, never)]  # type: ignore[misc]
        first, second = (self.walker.browser.ask_once(self.person, method, *one) for one in asked)
        # The typed word may be repeated; what is beyond it may not be shown.
        for answer in (first, second):
            if answer.status >= 500:
                self.walker.fault(answer, f"answers {answer.status}")
            for row in answer.leaks:
                self.walker.fault(answer, row)
        shown = re.sub(re.escape(typed.lower()), "", first.text)
        for word in policies.words_hidden_from(self.person):
            if word in shown:
                self.walker.fault(first, f"shows {word!r}")
        if first.alike(typed) != second.alike(untyped):
            self.walker.fault(first, f"is told apart from {second.asked}: {first.status}, {second.status}")

    def _filled(self, form: Form) -> Pairs:
        """What a browser would send, its blanks filled in."""
        free = {**policies.FILL, "mac": str(self.walker.own(self.person, "mac"))}
        data: Pairs = []
        for one in form.fields.values():
            if one.name == "csrfmiddlewaretoken":
                continue
            is_text = one.type not in {"checkbox", "radio", "hidden", "multiple", "select"}
            is_blank = not any(one.sent)
            if is_blank and (is_text or (one.type == "select" and _last(one.name) in free)):
                data.append((one.name, free.get(_last(one.name), policies.OTHERWISE)))
            elif is_blank and any(one.offered) and (one.name in policies.TICKED or one.name == "item"):
                data.append((one.name, next(filter(None, one.offered))))
            else:
                data += [(one.name, value) for value in one.sent]
        return data

    def _route(self, path: str) -> Route | None:
        """The route an address belongs to."""
        for route in self.walker.routes:
            pattern = "/" + "([^/]+)".join(map(re.escape, PARAMETER.split(route.pattern)[::2]))
            if re.fullmatch(pattern, path):
                return route
        return None


def _last(name: str) -> str:
    """ "mac" of "monitors-0-mac"."""
    return name.rpartition("-")[2]


def _names_things(one: Field) -> bool:
    """Whether the values on offer could be ids: switches say "on", and countries are no numbers."""
    values = [value for value in one.offered if value]
    return one.name in policies.FIELDS or (bool(values) and all(value.isdecimal() for value in values))


def _nothing(key: Key) -> Key:
    if isinstance(key, str) and key.startswith("0C1105"):
        return f"0C1105EE{key[-4:]}"  # in nobody's library
    return absent(key)


def _unknown(word: str) -> str:
    return str(_nothing(word)) if word[:2] in {"SP", "0C"} else f"{word[:-4]}QXQX"
