"""Addresses: of routes that an installation may lack, and of the page to go on to."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme


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
