"""The price of a site while its form is filled. Nothing is written."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts.scope import Role
from communities.models import Site
from smartplus import access
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.price_preview.fragment import fragment
from smartplus.portal.sites.forms import SiteForm


@access.roles(Role.INSTALLER)
@require_POST
def site_price_preview(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """What the site would cost with the services of the form."""
    site = Site.objects.visible_to(request.actor).select_related("distributor").get(pk=site_id)
    return fragment(request, price_preview.for_site(request, SiteForm(request.POST, site=site, now=request.now), site))
