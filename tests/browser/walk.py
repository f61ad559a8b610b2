"""Finding every page: from the menu of a role along its links, one address for each route pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve, reverse
from playwright.sync_api import Page

from accounts.scope import Role
from smartplus.access import policy_of
from tests.browser.installation import Installation

LOGINS: dict[Role, str] = {
    Role.OPERATOR: "operator",
    Role.DISTRIBUTOR: "distributor",
    Role.SUBDISTRIBUTOR: "subdistributor",
    Role.INSTALLER: "installer",
    Role.TECHNICIAN: "technician",
    Role.MANAGER: "pm",
}
DEPTH = 4  # the start page, the menu, and three steps from there
# Routes that are no page of their own: doors of machines, forms that are only sent, ways that lead on.
NO_PAGES = {"home", "healthz", "readyz", "sign-out", "set-language", "api:api-openapi"}
# Lists that look different, or lead elsewhere, when narrowed.
VARIANTS = {
    "dashboard-items": r"[?&]show=([a-z-]+)",
    "site-detail": r"[?&](building)=",
    "webhook-list": r"[?&](state)=",
}


def links(page: Page) -> list[str]:
    """Where the links of a page lead within the installation: path and query, without what only jumps on the page."""
    found = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    here = urlsplit(page.url)
    addresses = []
    for href in found:
        to = urlsplit(urljoin(page.url, href))
        if to.netloc == here.netloc and to.scheme == here.scheme:
            addresses.append(to.path + (f"?{to.query}" if to.query else ""))
    return list(dict.fromkeys(addresses))


def route_of(address: str) -> str:
    """The pattern an address belongs to: its route name, with the list shown where one route shows several."""
    try:
        name = resolve(urlsplit(address).path).view_name or ""
    except Resolver404:
        return ""
    shown = re.search(VARIANTS.get(name, "(?!)"), address)
    return f"{name} {shown[1]}" if shown else name


def pages_of(installation: Installation, page: Page) -> Iterator[tuple[str, str]]:
    """Every (route, address) that is found from the start page along links, each once, while the page stands at it.

    The walk is breadth first: what is near the menu is looked at before what hangs on it.
    """
    seen: set[str] = set()
    level = ["/"]
    for _depth in range(DEPTH + 1):
        below: list[str] = []
        for address in level:
            response = page.goto(installation.url + address)
            route = route_of(
                urlsplit(page.url).path + ("?" + urlsplit(page.url).query if urlsplit(page.url).query else "")
            )
            assert response is not None
            assert response.status == 200, f"{address} answered {response.status}"
            if (response.headers.get("content-type") or "").startswith("text/html") and route not in seen:
                seen.add(route)
                yield route, address
                below += links(page)
        level = []
        for address in below:
            route = route_of(address)
            if route and route not in seen and route not in NO_PAGES and route not in {route_of(one) for one in level}:
                level.append(address)


def pages_for(role: Role, *, with_rows: bool) -> set[str]:
    """The names of the routes a role may ask by GET, as the URLconf declares them; those of single rows only if there are rows."""
    return {
        name
        for name, pattern in _patterns(get_resolver().url_patterns)
        if name
        and role in policy_of(pattern.callback).roles
        and "GET" in _methods(pattern.callback)
        and name not in NO_PAGES
        and (with_rows or not pattern.pattern.converters)
    }


def public_pages() -> list[str]:
    """The addresses that need no sign-in, as the URLconf declares them; those that hang on a token of a mail are not among them."""
    return [
        reverse(name)
        for name, pattern in _patterns(get_resolver().url_patterns)
        if name
        and policy_of(pattern.callback).is_public
        and "GET" in _methods(pattern.callback)
        and not pattern.pattern.converters
        and name not in NO_PAGES
    ]


def _patterns(entries: Iterable[URLPattern | URLResolver], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address with its name, "" where it has none."""
    for entry in entries:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _patterns(entry.url_patterns, inner)
        else:
            yield f"{namespace}{entry.name}" if entry.name else "", entry


def _methods(view: object) -> set[str]:
    """The methods that Django's require_… decorators let through; a view without one answers to GET."""
    while view is not None:
        for cell in getattr(view, "__closure__", None) or ():
            allowed = cell.cell_contents
            if (
                isinstance(allowed, list | tuple)
                and allowed
                and all(isinstance(name, str) and name.isupper() for name in allowed)
            ):
                return set(allowed)
        view = getattr(view, "__wrapped__", None)
    return {"GET"}
