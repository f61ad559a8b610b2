"""Single-family houses: adding one, its page, and changing it."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.scope import Role
from communities import catalogue
from communities.models import Apartment, Equipment, Kind, Site
from devices import actions
from smartplus import access
from smartplus.portal.houses.forms import HouseForm
from smartplus.portal.houses.queries import prices_of
from smartplus.portal.kit import edits
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.residents.queries import household_of
from smartplus.portal.sites.site_context import READERS, WORKERS, apartment_page, visible_site


@access.roles(*READERS)
@require_safe
def house_site(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The page on which a house opens: who lives there, its devices, and its services with what is paid."""
    site = _house(request, site_id)
    unit = Apartment.every.visible_to(request.actor).filter(site=site).values_list("pk", flat=True).get()
    pieces = Equipment.objects.visible_to(request.actor).in_use().filter(site=site)
    switched = [(catalogue.BY_CODE[code].label, getattr(site, code)) for code in catalogue.switches_of(site.kind)]
    shown = apartment_page(request, unit, with_archived=True)
    context = {
        **shown,
        **household_of(request.actor, shown),
        "tab": "house",
        "pieces": pieces,
        "switched": switched,
    }
    return render(request, "houses/detail.html", context)


@access.roles(Role.INSTALLER)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def house_new(request: access.PortalRequest) -> HttpResponse:
    """Add Single-Family House: where it is, its services, and its indoor monitor where one is required (R18)."""
    return edits.add(
        request,
        "houses/form.html",
        form=HouseForm(posted(request)),
        act=lambda form: actions.add_house(
            request.actor, free_members=form.cleaned_data["free_members"], now=request.now, **form.values
        ),
        context=lambda _form: {
            "area": "sites",
            "prices": prices_of(request, request.membership.organization.distributor),
        },
        said=lambda saved, _form: _("%(site)s is created. Next: who lives there.") % {"site": saved},
        to=lambda saved: reverse("house-site", args=[saved.site_id]),
    )


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def house_edit(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Facts and services of a house."""
    return edits.edit(
        request,
        "houses/form.html",
        edits.Edit(
            row=lambda: _house(request, site_id),
            form=lambda site, sent: HouseForm(sent, site=site),
            act=lambda form: actions.edit_house(
                request.actor, site_id=site_id, version=edits.version_of(form), now=request.now, **form.values
            ),
            context=lambda site, _form: {
                "area": "sites",
                "site": site,
                "prices": prices_of(request, site.distributor, site),
            },
            said=lambda saved, _form: _("%(site)s is saved. Prices follow at the next order.") % {"site": saved.name},
            to=lambda saved: reverse("house-site", args=[saved.pk]),
        ),
    )


def _house(request: access.PortalRequest, site_id: int) -> Site:
    site = visible_site(request, site_id)
    if site.kind != Kind.HOUSE:
        raise Http404
    return site
