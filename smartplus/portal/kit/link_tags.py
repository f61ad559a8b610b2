"""Addresses of pages, as the tag `url` and rows made in Python write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain, zip_longest

from django import template
from django.template import Context
from django.template.base import Parser, Token
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.html import escape

register = template.Library()
PLAIN = re.compile(r"[A-Za-z0-9-]+")  # stands in an address as it is


class _UrlNode(URLNode):
    """Django's node, with a cache of the fixed parts of an address: a list has several addresses in each row."""

    def render(self, context: Context) -> str:
        """The address; as Django finds it where it is more than a route and numbers."""
        if not self.kwargs and self.asvar is None and context.autoescape:
            route, values = self.view_name.resolve(context), [value.resolve(context) for value in self.args]
            if (
                isinstance(route, str)
                and ":" not in route
                and all(type(value) is int and value >= 0 for value in values)
                and (known := _between(route, values))
            ):
                return known
        return super().render(context)


def address(route: str, *values: int | str) -> str:
    """The address of a route with numbers or plain names in it, as the template tag writes it; for rows that are made
    in Python."""
    plain = all(type(value) is int or PLAIN.fullmatch(str(value)) for value in values)
    return (plain and _between(route, values)) or reverse(route, args=values)


def _between(route: str, values: Sequence[int | str]) -> str:
    parts = _pieces(route, len(values), get_urlconf(), get_script_prefix())
    return "".join(chain.from_iterable(zip_longest(parts, map(str, values), fillvalue=""))) if parts else ""


@cache
def _pieces(route: str, count: int, urlconf: str | None, prefix: str) -> tuple[str, ...]:
    """The pieces of a route's address between its numbers; nothing where it takes other arguments."""
    marks = [918_273_000 + n for n in range(count)]
    try:
        rest = reverse(route, urlconf, marks)
    except NoReverseMatch:
        return ()
    parts = []
    for mark in marks:
        part, found, rest = rest.partition(str(mark))
        if not found:
            return ()
        parts.append(part)
    return tuple(str(escape(part)) for part in (*parts, rest))


@register.tag
def url(parser: Parser, token: Token) -> _UrlNode:
    """Django's tag."""
    node = django_url(parser, token)
    return _UrlNode(node.view_name, node.args, node.kwargs, node.asvar)
