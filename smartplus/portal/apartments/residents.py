"""Residents of an apartment."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import Conflict
from communities.actions import residents
from communities.models import Apartment, Resident
from smartplus import access
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import answer, conflict, posted, submitted
from smartplus.portal.kit.once import made, once
from smartplus.portal.sites.people_forms import ResidentForm
from smartplus.portal.sites.site_context import HOUSEKEEPERS, site_context


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def resident_new(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Add a resident; the first one becomes the family master."""
    apartment = _apartments(request).get(pk=apartment_id)
    form = ResidentForm(posted(request), country=apartment.site.country)
    resident = submitted(
        form,
        lambda: residents.add_resident(request.actor, apartment_id=apartment_id, now=request.now, **form.values),
    )
    if resident is None:
        has_master = Resident.objects.visible_to(request.actor).filter(apartment=apartment, is_master=True).exists()
        context = {
            **site_context(request, apartment.site, "apartments"),
            "apartment": apartment,
            "has_master": has_master,
        }
        return answer(request, "apartments/resident.html", form, context)
    role = _("family master") if resident.is_master else _("family member")
    messages.success(request, _("%(name)s is added as %(role)s.") % {"name": resident.name, "role": role})
    return made(redirect("apartment-detail", apartment_id), resident)


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def resident_edit(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Correct a resident's data."""
    resident = Resident.objects.visible_to(request.actor).get(pk=resident_id)
    apartment = _apartments(request).get(pk=resident.apartment_id)
    country = apartment.site.country
    form = ResidentForm(posted(request), country=country, resident=resident)
    context = {**site_context(request, apartment.site, "apartments"), "apartment": apartment, "resident": resident}
    try:
        saved = submitted(form, lambda: _edit(request, resident_id, form))
    except Conflict:
        resident.refresh_from_db()
        fresh = ResidentForm(country=country, resident=resident)
        told = conflicts.clash(request, conflicts.about(resident), (form, fresh))
        return conflict(request, "apartments/resident.html", fresh, context, told)
    if saved is None:
        return answer(request, "apartments/resident.html", form, context)
    messages.success(request, _("%(name)s is saved.") % {"name": saved.name})
    return redirect("apartment-detail", saved.apartment_id)


def _edit(request: access.PortalRequest, resident_id: int, form: ResidentForm) -> Resident:
    version = form.cleaned_data["version"] or 0
    return residents.edit_resident(
        request.actor, resident_id=resident_id, version=version, now=request.now, **form.values
    )


@access.roles(*HOUSEKEEPERS)
@require_POST
def resident_remove(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """A resident moves out; paid time stays with the apartment (R33)."""
    resident = Resident.objects.visible_to(request.actor).get(pk=resident_id)
    residents.remove_resident(request.actor, resident_id=resident_id, now=request.now)
    messages.success(request, _("%(name)s is removed. Paid time stays with the apartment.") % {"name": resident.name})
    return redirect("apartment-detail", resident.apartment_id)


def _apartments(request: access.PortalRequest) -> QuerySet[Apartment]:
    return Apartment.objects.visible_to(request.actor).select_related("building", "site__installer")
