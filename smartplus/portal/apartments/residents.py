"""Residents of an apartment."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from communities.actions import residents
from communities.models import Apartment, Resident
from smartplus import access
from smartplus.portal.apartments.forms import ResidentForm
from smartplus.portal.kit import edits
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.site_context import HOUSEKEEPERS, site_context


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def resident_new(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Add a resident; the first one becomes the family master."""
    apartment = _apartments(request).get(pk=apartment_id)
    role = {True: _("family master"), False: _("family member")}
    has_master = Resident.objects.visible_to(request.actor).filter(apartment=apartment, is_master=True)
    return edits.add(
        request,
        "apartments/resident.html",
        form=ResidentForm(posted(request), country=apartment.site.country),
        act=lambda form: residents.add_resident(
            request.actor, apartment_id=apartment_id, now=request.now, **form.values
        ),
        context=lambda _form: {
            **site_context(request, apartment.site, "apartments"),
            "apartment": apartment,
            "has_master": has_master.exists(),
        },
        said=lambda saved, _form: (
            _("%(name)s is added as %(role)s.") % {"name": saved.name, "role": role[saved.is_master]}
        ),
        to=lambda saved: reverse("apartment-detail", args=[saved.apartment_id]),
    )


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def resident_edit(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Correct a resident's data."""

    def context(resident: Resident, _form: ResidentForm) -> edits.Context:
        apartment = resident.apartment
        shown = site_context(request, apartment.site, "apartments")
        return {**shown, "apartment": apartment, "resident": resident}

    seen = Resident.objects.visible_to(request.actor)
    return edits.edit(
        request,
        "apartments/resident.html",
        edits.Edit(
            row=lambda: seen.select_related("apartment__building", "apartment__site__installer").get(pk=resident_id),
            form=lambda resident, sent: ResidentForm(sent, country=resident.apartment.site.country, resident=resident),
            act=lambda form: residents.edit_resident(
                request.actor, resident_id=resident_id, version=edits.version_of(form), now=request.now, **form.values
            ),
            context=context,
            said=lambda saved, _form: _("%(name)s is saved.") % {"name": saved.name},
            to=lambda saved: reverse("apartment-detail", args=[saved.apartment_id]),
        ),
    )


@access.roles(*HOUSEKEEPERS)
@require_POST
def resident_remove(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Remove a resident; paid time stays with the apartment (R33)."""
    resident = Resident.objects.visible_to(request.actor).get(pk=resident_id)
    residents.remove_resident(request.actor, resident_id=resident_id, now=request.now)
    messages.success(request, _("%(name)s is removed. Paid time stays with the apartment.") % {"name": resident.name})
    return redirect("apartment-detail", resident.apartment_id)


def _apartments(request: access.PortalRequest) -> QuerySet[Apartment]:
    return Apartment.objects.visible_to(request.actor).select_related("building", "site__installer")
