"""What Activate suggests while a name is typed."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.utils.html import format_html_join
from django.views.decorators.http import require_safe

from accounts.scope import Grant
from accounts.typed import finding
from accounts.typed.text import sought
from communities.models import Site
from smartplus import access
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.subscription.choice import SUGGESTED, choosable, kind_of
from subscriptions.items import never_activated_at


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_safe
def subscription_sites(request: access.PortalRequest) -> HttpResponse:
    """Sites where something waits for its activation, by what is typed of their names, as options of a datalist."""
    installer = choosable(request.actor).get(pk=typed_id(request.GET.get("installer", "")))
    typed = sought(request.GET.get("site_name", ""))
    waiting = never_activated_at(installer.pk).filter(site_id=OuterRef("pk"))
    sites = Site.objects.visible_to(request.actor).filter(Exists(waiting), installer=installer, kind=kind_of(request))
    if typed:
        sites = sites.filter(finding.matching(typed, "search_key"))
    names = sites.values_list("name", flat=True)[:SUGGESTED]
    return HttpResponse(format_html_join("", '<option value="{}"></option>', ((name,) for name in names)))


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_safe
def subscription_installers(request: access.PortalRequest) -> HttpResponse:
    """Installers that can be chosen, by what is typed of their names, as options of a datalist."""
    typed = sought(request.GET.get("installer_name", ""))
    found = choosable(request.actor).filter(finding.matching(typed, "search_key") if typed else Q())
    names = found.values_list("name", flat=True)[:SUGGESTED]
    return HttpResponse(format_html_join("", '<option value="{}"></option>', ((name,) for name in names)))
