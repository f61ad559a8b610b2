"""Names of right-to-left scripts stand in `<bdi>` wherever a page shows them: the words and numbers beside them keep their places."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.typed.text import ISOLATED, RTL

# The first bytes of what RTL matches, so that other pages cost one look.
PERHAPS = re.compile(rb"[\xd6-\xdf]|\xe0[\xa0-\xa3]|\xef[\xac-\xbb]|\xf0[\x90\x9e][\xa0-\xbf]")
TAG = re.compile(r"""<!--.*?-->|<(/?)([a-z][\w-]*)(?:[^<>"']|"[^"]*"|'[^']*')*>|<![^>]*>""", re.DOTALL | re.IGNORECASE)
ENTITY = re.compile(r"&#?\w+;")
LATIN = re.compile(r"[^\W\d_]")
# With the numbers at its end: they are rather the name's than the sentence's.
RUN = re.compile(rf"{RTL.pattern}(?:(?:&#?\w+;|[^\w<&]|[\d_])*{RTL.pattern})*(?:[ ./-]?\d+)*")
TEXT_ONLY = {"script", "style", "title", "textarea", "option", "bdi", "svg"}  # hold no markup, or isolate already


class BidiMiddleware:
    """Isolates the names in pages and fragments."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at what is HTML and holds a letter of such a script."""
        response = self.get_response(request)
        is_page = not response.streaming and response.get("Content-Type", "").startswith("text/html")
        if is_page and PERHAPS.search(response.content):
            response.content = isolate(response.content.decode(response.charset))
        return response


def isolate(html: str) -> str:
    """The page with `<bdi>` around what runs from right to left, attributes and form fields left alone."""
    if not RTL.search(html):
        return html
    found, place, inside = [], 0, ""
    for tag in TAG.finditer(html):
        text = html[place : tag.start()]
        found += [text if inside else _marked(text), tag[0]]
        place, name = tag.end(), (tag[2] or "").lower()
        if not inside and not tag[1] and name in TEXT_ONLY:
            inside = name
        elif inside == name and tag[1]:
            inside = ""
    return "".join([*found, html[place:] if inside else _marked(html[place:])])


def _marked(text: str) -> str:
    """What the sentence isolates itself, by that; the rest by its letters."""
    parts = ISOLATED.split(text)  # every second one is a name
    return "".join(f"<bdi>{part}</bdi>" if at % 2 else _runs(part) for at, part in enumerate(parts))


def _runs(text: str) -> str:
    if not RTL.search(text):
        return text
    words = text.strip()
    if not LATIN.search(RTL.sub("", ENTITY.sub("", words))):  # nothing but a name, with its numbers
        return text.replace(words, f"<bdi>{words}</bdi>", 1)
    return RUN.sub(lambda run: f"<bdi>{run[0]}</bdi>", text)
