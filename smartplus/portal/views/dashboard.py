"""The dashboard of each role, and the lists behind its numbers."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.scope import Role
from smartplus import access
from smartplus.portal import dashboards
from smartplus.portal.numbers import typed_id
from subscriptions import dashboard as counts
from subscriptions.dashboard import What

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
    asked: dict[str, Any] = {
        "now": request.now,
        "zone": timezone.get_current_timezone(),
        "prices": prices,
        "days": days,
    }
    lines = [line for what in SHOWN[show] for line in counts.lines_of(request.actor, what, **asked)]
    waiting = counts.waiting(request.actor) if show == "monitors" else []
    start = typed_id(request.GET.get("after"))  # by place: the lines are sums, not rows with keys
    context = {
        "show": show,
        "days": days,
        "lines": lines[start : start + PAGE],
        "waiting": waiting[start : start + PAGE],
        "next": start + PAGE if start + PAGE < len(lines) + len(waiting) else None,
        "count": sum(line.count for line in lines) + sum(row.count for row in waiting),
        "currency": prices.currency if prices else "",
        "total_minor": counts.total_of(line.amount_minor for line in lines),
        "shows_installer": request.actor.role in {Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR},
    }
    return render(request, "dashboard/items.html", context)


def _days(request: access.PortalRequest) -> tuple[date, date] | None:
    """The days asked for; None for anything but two days in their order."""
    try:
        first, last = (date.fromisoformat(request.GET.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return (first, last) if first <= last else None
