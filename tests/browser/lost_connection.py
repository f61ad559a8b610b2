"""Requests of a page that fail."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route

SAID = "Could not be fetched, try again."


def failing(page: Page, how: str) -> Callable[[], None]:
    """Requests for fragments fail from now on, in one of three ways; the way back to a server that works."""

    def fail(route: Route) -> None:
        if "hx-request" not in route.request.headers:
            route.continue_()
        elif how == "500":
            route.fulfill(status=500, body="Server Error")
        elif how == "unreachable":
            route.abort("connectionrefused")
        # else it never answers

    page.route("**/*", fail)
    if how == "never":
        page.evaluate("htmx.config.timeout = 300")
    return lambda: page.unroute("**/*", fail)
