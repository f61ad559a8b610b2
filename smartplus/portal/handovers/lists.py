"""The list of handovers."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from smartplus import access
from smartplus.portal.handovers import rows
from smartplus.portal.handovers.views import READERS
from smartplus.portal.kit.lists import Column, Filter, List, options
from subscriptions.models import Handover

HANDOVERS = List(
    title=gettext_lazy("Handovers"),
    columns=(
        Column("site", gettext_lazy("Site")),
        Column("giver", gettext_lazy("From"), keys=["giver__name_order", "pk"]),
        Column("taker", gettext_lazy("To"), keys=["taker__name_order", "pk"]),
        Column("state", gettext_lazy("Status"), keys=["state", "pk"]),
        Column("asked", gettext_lazy("Offered"), keys=["pk"]),
    ),
    own="-asked",
    filters=(Filter("state", options("state", Handover.State), label=gettext_lazy("Status")),),
    table="two-line cards",
)
SHOWN = ("site_name", "site_city", "state", "asked_at", "expires_at", "giver__name", "taker__name")


@access.roles(*READERS)
@require_safe
def handover_list(request: access.PortalRequest) -> HttpResponse:
    """Sites that are offered, or went, from one installer to another, the newest first."""
    listing = HANDOVERS.asked(request)
    found = listing.narrowed(Handover.objects.visible_to(request.actor).select_related("giver", "taker"))
    page = listing.page(found, only=SHOWN)
    context = {**listing.context(page, rows.cells(page.rows, now=request.now)), "section": "handovers"}
    return render(request, "handovers/list.html", context)
