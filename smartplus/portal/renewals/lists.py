"""The list of auto-renewals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Grant, Role
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.lists import Column, Filter, List, Listing, Option
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.renewals import rows
from subscriptions import at_risk, reports, rights
from subscriptions.actions import cards
from subscriptions.models import AutoRenewal, Order

AUTO_RENEWALS = List(
    title=gettext_lazy("Auto-renew"),
    columns=(
        Column("installer", gettext_lazy("For"), keys=["installer__name_order"]),
        Column("items", gettext_lazy("Items"), css="r"),
        Column("state", gettext_lazy("Status"), keys=["rank", "due", "-pk"]),
        Column(
            "next",
            gettext_lazy("Next charge"),
            keys=["next_at"],
            annotations=lambda _actor: {"next_at": Coalesce("next_due_at", keyset.FAR)},
        ),
        Column("amount", gettext_lazy("Amount"), css="r"),
        Column("payer", gettext_lazy("Card"), keys=["payer__name_order"]),
        Column("do", gettext_lazy("Action"), is_silent=True),
    ),
    own="state",
    filters=(
        Filter(
            "show",
            {
                "risk": Option(gettext_lazy("At risk"), Q(rank=at_risk.AT_RISK)),
                "active": Option(gettext_lazy("Active"), Q(state=AutoRenewal.State.ACTIVE)),
                "ended": Option(gettext_lazy("Ended"), Q(rank=at_risk.OVER)),
            },
            label=gettext_lazy("Status"),
        ),
    ),
    table="two-line cards auto-renewals",
    bar="in-tabs",
    panel="below-tabs",
)
RENEWALS = 50  # orders whose mail is read
LATELY = timedelta(days=60)  # what was suspended earlier has lapsed, so it is not looked up


@access.roles(*PAYERS, Role.OPERATOR)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_safe
def auto_renewal_list(request: access.PortalRequest) -> HttpResponse:
    """Auto-renewals of the subtree: first those that need an action, then by next date; with the next charge for readers who may see it."""
    listing, seen = AUTO_RENEWALS.asked(request), AutoRenewal.objects.visible_to(request.actor)
    ranked = at_risk.ranked(seen, now=request.now)
    found = listing.narrowed(ranked)
    page = _page(listing, found, ranked)
    orders = Order.objects.visible_to(request.actor).filter(type=Order.Type.AUTO_RENEWAL).only("pk")
    renewed, own = reports.renewed_by(request.actor, page.rows), request.actor.organization_id
    may_stop = {row.pk for row in page.rows if row.payer_id == own and row.state == AutoRenewal.State.ACTIVE}
    shown = {
        row.pk: rows.Shown(
            card=rights.is_paid_by(request.actor, row),
            amount=rights.sees_amounts(request.actor, row.payer_id),
            may_stop=row.pk in may_stop,
            may_change=row.payer_id == own
            and (row.ended_at is None or request.now - row.ended_at < LATELY)
            and cards.is_recoverable(row, now=request.now),
        )
        for row in page.rows
    }
    charges = reports.next_charges(page.rows, renewed, now=request.now)
    shows_orders = Grant.SEES_INVOICES in request.actor.grants
    cells = rows.cells(page.rows, shown, renewed, charges, shows_orders=shows_orders, now=request.now)
    total = len(page.rows) if page.is_only else keyset.count(found if listing.chosen else seen)
    context = {
        **listing.context(page, cells),
        "renewals": orders.order_by("-pk")[:RENEWALS],
        "auto_renewals": page.rows,
        "may_stop": bool(may_stop),
        "tabs": {"auto_renewals": total},
    }
    return render(request, "renewals/list.html", context)


def _page(listing: Listing, found: QuerySet[AutoRenewal], whole: QuerySet[AutoRenewal]) -> keyset.Page[AutoRenewal]:
    """The page, with everything its rows show. Sort columns are read for every auto-renewal, other columns for the rows of the page only."""
    names = [
        key.removeprefix("-").removesuffix("__name_order") for key in listing.sorting.by if key.endswith("__name_order")
    ]
    # without names, `select_related` would read all relations
    page = listing.page(found.select_related(*names) if names else found, only=("pk",))
    whole = whole.select_related("payer", "installer__distributor", "method", "order", "renewal").only(*rows.READ)
    read = whole.in_bulk([row.pk for row in page.rows])
    return replace(page, rows=[read[row.pk] for row in page.rows if row.pk in read])
