"""The list of orders."""

from __future__ import annotations

from django.db.models import BigIntegerField, Case, F, Q, Value, When
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Actor, Grant, Role
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search, options
from smartplus.portal.orders import exports as orders_files
from smartplus.portal.orders import rows as order_rows
from smartplus.portal.orders.queries import searched
from smartplus.portal.orders.views import READERS
from subscriptions import rights
from subscriptions.models import Order

OF_MANAGER = 200  # orders that are counted for a manager: each has to be searched for lines at its sites
OPEN = "open"  # being paid: one state for people, two in the database


def _shown_total(actor: Actor) -> Case:
    """The total that an order's row shows to the actor; 0 where it shows a part only, so that sorting does not reveal the total."""
    mine = Q(pk__isnull=False) if actor.sees_all else Q(payer__path__startswith=actor.path)
    if not rights.sees_prices(actor):
        mine &= Q(payer_id=actor.organization_id if Grant.SEES_PRICES in actor.grants else 0)
    if actor.role is Role.MANAGER:
        mine = Q(pk=None)
    return Case(When(mine, then=F("total_minor")), default=Value(0), output_field=BigIntegerField())


ORDERS = List(
    title=gettext_lazy("Orders"),
    columns=(
        Column("number", gettext_lazy("Order"), keys=["number"]),
        Column("type", gettext_lazy("Type"), keys=["type"]),
        Column("installer", gettext_lazy("Site"), keys=["installer__name_order"]),
        Column("items", gettext_lazy("Items"), css="r"),
        Column("state", gettext_lazy("Status"), keys=["state"]),
        Column("created", gettext_lazy("Created"), keys=["pk"]),
        Column(
            "total",
            gettext_lazy("Total"),
            keys=["shown_total"],
            annotations=lambda actor: {"shown_total": _shown_total(actor)},
            css="r",
        ),
    ),
    own="-created",
    search=Search(gettext_lazy("Search"), gettext_lazy("Number, site, apartment or name"), searched),
    # Every state, with the two open ones as one. Finding out which of them occur would read every order.
    filters=(
        Filter(
            "state",
            {
                OPEN: Option(
                    gettext_lazy("Being paid"),
                    Q(state__in=[Order.State.PROCESSING, Order.State.SYSTEM_PROCESSING]),
                ),
                **options("state", Order.State),
            },
        ),
    ),
    table="two-line cards orders",
    has_file=True,
)
SHOWN = (
    "number", "type", "state", "currency", "total_minor", "line_count", "created_at", "payer__path", "installer__name",
)  # fmt: skip


@access.roles(*READERS)
@requires_grant(Grant.SEES_INVOICES)
@require_safe
def order_list(request: access.PortalRequest) -> HttpResponseBase:
    """Orders that the actor's firm pays or that have lines of its sites, newest first; with `format=csv` or `xlsx` all of them as a file."""
    actor, listing = request.actor, ORDERS.asked(request)
    found = listing.narrowed(Order.objects.visible_to(actor))
    shown = found.select_related("payer", "installer")
    if listing.file:
        lines = orders_files.rows(actor, listing.sorted(shown))
        return listing.answer("orders", orders_files.columns(), lines, of=found)
    page = listing.page(shown, only=SHOWN)
    context = listing.context(page, order_rows.cells(order_rows.as_seen(actor, page.rows), request.now))
    is_manager = actor.role is Role.MANAGER
    count = listing.count(
        page, found, by=("-pk",) if is_manager else (), most=OF_MANAGER if is_manager else keyset.COUNTED
    )
    return render(request, "orders/list.html", {**context, "count": count})
