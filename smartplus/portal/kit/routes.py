"""Addresses: of routes that an installation may lack, and of the page to go on to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils.http import url_has_allowed_host_and_scheme


@cache
def view_of(route: str) -> Callable[..., HttpResponseBase]:
    """The view behind a route, whose policy says who may open its pages."""
    return next(pattern.callback for pattern in _patterns(get_resolver()) if pattern.name == route)


@cache
def address_of(route: str, urlconf: str | None) -> str:
    """The address of a route without arguments; nothing when this installation has no such page."""
    try:
        return reverse(route, urlconf)
    except NoReverseMatch:
        return ""


def next_page(request: HttpRequest, default: str = "home") -> str:
    """Where to go on: the address that was asked for if it is one of ours, else the route `default`, else nothing."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_path = wanted.startswith("/")  # `redirect` takes anything else for the name of a route
    hosts = {request.get_host()}
    if is_path and url_has_allowed_host_and_scheme(wanted, allowed_hosts=hosts, require_https=request.is_secure()):
        return wanted
    return reverse(default) if default else ""


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern)
        else:
            yield pattern
