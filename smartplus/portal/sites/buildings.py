"""Buildings of a community."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.errors import Conflict
from communities.actions import sites
from communities.models import Building
from smartplus import access
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import answer, conflict, posted, submitted
from smartplus.portal.kit.once import made, once
from smartplus.portal.sites.forms import BuildingForm
from smartplus.portal.sites.site_context import WORKERS, site_context, visible_site


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def building_new(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Add a building; its first apartment comes next."""
    site = visible_site(request, site_id)
    form = BuildingForm(posted(request))
    building = submitted(
        form,
        lambda: sites.add_building(request.actor, site_id=site_id, name=form.cleaned_data["name"], now=request.now),
    )
    if building is None:
        return answer(request, "sites/building.html", form, site_context(request, site, "apartments"))
    messages.success(request, _("%(building)s is added. Next: its apartments.") % {"building": building.name})
    return made(redirect(f"{reverse('apartment-new', args=[site_id])}?building={building.pk}"), building)


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def building_edit(request: access.PortalRequest, building_id: int) -> HttpResponse:
    """Give a building another name."""
    building = Building.objects.visible_to(request.actor).select_related("site__installer").get(pk=building_id)
    form = BuildingForm(posted(request), building=building)
    context = {**site_context(request, building.site, "apartments"), "building": building}
    try:
        saved = submitted(form, lambda: _rename(request, building_id, form))
    except Conflict:
        building.refresh_from_db()
        fresh = BuildingForm(building=building)
        told = conflicts.clash(request, conflicts.about(building), (form, fresh))
        return conflict(request, "sites/building.html", fresh, context, told)
    if saved is None:
        return answer(request, "sites/building.html", form, context)
    messages.success(request, _("The building is now called %(building)s.") % {"building": saved.name})
    return redirect(f"{reverse('apartment-list', args=[saved.site_id])}?building={saved.pk}")


def _rename(request: access.PortalRequest, building_id: int, form: BuildingForm) -> Building:
    name, version = form.cleaned_data["name"], form.cleaned_data["version"] or 0
    return sites.rename_building(request.actor, building_id=building_id, version=version, name=name, now=request.now)
