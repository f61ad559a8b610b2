"""Addresses of routes that an installation may lack."""

from __future__ import annotations

from functools import cache

from django.urls import NoReverseMatch, reverse


@cache
def address_of(route: str, urlconf: str | None) -> str:
    """The address of a route without arguments; nothing when this installation has no such page."""
    try:
        return reverse(route, urlconf)
    except NoReverseMatch:
        return ""
