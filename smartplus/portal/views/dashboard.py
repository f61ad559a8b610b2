"""The dashboard of each role, and the lists behind its numbers."""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.scope import Actor, Role
from smartplus import access
from smartplus.portal import dashboards
from smartplus.portal.numbers import typed_id
from subscriptions import dashboard as counts
from subscriptions.cycles import total_of
from subscriptions.dashboard import Asked, SiteLine, Summed, What

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
    Role.OPERATOR: ("dashboard/operator.html", dashboards.of_operator),
    Role.DISTRIBUTOR: ("dashboard/reseller.html", dashboards.of_reseller),
    Role.SUBDISTRIBUTOR: ("dashboard/reseller.html", dashboards.of_reseller),
    Role.INSTALLER: ("dashboard/installer.html", dashboards.of_installer),
    Role.MANAGER: ("dashboard/manager.html", dashboards.of_manager),
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
    prices = dashboards.prices_of(request)
    asked = [Asked(what, request.now, timezone.get_current_timezone(), prices, days) for what in SHOWN[show]]
    sums = [counts.sum_of(request.actor, one) for one in asked]
    waiting = counts.waiting(request.actor) if show == "monitors" else []
    start = typed_id(request.GET.get("after"))  # by place: the lines are sums, not rows with keys
    lines = _lines(request.actor, list(zip(asked, sums, strict=True)), start)
    context = {
        "show": show,
        "days": days,
        "lines": lines[:PAGE],
        "waiting": waiting[start : start + PAGE],
        "next": start + PAGE if len(lines) > PAGE or start + PAGE < len(waiting) else None,
        "count": sum(one.count for one in sums) + sum(row.count for row in waiting),
        "currency": prices.currency if prices else "",
        "total_minor": total_of(one.amount_minor for one in sums),
        "shows_installer": request.actor.role in {Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR},
    }
    return render(request, "dashboard/items.html", context)


def _lines(actor: Actor, lists: list[tuple[Asked, Summed]], start: int) -> list[SiteLine]:
    """The lines of a page of several lists, one behind the other, and one more where there are more."""
    found: list[SiteLine] = []
    for at, (asked, summed) in enumerate(lists):
        wanted = PAGE + 1 - len(found)
        if wanted > 0:
            some = counts.page_of(actor, asked, summed, start=start, limit=wanted)
            found += some
            if not some and at + 1 < len(lists):
                start -= counts.length_of(actor, asked, summed)
            else:
                start = 0
    return found


def _days(request: access.PortalRequest) -> tuple[date, date] | None:
    """The days asked for; None for anything but two days in their order."""
    try:
        first, last = (date.fromisoformat(request.GET.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return (first, last) if first <= last else None
