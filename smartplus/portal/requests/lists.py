"""The list of requests for activation."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Role
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Column, Filter, List, Option, options
from smartplus.portal.kit.prices import prices_of
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.requests import rows
from smartplus.portal.requests.waiting import WAITING
from subscriptions import waiting
from subscriptions.models import RenewalRequest, RequestItem

S = RenewalRequest.State
REQUESTS = List(
    title=gettext_lazy("Requests"),
    columns=(
        Column("request", gettext_lazy("Request")),
        Column("installer", gettext_lazy("Installer"), keys=["installer__name_order"]),
        Column("items", gettext_lazy("Items"), css="r"),
        Column("months", gettext_lazy("Months"), keys=["months"], css="r"),
        Column("price", gettext_lazy("Today's price"), css="r"),
        Column("state", gettext_lazy("Status"), keys=["state"]),
        Column("requested", gettext_lazy("Requested"), keys=["pk"]),
    ),
    own="-requested",
    filters=(
        Filter(
            "state",
            {
                WAITING: Option(S.OPEN.label),
                **{state: option for state, option in options("state", S).items() if state != S.OPEN},
            },
            label=gettext_lazy("Status"),
            also={S.OPEN.value: WAITING},  # named as the states of orders
        ),
    ),
    table="two-line cards orders",
    bar="below",
)
SHOWN = ("kind", "site_kind", "months", "state", "reason", "created_at", "installer__name", "requested_by__name")


@access.roles(*PAYERS, Role.OPERATOR)
@require_safe
def request_list(request: access.PortalRequest) -> HttpResponse:
    """Requests of the subtree, the newest first."""
    prices = prices_of(request)
    listing = REQUESTS.asked(request, hidden=() if prices else ("price",))
    seen = RenewalRequest.objects.visible_to(request.actor)
    found = listing.narrowed(seen.waiting() if listing.chosen.get("state") == WAITING else seen)
    page: keyset.Page[Any] = listing.page(
        found.select_related("installer", "requested_by").annotate(n=_items_asked_for()), only=SHOWN
    )
    asked = waiting.asked_in(request.actor, [row for row in page.rows if row.is_live], prices=prices, now=request.now)
    items = {row.pk: row.n for row in page.rows}
    cells = rows.cells(page.rows, items, asked, currency=prices.currency if prices else "", now=request.now)
    n = keyset.count(seen.waiting())
    context = listing.context(page, cells, numbers={"state": {WAITING: keyset.shown(n)}} if n else None)
    return render(request, "requests/list.html", {**context, "tabs": {"waiting": n}})


def _items_asked_for() -> Coalesce:
    """The number of items of each request on the page, as a subquery; a join would group whole rows with all their columns."""
    items = RequestItem.objects.filter(request=OuterRef("pk")).order_by().values("request").annotate(n=Count("pk"))
    return Coalesce(Subquery(items.values("n")), 0)
