"""The price of an apartment while its form is filled in. Nothing is written."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts.scope import Role
from communities.models import Apartment, Building, Site
from smartplus import access
from smartplus.portal.apartments.forms import ApartmentForm
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.price_preview.fragment import fragment


@access.roles(Role.INSTALLER)
@require_POST
def apartment_price_preview_new(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The price of the apartment in the form."""
    site = Site.objects.visible_to(request.actor).select_related("distributor").get(pk=site_id)
    return fragment(request, price_preview.for_apartment(request, _form(request, site), site))


@access.roles(Role.INSTALLER)
@require_POST
def apartment_price_preview(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """The price of the apartment with the switches of the form."""
    rows = Apartment.objects.visible_to(request.actor).select_related("site__distributor")
    apartment = rows.get(pk=apartment_id)
    form = _form(request, apartment.site, apartment)
    return fragment(request, price_preview.for_apartment(request, form, apartment.site, apartment))


def _form(request: access.PortalRequest, site: Site, apartment: Apartment | None = None) -> ApartmentForm:
    """The form without validation: the chosen building does not change the price."""
    no_buildings: tuple[Building, ...] = ()
    return ApartmentForm(request.POST, site=site, buildings=no_buildings, apartment=apartment)
