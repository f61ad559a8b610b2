"""Buildings of a community."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from communities.actions import sites
from communities.models import Building
from devices import actions
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.kit.once import once_where
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.forms import BuildingForm, NewBuildingForm
from smartplus.portal.sites.site_context import WORKERS, site_context, visible_site

ASKS = frozenset({"do", "show"})  # small buttons, which create nothing


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once_where(lambda request: not ASKS & set(request.POST))
def building_new(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Add a building, with its apartments or without."""
    site = visible_site(request, site_id)

    def said(saved: Building, form: NewBuildingForm) -> str:
        n = len(form.plan.found)
        if not n:
            return _("%(building)s is added. Next: its apartments.") % {"building": saved.name}
        words = ngettext(
            "%(building)s is added with %(n)s apartment.", "%(building)s is added with %(n)s apartments.", n
        )
        return words % {"building": saved.name, "n": n}

    form = NewBuildingForm(posted(request))
    return edits.add(
        request,
        "sites/building_new.html",
        form=form,
        asks=lambda form: form.as_typed(request.POST.get("do", "")) if ASKS & set(request.POST) else None,
        act=lambda form: actions.add_building(request.actor, site_id=site_id, building=form.new, now=request.now),
        context=lambda _form: site_context(request, site, "apartments"),
        said=said,
        to=lambda saved: (
            reverse("site-detail", args=[site_id])
            if form.plan.found
            else f"{reverse('apartment-new', args=[site_id])}?building={saved.pk}"
        ),
    )


@access.roles(*WORKERS)
@require_POST
def building_preview(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The façade of a building that is typed; nothing is written."""
    visible_site(request, site_id)
    form = NewBuildingForm(request.POST)
    form.plan.is_valid()
    return render(request, "sites/building_preview.html", {"building": form.plan})


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
