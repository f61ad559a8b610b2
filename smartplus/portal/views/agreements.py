"""Auto-renewals: what renews by itself, when, with which card, and how it is stopped."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.scope import Grant, Role
from smartplus import access
from smartplus.portal import keyset
from smartplus.portal.granted import granted
from smartplus.portal.views.subscription import PAYERS
from subscriptions import bills, reports
from subscriptions import dashboard as counts
from subscriptions.actions import agreements as actions
from subscriptions.models import Order, Subscription

PAGE = 50
RENEWALS = 50  # orders whose mail is looked for
SHOWN: dict[str, tuple[Promise, Q]] = {
    "risk": (gettext_lazy("At risk"), Q(rank=counts.AT_RISK)),
    "active": (gettext_lazy("Active"), Q(state=Subscription.State.ACTIVE)),
    "ended": (gettext_lazy("Ended"), Q(rank=counts.OVER)),
}
TONES = {
    Subscription.State.ACTIVE: "auto",
    Subscription.State.PARKED: "lapsed",
    Subscription.State.ENDED: "inactive",
}


@access.roles(*PAYERS, Role.OPERATOR)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_GET
def agreement_list(request: access.PortalRequest) -> HttpResponse:
    """Agreements of one's subtree: those that need somebody first, then the next due; each with what it will charge then to who
    sees it."""
    seen = counts.ranked(Subscription.objects.visible_to(request.actor), now=request.now)
    show = request.GET.get("show", "")
    show = show if show in SHOWN else ""
    found = seen.filter(SHOWN[show][1]) if show else seen
    with_items = found.select_related("payer", "installer__distributor", "method", "order").annotate(
        live=Count("items", filter=Q(items__is_live=True))
    )
    page = keyset.page(with_items, by=("rank", "due", "-pk"), query=request.GET, size=PAGE)
    renewed = Order.objects.visible_to(request.actor).filter(type=Order.Type.AUTO_RENEWAL).only("pk")
    context = {
        "renewals": renewed.order_by("-pk")[:RENEWALS],
        "agreements": page.rows,
        "rows": [
            {
                "agreement": row,
                "tone": TONES[Subscription.State(row.state)],
                "next_minor": reports.next_charge_minor(row, now=request.now)
                if bills.sees_amounts(request.actor, row.payer_id)
                else None,
                "is_mine": row.payer_id == request.actor.organization_id,
            }
            for row in page.rows
        ],
        "page": page,
        "show": show,
        "chips": [(name, label) for name, (label, _rows) in SHOWN.items()],
        "total": len(page.rows) if page.is_only else found.order_by().count(),
    }
    return render(request, "subscription/agreements.html", context)


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
def agreement_stop(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Stop renewing; what is paid stays paid."""
    actions.stop_agreement(request.actor, agreement_id=pk, now=request.now)
    messages.success(request, _("It is not renewed any more. What is paid stays paid to its end."))
    return redirect("agreement-list")
