"""Wraps names of right-to-left scripts in `<bdi>` wherever a page shows them, so that the text around them keeps its order."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.typed.text import ISOLATED, RTL

# The first bytes of characters that RTL matches, so that other pages cost one search.
PERHAPS = re.compile(rb"[\xd6-\xdf]|\xe0[\xa0-\xa3]|\xef[\xac-\xbb]|\xf0[\x90\x9e][\xa0-\xbf]")
TAG = re.compile(r"""<!--.*?-->|<(/?)([a-z][\w-]*)(?:[^<>"']|"[^"]*"|'[^']*')*>|<![^>]*>""", re.DOTALL | re.IGNORECASE)
ENTITY = re.compile(r"&#?\w+;")
LATIN = re.compile(r"[^\W\d_]")
# With numbers at its end, which more likely belong to the name than to the sentence.
RUN = re.compile(rf"{RTL.pattern}(?:(?:&#?\w+;|[^\w<&]|[\d_])*{RTL.pattern})*(?:[ ./-]?\d+)*")
# Elements that contain no markup, or isolate their text already
TEXT_ONLY = {"script", "style", "title", "textarea", "option", "bdi", "svg"}


class BidiMiddleware:
    """Isolates names in pages and fragments."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Process HTML that contains a letter of such a script."""
        response = self.get_response(request)
        is_page = not response.streaming and response.get("Content-Type", "").startswith("text/html")
        if is_page and PERHAPS.search(response.content):
            response.content = isolate(response.content.decode(response.charset))
        return response


def isolate(html: str) -> str:
    """The page with `<bdi>` around right-to-left text; attributes and form fields stay as they are."""
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
    """Names that the sentence isolates itself stay marked there; others are found by their letters."""
    parts = ISOLATED.split(text)  # every second part is a name
    return "".join(f"<bdi>{part}</bdi>" if at % 2 else _runs(part) for at, part in enumerate(parts))


def _runs(text: str) -> str:
    if not RTL.search(text):
        return text
    words = text.strip()
    if not LATIN.search(RTL.sub("", ENTITY.sub("", words))):  # only a name with its numbers
        return text.replace(words, f"<bdi>{words}</bdi>", 1)
    return RUN.sub(lambda run: f"<bdi>{run[0]}</bdi>", text)
