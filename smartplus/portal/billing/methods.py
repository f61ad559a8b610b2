"""Settings: the stored cards of the own organization."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.scope import Grant
from payments.models import PaymentMethod
from smartplus import access
from smartplus.portal.billing import rows
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.lists import Column, List
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.roles import PAYERS
from subscriptions.actions import cards
from subscriptions.models import AutoRenewal

METHODS = List(
    title=gettext_lazy("Payment methods"),
    columns=(
        Column("newest", keys=["pk"]),
        Column("card", gettext_lazy("Card")),
        Column("valid", gettext_lazy("Valid until")),
        Column("state", gettext_lazy("Status")),
        Column("stored", gettext_lazy("Stored")),
        Column("renews", gettext_lazy("Auto-renewals"), css="r"),
        Column("do", gettext_lazy("Action"), is_silent=True),
    ),
    own="-newest",
    layout="settings/base.html",
    table="two-line cards methods",
)


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_safe
def method_list(request: access.PortalRequest) -> HttpResponse:
    """The cards one's organization stored, and what each renews."""
    listing = METHODS.asked(request)
    stored = PaymentMethod.objects.visible_to(request.actor).filter(
        owner_id=request.actor.organization_id, removed_at=None
    )
    page = listing.page(stored.select_related("consent_by"))
    active = AutoRenewal.objects.visible_to(request.actor).filter(method__in=page.rows, state=AutoRenewal.State.ACTIVE)
    renews = dict(active.order_by().values_list("method_id").annotate(n=Count("pk")))
    return render(request, "billing/methods.html", listing.context(page, rows.methods(page.rows, renews, request.now)))


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "HEAD", "POST"])
@refused_at("settings-method-remove")
def method_remove(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Forget a card, here and at the gateway. The page names what it renews, which is stopped with it."""
    card = PaymentMethod.objects.visible_to(request.actor).get(pk=pk)
    if request.method != "POST":
        renewed = AutoRenewal.objects.visible_to(request.actor).filter(pk__in=cards.renewed_by(card))
        context = {
            "card": card,
            "rows": renewed.select_related("installer", "order").annotate(
                n=Count("items", filter=Q(items__is_live=True))
            ),
        }
        return render(request, "billing/method_remove.html", context)
    stops = typed_id(request.POST.get("stops", "0"))
    cards.remove_card(request.actor, method_id=pk, stops=stops, now=request.now)
    messages.success(request, _("The card is removed and will not be charged any more."))
    return redirect("settings-methods")
