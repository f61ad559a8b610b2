"""Converts the operator's Markdown to safe HTML: no raw HTML, no pictures, only harmless links."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe

from accounts.models import SellerVersion
from accounts.typed import postal

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code", "pre",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SELLER_MARK = "{seller}"  # placeholder in a text for the seller
SCHEMES = {"http", "https", "mailto"}
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+.!|~-])")


def rendered(text: str, *, below: int = 0) -> SafeString:
    """The text as HTML. Raw HTML in it is shown as text; `below` lowers headings: with 1 the first level becomes h2."""
    import nh3

    tokens = _parser().parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + below)}"
    html = _parser().renderer.render(tokens, _parser().options, {})
    clean = nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer")
    return mark_safe(clean)  # noqa: S308  (the one place: nh3 has cleaned it)


def with_seller(text: str, seller: SellerVersion | None) -> str:
    """The Markdown with the seller's name and city in place of `{seller}`."""
    if seller is None:
        return text
    return text.replace(SELLER_MARK, escaped(f"{seller.name}, {postal.place(seller)}"))


def escaped(text: str) -> str:
    """A text escaped for Markdown, for names that are inserted."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
