"""What a page is put together from: the way to it, the heads of its panels, its facts."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.formats import localize
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html

register = template.Library()


@register.simple_tag
def crumb(label: object, route: str = "", *values: int | str, url: str = "", **query: int | str) -> SafeString:
    """A step of the way to a page: a link to a route, or to an address that is known; without either it is the page itself."""
    if route:
        url = address(route, *values) + (f"?{urlencode(query)}" if query else "")
    if url:
        return as_html('<a href="{}">{}</a><span aria-hidden="true">/</span>', url, label)
    return as_html('<b aria-current="page">{}</b>', label)


@register.inclusion_tag("components/panel_head.html")
def panel_head(title: str, id: str = "", count: int | None = None, end: str = "", url: str = "") -> dict[str, Any]:
    """The head of a panel; `end` stands at its right, a link with a `url`."""
    return {"title": title, "id": id, "count": count, "end": end, "url": url}


@register.simple_tag
def fact(label: str, value: object, css: str = "") -> SafeString:
    """A line of a list of facts; `css` is a class of its value, such as "mono"."""
    how = as_html(' class="{}"', css) if css else ""
    return as_html("<dt>{}</dt><dd{}>{}</dd>", label, how, localize(value))


@register.simple_tag
def tag(word: str, tone: str = "") -> SafeString:
    """A word in a box, beside what it says something of; `tone` is "a" (of an apartment, or chosen) or nothing."""
    return as_html('<span class="tg {}">{}</span>', tone, word) if tone else as_html('<span class="tg">{}</span>', word)
