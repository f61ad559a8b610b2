"""What is done at once on the page of differences, and taken back there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.scope import Grant
from communities import vacancy
from communities.models import Apartment, Entitlement
from smartplus import access
from smartplus.access import PortalRequest
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.roles import PAYERS
from subscriptions.actions import leaving

MOST_LEFT = 20  # items of one apartment


def _page(request: PortalRequest) -> str:
    """The page that the button stands on: a site's, where the form names one."""
    site = typed_id(request.POST.get("site"))
    return reverse("site-differences", args=[site]) if site else reverse("differences")


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at(_page)
def no_renewal(request: PortalRequest, apartment_id: int) -> HttpResponse:
    """Renew nothing any more in an apartment where nobody lives."""
    home = Apartment.objects.visible_to(request.actor).select_related("building").get(pk=apartment_id)
    items = vacancy.going_on(Entitlement.objects.visible_to(request.actor), request.now).filter(target=home.target_id)
    left = leaving.take_out(request.actor, entitlement_ids=list(items.values_list("pk", flat=True)), now=request.now)
    said = _("%(what)s is not renewed any more. What is paid stays paid to its end.")
    messages.success(request, said % {"what": home})
    query: list[tuple[str, Any]] = [("show", "empty"), *(("left", pk) for pk in left[:MOST_LEFT])]
    return redirect(f"{_page(request)}?{urlencode(query)}")


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at(_page)
def renew_again(request: PortalRequest) -> HttpResponse:
    """Take that back."""
    ids = [pk for pk in map(typed_id, request.POST.getlist("left")[:MOST_LEFT]) if pk]
    n = leaving.bring_back(request.actor, item_ids=ids, now=request.now)
    messages.success(
        request, ngettext("%(n)s item renews by itself again.", "%(n)s items renew by themselves again.", n) % {"n": n}
    )
    return redirect(_page(request))
