"""What stands around the rows of a list: how many there are, the heads of columns, links to more."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import QueryDict

from smartplus.portal.kit.keyset import COUNTED, Sorting, shown
from smartplus.portal.kit.lists import address

register = template.Library()


@register.filter
def counted(number: int, most: int = COUNTED) -> str:
    """A number of rows from `keyset.count`: "1,000+" where counting stopped."""
    return shown(number, most)


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: dict[str, Any], previous: object = None, next: object = None, text: str = "") -> dict[str, Any]:
    """Links to the neighbouring pages of a list: `?before=<previous>` and `?after=<next>`, all else of the address kept."""
    query: QueryDict = context["request"].GET
    ways = {"previous": ("before", previous), "next": ("after", next)}
    return {"text": text, **{way: address(query, name, str(key)) if key else "" for way, (name, key) in ways.items()}}


@register.inclusion_tag("components/head.html", takes_context=True)
def head(context: dict[str, Any], column: str, label: str, css: str = "") -> dict[str, Any]:
    """The head of a column: a link that sorts by it, again the other way round, where the list's `sorting` knows it."""
    sorting: Sorting | None = context.get("sorting")
    parts: dict[str, Any] = {"label": label, "css": css}
    if sorting is None or column not in sorting.columns:
        return parts
    is_here = column == sorting.column
    url = address(context["request"].GET, "sort", f"-{column}" if is_here and not sorting.is_down else column)
    way = ("descending" if sorting.is_down else "ascending") if is_here else ""
    return {**parts, "url": url, "way": way}
