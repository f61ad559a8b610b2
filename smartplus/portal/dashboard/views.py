"""The dashboard of each role, and the lists behind its numbers."""

from __future__ import annotations

import base64
import json
from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.scope import Actor, Role
from smartplus import access
from smartplus.portal.dashboard.installer import of_installer
from smartplus.portal.dashboard.manager import of_manager
from smartplus.portal.dashboard.operator import of_operator
from smartplus.portal.dashboard.reseller import of_reseller
from smartplus.portal.kit import numbers
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.prices import prices_of
from subscriptions import dashboard_lists
from subscriptions.cycles import total_of
from subscriptions.dashboard_lists import Asked, Place, SiteLine, Summed
from subscriptions.summary import What

PAGE = 50  # lines
SHOWN = {
    "due": (What.DUE,),
    "new": (What.NEW,),
    "lapsed": (What.LAPSED,),
    "differ": (What.UNPAID, What.UNUSED),
    "unpaid": (What.UNPAID,),
    "monitors": (),
    "paid": (What.PAID,),
    "all": (What.ALL,),
}
PAGES = {
    Role.OPERATOR: ("dashboard/operator.html", of_operator),
    Role.DISTRIBUTOR: ("dashboard/reseller.html", of_reseller),
    Role.SUBDISTRIBUTOR: ("dashboard/reseller.html", of_reseller),
    Role.INSTALLER: ("dashboard/installer.html", of_installer),
    Role.MANAGER: ("dashboard/manager.html", of_manager),
}


@access.roles(*PAGES)
@require_safe
def dashboard(request: access.PortalRequest) -> HttpResponse:
    """What needs somebody today, and how everything stands."""
    template, context_of = PAGES[request.actor.role]
    return render(request, template, context_of(request))


@access.roles(*PAGES)
@require_safe
def dashboard_items(request: access.PortalRequest) -> HttpResponse:
    """The items behind a number of the dashboard, by site and service."""
    show = request.GET.get("show", "")
    show = show if show in SHOWN else "due"
    days = _days(request) if show == "due" else None
    prices = prices_of(request)
    asked = [Asked(what, request.now, timezone.get_current_timezone(), prices, days) for what in SHOWN[show]]
    sums = [dashboard_lists.sum_of(request.actor, one) for one in asked]
    waiting = dashboard_lists.waiting(request.actor) if show == "monitors" else []
    after = request.GET.get("after", "")
    lines = _lines(request.actor, list(zip(asked, sums, strict=True)), *_place(after))
    start = typed_id(after)  # of what waits
    context = {
        "show": show,
        "days": days,
        "lines": [line for _at, line in lines[:PAGE]],
        "waiting": waiting[start : start + PAGE],
        "next": _key(*lines[PAGE - 1]) if len(lines) > PAGE else start + PAGE if start + PAGE < len(waiting) else None,
        "count": sum(one.count for one in sums) + sum(row.count for row in waiting),
        "currency": prices.currency if prices else "",
        "total_minor": total_of(one.amount_minor for one in sums),
        "shows_installer": request.actor.role in {Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR},
    }
    return render(request, "dashboard/items.html", context)


def _lines(
    actor: Actor, lists: list[tuple[Asked, Summed]], first: int, after: Place | None
) -> list[tuple[int, SiteLine]]:
    """The lines of a page of several lists, one behind the other, each with the number of its list, and one more where there are more:
    from the one at `after` in the list with the number `first` on."""
    found: list[tuple[int, SiteLine]] = []
    if first >= len(lists):
        first, after = 0, None
    for at, (asked, summed) in enumerate(lists[first:], start=first):
        wanted = PAGE + 1 - len(found)
        if wanted > 0:
            behind = after if at == first else None
            found += [(at, line) for line in dashboard_lists.page_of(actor, asked, summed, after=behind, limit=wanted)]
    return found


def _key(at: int, line: SiteLine) -> str:
    """The address of the page behind a line."""
    day, *rest = line.place
    values = json.dumps([at, day.isoformat() if day else None, *rest])
    return base64.urlsafe_b64encode(values.encode()).decode().rstrip("=")


def _place(key: str) -> tuple[int, Place | None]:
    """What `_key` wrote; the first page for anything else."""
    try:
        at, day, name, site_id, *words = json.loads(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        place = Place(date.fromisoformat(day) if day else None, name, site_id, *words)
        is_ours = isinstance(at, int) and at >= 0 and isinstance(site_id, int) and 0 < site_id < 10**numbers.LONGEST
        is_ours = is_ours and "\0" not in "".join([name, *words]).encode().decode()  # half a character raises
    except (TypeError, ValueError, RecursionError):
        return 0, None
    return (at, place) if is_ours else (0, None)


def _days(request: access.PortalRequest) -> tuple[date, date] | None:
    """The days asked for; None for anything but two days in their order."""
    try:
        first, last = (date.fromisoformat(request.GET.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return (first, last) if first <= last else None
