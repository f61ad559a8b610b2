"""What stands around the rows of a list: how many there are, links to more."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import QueryDict

from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import address

register = template.Library()


@register.filter
def counted(number: int, most: int | None = None) -> str:
    """A number of rows from `keyset.count`: "1,000+" where counting stopped."""
    return keyset.shown(number, keyset.COUNTED if most is None else most)


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: dict[str, Any], previous: object = None, next: object = None, text: str = "") -> dict[str, Any]:
    """Links to the neighbouring pages of a list: `?before=<previous>` and `?after=<next>`, all else of the address kept."""
    query: QueryDict = context["request"].GET
    ways = {"previous": ("before", previous), "next": ("after", next)}
    return {"text": text, **{way: address(query, name, str(key)) if key else "" for way, (name, key) in ways.items()}}
