"""How many requests wait for whoever looks at a page, for its menu."""

from __future__ import annotations

from smartplus.access import PortalRequest
from subscriptions import rights

MOST = 99  # what the menu counts to
COUNTED = "requests_waiting"  # on the request: the number, once it is known


def number(request: PortalRequest) -> int:
    """How many wait for this person, at most one more than `MOST`; asked once a request, and not at all for who decides none."""
    if not hasattr(request, COUNTED):
        found = rights.decidable(request.actor)
        remember(request, 0 if found.query.is_empty() else found.order_by()[: MOST + 1].count())
    n: int = getattr(request, COUNTED)
    return n


def remember(request: PortalRequest, number: int) -> None:
    """Say how many wait, where that is known already."""
    setattr(request, COUNTED, number)
