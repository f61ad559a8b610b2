"""What may never be in a page of ours, and how tests read pages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from django.test import Client

from tests.guards import pages

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SVG_LEAVES = {"path", "rect", "circle", "use", "line", "polyline", "polygon", "ellipse"}


def page_of(answer: Any) -> str:
    """The page of an answer as people read it: a line break of the template is a blank."""
    return " ".join(answer.content.decode().split())


class _Reader(HTMLParser):
    """Collects what breaks the content security policy or the tree."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.wanted: list[str] = []
        self.open: list[str] = []
        self.is_in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name, value in attrs:
            if name == "style":
                self.faults.append(f"<{tag} style={value!r}>")
            if name.startswith("on"):
                self.faults.append(f"<{tag} {name}=…>")
            if name in {"href", "src", "action", "formaction"} and (value or "").strip().lower().startswith(
                "javascript:"
            ):
                self.faults.append(f"<{tag} {name}={value!r}>")
        if tag == "style":
            self.faults.append("<style>")
        if tag == "script":
            self.is_in_script = True
            if not given.get("src"):
                self.faults.append("<script> without src")
        if "id" in given:
            self.ids.append(given["id"] or "")
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self.wanted += (given.get(name) or "").split()
        if (
            tag == "input"
            and given.get("type") not in {"hidden", "submit"}
            and not (given.get("id") or given.get("aria-label") or "label" in self.open or given.get("aria-hidden"))
        ):
            self.faults.append(f"<input name={given.get('name')!r}> without a name for screen readers")
        if tag not in VOID and tag not in SVG_LEAVES:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.is_in_script = False
        if tag in VOID or tag in SVG_LEAVES:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else, line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        if self.is_in_script and data.strip():
            self.faults.append(f"inline script: {data.strip()[:60]}")


def assert_clean(html: str | bytes) -> None:
    """No inline script, style or handler; every tag closed; ids unique; labels and descriptions point at something."""
    reader = _Reader()
    text = html.decode() if isinstance(html, bytes) else html
    reader.feed(text)
    reader.close()
    assert reader.faults == []
    assert reader.open == []
    assert sorted(reader.ids) == sorted(set(reader.ids)), "an id is there twice"
    assert [name for name in reader.wanted if name not in reader.ids] == []
    assert "{%" not in text
    assert "{{" not in text


class _Links(HTMLParser):
    def __init__(self, within: str) -> None:
        super().__init__()
        self.within, self.depth, self.found = within, 0, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "nav" and self.within in (given.get("class") or "").split():
            self.depth = 1
        elif self.depth and tag == "a":
            self.found.append(given.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "nav":
            self.depth = 0


def links_of(html: str | bytes, nav: str) -> list[str]:
    """The addresses inside <nav class="…nav…">, in order."""
    reader = _Links(nav)
    reader.feed(html.decode() if isinstance(html, bytes) else html)
    return reader.found


def form_in(html: bytes, field: str) -> dict[str, Any]:
    """What a browser would send of the form that has this field, as the page stands."""
    [form] = [form for form in pages.read(html.decode())[0] if field in form.fields]
    values = {name: entry.sent if entry.is_list else entry.sent[-1:] for name, entry in form.fields.items()}
    return {name: sent if len(sent) != 1 else sent[0] for name, sent in values.items() if sent}


def everything(client: Client, address: str = "/subscription/") -> str:
    """What the box "Select all" of the Subscription page posts: the mark of the list that the page was made from."""
    found = re.search(r'name="all" value="([0-9:,-]+)"', client.get(address).content.decode())
    return found[1] if found else ""


def untimed(page: str) -> str:
    """A page without its <time> elements, with what stands in them."""
    return re.sub(r"</?time\b[^>]*>", "", page)
