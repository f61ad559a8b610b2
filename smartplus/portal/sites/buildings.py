"""Buildings of a community."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from communities.actions import sites
from communities.models import Building
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.forms import BuildingForm
from smartplus.portal.sites.site_context import WORKERS, site_context, visible_site


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def building_new(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Add a building; its first apartment comes next."""
    site = visible_site(request, site_id)
    return edits.add(
        request,
        "sites/building.html",
        form=BuildingForm(posted(request)),
        act=lambda form: sites.add_building(
            request.actor, site_id=site_id, name=form.cleaned_data["name"], now=request.now
        ),
        context=lambda _form: site_context(request, site, "apartments"),
        said=lambda saved, _form: _("%(building)s is added. Next: its apartments.") % {"building": saved.name},
        to=lambda saved: f"{reverse('apartment-new', args=[site_id])}?building={saved.pk}",
    )


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def building_edit(request: access.PortalRequest, building_id: int) -> HttpResponse:
    """Give a building another name."""
    return edits.edit(
        request,
        "sites/building.html",
        edits.Edit(
            row=lambda: (
                Building.objects.visible_to(request.actor).select_related("site__installer").get(pk=building_id)
            ),
            form=lambda building, sent: BuildingForm(sent, building=building),
            act=lambda form: sites.rename_building(
                request.actor,
                building_id=building_id,
                version=edits.version_of(form),
                name=form.cleaned_data["name"],
                now=request.now,
            ),
            context=lambda building, _form: {
                **site_context(request, building.site, "apartments"),
                "building": building,
            },
            said=lambda saved, _form: _("The building is now called %(building)s.") % {"building": saved.name},
            to=lambda saved: f"{reverse('site-detail', args=[saved.site_id])}?building={saved.pk}",
        ),
    )
