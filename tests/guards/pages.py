"""Forms as a browser sees and sends them, read with the standard library."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

Pairs = list[tuple[str, str]]


@dataclass
class Field:
    """One name in a form: every value it could send, and those it would send now."""

    name: str
    type: str
    offered: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    @property
    def is_choice(self) -> bool:
        """Whether the page says which values there are."""
        return self.type in {"select", "multiple", "checkbox", "radio", "hidden"}

    @property
    def is_list(self) -> bool:
        """Whether it sends several values."""
        return self.type in {"multiple", "checkbox"} and self.offered != ["on"]


@dataclass
class Form:
    """A form with its fields, and the buttons that send a name of their own."""

    action: str
    method: str
    id: str = ""
    fields: dict[str, Field] = field(default_factory=dict)
    buttons: Pairs = field(default_factory=list)

    def note(self, name: str, type: str, value: str, *, is_sent: bool) -> None:
        """Add a control."""
        found = self.fields.setdefault(name, Field(name, type))
        found.offered.append(value)
        if is_sent:
            found.sent.append(value)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.targets: set[str] = set()
        self.open: Form | None = None
        self.loose: list[tuple[str, str, str, str, bool]] = []  # controls that name their form
        self.apart: list[
            tuple[str, str, str, str]
        ] = []  # buttons of a row that send a form by its id to an address of their own
        self.select: tuple[str, str, str] | None = None
        self.area: tuple[str, str] | None = None
        self.text = ""
        self.has_choice = False
        self.first: str | None = None
        self.asleep = 0  # inside <template>, which a browser does not send

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "template":
            self.asleep += 1
        if self.asleep:
            return
        given = {name: value or "" for name, value in attrs}
        if target := given.get("hx-target", ""):
            self.targets.add(target.lstrip("#"))
        name, owner = given.get("name", ""), given.get("form", "")
        if tag == "form":
            self.open = Form(given.get("action", ""), given.get("method", "get").lower(), given.get("id", ""))
            self.forms.append(self.open)
        elif tag == "input" and name:
            self._input(given, name, owner)
        elif tag == "button" and owner and "formaction" in given:
            self.apart.append((owner, given["formaction"], name, given.get("value", "")))
        elif tag == "button" and name and given.get("type", "submit") == "submit":
            self._note(owner, name, "button", given.get("value", ""), False)
        elif tag == "select" and name:
            self.select, self.has_choice, self.first = (
                (owner, name, "multiple" if "multiple" in given else "select"),
                False,
                None,
            )
        elif tag == "option" and self.select:
            value = given.get("value", "")
            self.first = value if self.first is None else self.first
            self.has_choice |= "selected" in given
            self._note(*self.select[:2], self.select[2], value, "selected" in given)
        elif tag == "textarea" and name:
            self.area, self.text = (owner, name), ""

    def _input(self, given: dict[str, str], name: str, owner: str) -> None:
        type = given.get("type", "text").lower()
        is_box = type in {"checkbox", "radio"}
        is_sent = "disabled" not in given and (not is_box or "checked" in given)
        if type in {"submit", "image"}:
            type, is_sent = "button", False
        self._note(owner, name, type, given.get("value", "on" if is_box else ""), is_sent)

    def handle_data(self, data: str) -> None:
        if self.area:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.asleep -= 1
        elif tag == "form":
            self.open = None
        elif tag == "select" and self.select:
            if self.select[2] == "select" and not self.has_choice and self.first is not None:
                self._note(*self.select, self.first, True)
            self.select = None
        elif tag == "textarea" and self.area:
            self._note(*self.area, "textarea", self.text.lstrip("\n"), True)
            self.area = None

    def _note(self, owner: str, name: str, type: str, value: str, is_sent: bool) -> None:
        if owner:
            self.loose.append((owner, name, type, value, is_sent))
        elif self.open is not None:
            _put(self.open, name, type, value, is_sent)

    def close(self) -> None:
        super().close()
        by_id = {form.id: form for form in self.forms if form.id}
        for owner, *control in self.loose:
            if owner in by_id:
                _put(by_id[owner], *control)  # type: ignore[arg-type]
        for owner, action, name, value in self.apart:
            self.forms.append(one := replace(by_id[owner], action=action, fields=dict(by_id[owner].fields)))
            if name:
                one.note(name, "hidden", value, is_sent=True)
        sent = {owner for owner, *_ in self.apart}  # from these buttons only
        self.forms = [form for form in self.forms if form.id not in sent or form.action]


def _put(form: Form, name: str, type: str, value: str, is_sent: bool) -> None:
    if type == "button":
        form.buttons.append((name, value))
    else:
        form.note(name, type, value, is_sent=is_sent)


def read(html: str) -> tuple[list[Form], set[str]]:
    """The forms of a page, and the ids that its htmx requests name as their target."""
    if "<form" not in html and "hx-target" not in html:
        return [], set()
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms, reader.targets


TOKEN = re.compile(r'(name="(?:csrfmiddlewaretoken|form_token)" value=")[^"]*')


def without_token(html: str) -> str:
    """The page without what is new in every answer."""
    return TOKEN.sub(r"\1", html)
