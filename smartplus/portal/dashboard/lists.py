"""The lists behind the numbers of the dashboard: items by site and service, and where monitors are missing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Actor, Role
from smartplus import access
from smartplus.portal.dashboard import rows
from smartplus.portal.kit import keyset, numbers
from smartplus.portal.kit.day_tags import day
from smartplus.portal.kit.lists import Column, Filter, List, Option, Text
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.prices import prices_of
from subscriptions import dashboard_lists
from subscriptions.cycles import total_of
from subscriptions.dashboard_lists import Asked, Place, SiteLine, Summed
from subscriptions.summary import What

DUE, PAID, UNPAID, EVERYTHING, DIFFER, MONITORS = "due", "paid", "unpaid", "all", "differ", "monitors"


class Behind(NamedTuple):
    """The list behind a number: its items, the texts of chip, title and description, and the text of an empty list."""

    whats: tuple[What, ...]
    chip: Text
    title: Text
    about: Text
    nothing: Text


BEHIND = {
    DUE: Behind(
        (What.DUE,),
        gettext_lazy("Due"),
        gettext_lazy("Due in 30 days"),
        gettext_lazy("In grace or ending then, by site and service. The amount is for 30 more days at today's prices."),
        gettext_lazy("Nothing ends then."),
    ),
    "new": Behind(
        (What.NEW,),
        gettext_lazy("Not activated"),
        gettext_lazy("Not activated"),
        gettext_lazy("Configured and never activated: they start when they are paid."),
        gettext_lazy("Everything that is configured was activated."),
    ),
    PAID: Behind(
        (What.PAID,),
        gettext_lazy("Paid"),
        gettext_lazy("Paid"),
        gettext_lazy(
            "On, paid and working, grace included; what ends first comes first. The amount is for 30 days of what is paid,"
            " at today's prices."
        ),
        gettext_lazy("Nothing is paid."),
    ),
    UNPAID: Behind(
        (What.UNPAID,),
        gettext_lazy("On, not paid"),
        gettext_lazy("On, not paid"),
        gettext_lazy(
            "On, and not working before it is paid: never activated, lapsed, or a part of it. The amount is what 30 days of"
            " that would cost more."
        ),
        gettext_lazy("Everything that is on is paid for."),
    ),
    EVERYTHING: Behind(
        (What.ALL,),
        gettext_lazy("Everything"),
        gettext_lazy("Everything that is on"),
        gettext_lazy("Everything that is switched on, paid or not. The amount is for 30 days at today's prices."),
        gettext_lazy("Nothing is switched on."),
    ),
    "lapsed": Behind(
        (What.LAPSED,),
        gettext_lazy("Lapsed"),
        gettext_lazy("Lapsed"),
        gettext_lazy(
            "The grace is over: the services rest, doors and configuration don't. Renewed, they start on that day."
        ),
        gettext_lazy("Nothing has lapsed."),
    ),
    DIFFER: Behind(
        (What.UNPAID, What.UNUSED),
        gettext_lazy("Paid and used differ"),
        gettext_lazy("Paid and used differ"),
        gettext_lazy(
            "What was paid is what works. On but not paid: never activated, lapsed, or a part added since. Paid but not on:"
            " it runs out unused."
        ),
        gettext_lazy("Everything that is on is paid for, and what is paid for is on."),
    ),
    MONITORS: Behind(
        (),
        gettext_lazy("Monitors missing"),
        gettext_lazy("Monitors missing"),
        gettext_lazy("With Indoor Monitor is on there and none is registered; such an apartment can't be activated."),
        gettext_lazy("Every apartment that needs an indoor monitor has one."),
    ),
}
OF_MANAGERS = {PAID, UNPAID, EVERYTHING}  # roles that see a number for it; others may open the list by its address
SHOW = Filter(
    "show",
    {name: Option(each.chip) for name, each in BEHIND.items()},
    label=gettext_lazy("Lists"),
    own=DUE,
    clears=("from", "to"),
)
ITEMS = List(
    title=BEHIND[DUE].title,
    columns=(
        Column("site", gettext_lazy("Site")),
        Column("service", gettext_lazy("Service")),
        Column("items", gettext_lazy("Items"), css="r"),
        Column("difference", gettext_lazy("Difference")),
        Column("renewal", gettext_lazy("Renewal")),
        Column("ends", gettext_lazy("Ends")),
        Column("amount", gettext_lazy("30 days"), css="r"),
        Column("monitors", gettext_lazy("Apartments without their monitor"), css="r"),
    ),
    layout="dashboard/base.html",
    table="two-line cards behind",
)


@access.roles(Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR, Role.INSTALLER, Role.MANAGER)
@require_safe
def dashboard_items(request: access.PortalRequest) -> HttpResponse:
    """The items behind a number of the dashboard, by site and service."""
    show, prices = SHOW.chosen(request.GET), prices_of(request)
    days, currency = _days(request) if show == DUE else None, prices.currency if prices else ""
    listing = _list_of(request, show, days).asked(request, hidden=_hidden(show, currency))
    zone = timezone.get_current_timezone()
    asked = [Asked(what, request.now, zone, prices, days) for what in BEHIND[show].whats]
    sums = [dashboard_lists.sum_of(request.actor, one) for one in asked]
    waiting = dashboard_lists.waiting(request.actor) if show == MONITORS else []
    after, size = request.GET.get("after", ""), listing.list.size
    found = _lines(request.actor, list(zip(asked, sums, strict=True)), *_place(after), size=size)
    lines, start = [line for _at, line in found[:size]], typed_id(after)  # of what waits
    beyond = _key(*found[size - 1]) if len(found) > size else str(start + size) if start + size < len(waiting) else ""
    waiting_here = waiting[start : start + size]
    page: keyset.Page[Any] = keyset.Page([*lines, *waiting_here], "", beyond)
    with_installer = request.actor.role in {Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR}
    cells = rows.lines(lines, currency=currency, with_installer=with_installer, now=request.now)
    total = total_of(one.amount_minor for one in sums)
    context = {
        **listing.context(page, cells),
        "waiting_cells": rows.waiting(waiting_here, with_installer=with_installer),
        "behind": BEHIND[show],
        "days": days,
        "lines": lines,
        "waiting": waiting_here,
        "count": sum(one.count for one in sums) + sum(row.count for row in waiting),
        "currency": currency,
        "total_minor": total,
        "shows_total": total is not None and not beyond,
        "across": len(listing.columns) - 1,
    }
    return render(request, "dashboard/items.html", context)


def _list_of(request: access.PortalRequest, show: str, days: tuple[date, date] | None) -> List:
    """The list with its title, and chips for the lists behind this reader's other numbers."""
    has_all = show in OF_MANAGERS or request.actor.role is Role.MANAGER
    chips = {name: option for name, option in SHOW.options.items() if has_all or name not in OF_MANAGERS}
    table = f"{ITEMS.table} differ" if show in {DIFFER, UNPAID} else ITEMS.table
    title = _due(*days) if days else BEHIND[show].title
    return replace(ITEMS, title=title, filters=(replace(SHOW, options=chips),), table=table)


def _due(first: date, last: date) -> str:
    if first == last:
        return _("Due on %(day)s") % {"day": day(first)}
    return _("Due from %(first)s to %(last)s") % {"first": day(first), "last": day(last)}


def _hidden(show: str, currency: str) -> set[str]:
    """The columns that this list hides."""
    if show == MONITORS:
        return {column.name for column in ITEMS.columns} - {"site", "monitors"}
    return {
        "monitors",
        *(() if show in {DIFFER, UNPAID} else ("difference",)),
        *(() if show == DUE else ("renewal",)),
        *(() if currency and show != DIFFER else ("amount",)),
    }


def _lines(
    actor: Actor, lists: list[tuple[Asked, Summed]], first: int, after: Place | None, *, size: int
) -> list[tuple[int, SiteLine]]:
    """The lines of several lists, one list after the other, each with the number of its list, plus one more if there are more: from the
    line after `after` in list number `first`."""
    found: list[tuple[int, SiteLine]] = []
    if first >= len(lists):
        first, after = 0, None
    for at, (asked, summed) in enumerate(lists[first:], start=first):
        wanted = size + 1 - len(found)
        if wanted > 0:
            behind = after if at == first else None
            found += [(at, line) for line in dashboard_lists.page_of(actor, asked, summed, after=behind, limit=wanted)]
    return found


def _key(at: int, line: SiteLine) -> str:
    """The address of the page after a line."""
    day, *rest = line.place
    values = json.dumps([at, day.isoformat() if day else None, *rest])
    return base64.urlsafe_b64encode(values.encode()).decode().rstrip("=")


def _place(key: str) -> tuple[int, Place | None]:
    """The position that `_key` wrote; the first page for any other text."""
    try:
        at, day, name, site_id, *words = json.loads(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        place = Place(date.fromisoformat(day) if day else None, name, site_id, *words)
        is_ours = isinstance(at, int) and at >= 0 and isinstance(site_id, int) and 0 < site_id < 10**numbers.LONGEST
        is_ours = is_ours and "\0" not in "".join([name, *words]).encode().decode()  # half a surrogate pair raises
    except (TypeError, ValueError, RecursionError):
        return 0, None
    return (at, place) if is_ours else (0, None)


def _days(request: access.PortalRequest) -> tuple[date, date] | None:
    """The requested days; None unless there are two in order."""
    try:
        first, last = (date.fromisoformat(request.GET.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return (first, last) if first <= last else None
