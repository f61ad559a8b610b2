"""Settings: the stored cards of the own organization."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.scope import Grant
from payments.models import PaymentMethod
from smartplus import access
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import granted
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.roles import PAYERS
from subscriptions.actions import cards
from subscriptions.models import AutoRenewal


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_GET
def method_list(request: access.PortalRequest) -> HttpResponse:
    """The cards one's organization stored, and what each renews."""
    active = Q(auto_renewals__state=AutoRenewal.State.ACTIVE)
    found = (
        PaymentMethod.objects.visible_to(request.actor)
        .filter(owner_id=request.actor.organization_id, removed_at=None)
        .select_related("consent_by")
        .annotate(renews=Count("auto_renewals", filter=active))
    )
    rows = [(card, card.is_past(request.now)) for card in found]
    return render(request, "billing/methods.html", {"rows": rows})


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "POST"])
@refused_at("settings-method-remove")
def method_remove(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Forget a card, here and at the gateway. The page names what it renews, which is stopped with it."""
    card = PaymentMethod.objects.visible_to(request.actor).get(pk=pk)
    if request.method == "GET":
        rows = AutoRenewal.objects.visible_to(request.actor).filter(pk__in=cards.renewed_by(card))
        context = {
            "card": card,
            "rows": rows.select_related("installer", "order").annotate(n=Count("items", filter=Q(items__is_live=True))),
        }
        return render(request, "billing/method_remove.html", context)
    stops = typed_id(request.POST.get("stops", "0"))
    cards.remove_card(request.actor, method_id=pk, stops=stops, now=request.now)
    messages.success(request, _("The card is removed and will not be charged any more."))
    return redirect("settings-methods")
