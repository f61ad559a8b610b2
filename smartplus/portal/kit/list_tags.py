"""What stands around the rows of a list: how many there are, the heads of columns, links to more."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import QueryDict

from smartplus.portal.kit.keyset import COUNTED, Sorting

register = template.Library()


@register.filter
def counted(number: int, most: int | None = None) -> str:
    """A number of rows from `keyset.count`: "1,000+" where counting stopped."""
    most = COUNTED if most is None else most
    return f"{most:,}+" if number > most else str(number)


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: dict[str, Any], previous: object = None, next: object = None, text: str = "") -> dict[str, Any]:
    """Links to the neighbouring pages of a list: `?before=<previous>` and `?after=<next>`, all else of the address kept."""

    def address(name: str, key: object) -> str:
        if key in (None, ""):
            return ""
        query: QueryDict = context["request"].GET.copy()
        for gone in ("before", "after"):
            query.pop(gone, None)
        query[name] = str(key)
        return f"?{query.urlencode()}"

    return {"previous": address("before", previous), "next": address("after", next), "text": text}


@register.inclusion_tag("components/head.html", takes_context=True)
def head(context: dict[str, Any], column: str, label: str, css: str = "") -> dict[str, Any]:
    """The head of a column: a link that sorts by it, again the other way round, where the list's `sorting` knows it."""
    sorting: Sorting | None = context.get("sorting")
    parts: dict[str, Any] = {"label": label, "css": css}
    if sorting is None or column not in sorting.columns:
        return parts
    is_here = column == sorting.column
    query: QueryDict = context["request"].GET.copy()
    for gone in ("before", "after"):
        query.pop(gone, None)
    query["sort"] = f"-{column}" if is_here and not sorting.is_down else column
    way = ("descending" if sorting.is_down else "ascending") if is_here else ""
    return {**parts, "url": f"?{query.urlencode()}", "way": way}
