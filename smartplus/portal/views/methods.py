"""Settings: the stored cards of the own organization."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.errors import Refused
from payments.models import PaymentMethod
from smartplus import access
from smartplus.portal.views.subscription import PAYERS
from subscriptions.actions import agreements
from subscriptions.models import Subscription


@access.roles(*PAYERS)
@require_GET
def method_list(request: access.PortalRequest) -> HttpResponse:
    """The cards one's organization stored, and what each renews."""
    active = Q(subscriptions__state=Subscription.State.ACTIVE)
    cards = (
        PaymentMethod.objects.visible_to(request.actor)
        .filter(owner_id=request.actor.organization_id, removed_at=None)
        .annotate(renews=Count("subscriptions", filter=active))
    )
    rows = [(card, card.is_usable(request.now)) for card in cards]
    return render(request, "settings/methods.html", {"rows": rows})


@access.roles(*PAYERS)
@require_POST
def method_remove(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Forget a card, here and at the gateway."""
    try:
        agreements.remove_card(request.actor, method_id=pk, now=request.now)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The card is removed and will not be charged any more."))
    return redirect("settings-methods")
