"""Single residents: added, edited, accepted, made family master, moved, removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from communities.actions import moving, residents
from communities.models import Apartment, Building, Kind, Resident, Site, Stage
from smartplus import access
from smartplus.portal.kit import edits
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.residents.forms import MoveForm, ResidentForm
from smartplus.portal.residents.queries import household
from smartplus.portal.sites.site_context import HOUSEKEEPERS, WORKERS, site_context


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def resident_new(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Add a resident; the first one becomes the family master."""
    apartment = homes(request).get(pk=apartment_id)
    return edits.add(
        request,
        "residents/form.html",
        form=ResidentForm(posted(request), country=apartment.site.country),
        act=lambda form: residents.add_resident(
            request.actor, apartment_id=apartment_id, now=request.now, **form.values
        ),
        context=lambda _form: {
            **home_context(request, apartment),
            "says_yes": residents.says_yes(request.actor),
        },
        said=lambda saved, _form: _said(saved),
        to=lambda saved: reverse("apartment-detail", args=[saved.apartment_id]),
    )


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def resident_edit(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Correct a resident's data and days; the page leads to everything else that can be done with the person."""

    def context(resident: Resident, _form: ResidentForm) -> edits.Context:
        return {**home_context(request, resident.apartment), **_possible(request, resident)}

    return edits.edit(
        request,
        "residents/form.html",
        edits.Edit(
            row=lambda: _person(request, resident_id),
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
@refused_at("resident-edit")
def resident_remove(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Remove a resident; paid time stays with the apartment (R33)."""
    resident = Resident.objects.visible_to(request.actor).get(pk=resident_id)
    residents.remove_resident(request.actor, resident_id=resident_id, now=request.now)
    messages.success(request, _("%(name)s is removed. Paid time stays with the apartment.") % {"name": resident.name})
    return redirect("apartment-detail", resident.apartment_id)


@access.roles(*HOUSEKEEPERS)
@require_POST
@refused_at("resident-edit")
def resident_master(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Make a member the family master (R32)."""
    resident = moving.make_master(request.actor, resident_id=resident_id, now=request.now)
    messages.success(request, _("%(name)s is the family master now.") % {"name": resident.name})
    return redirect("apartment-detail", resident.apartment_id)


@access.roles(*WORKERS)
@require_POST
@refused_at("resident-edit")
def resident_accept(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """The installer's yes to a member beyond the free number (R30)."""
    resident = moving.accept_resident(request.actor, resident_id=resident_id, now=request.now)
    words = _("%(name)s is accepted and has the App. The Additional App of %(apartment)s can be activated.")
    messages.success(request, words % {"name": resident.name, "apartment": resident.apartment})
    return redirect("apartment-detail", resident.apartment_id)


@access.roles(*HOUSEKEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def resident_move(request: access.PortalRequest, resident_id: int) -> HttpResponse:
    """Move a resident to another apartment of the site; what is paid stays where it is (R33)."""

    def form(resident: Resident, sent: Any) -> MoveForm:
        site = resident.site_id
        return MoveForm(
            sent,
            resident=resident,
            buildings=Building.objects.visible_to(request.actor).filter(site=site),
            homes=Apartment.objects.visible_to(request.actor).filter(site=site),
            members=people_of(request, resident.apartment).members(),
        )

    return edits.edit(
        request,
        "residents/move.html",
        edits.Edit(
            row=lambda: _person(request, resident_id),
            form=form,
            act=lambda form: moving.move_resident(
                request.actor, resident_id=resident_id, version=edits.version_of(form), now=request.now, **form.values
            ),
            context=lambda resident, _form: {**home_context(request, resident.apartment), "resident": resident},
            said=lambda saved, _form: (
                _("%(name)s moved to %(apartment)s. Paid time stayed where it was.")
                % {"name": saved.name, "apartment": saved.apartment}
            ),
            to=lambda saved: reverse("apartment-detail", args=[saved.apartment_id]),
        ),
    )


def homes(request: access.PortalRequest) -> QuerySet[Apartment]:
    """The apartments that the actor sees, with what their pages show around them."""
    return Apartment.objects.visible_to(request.actor).select_related("building", "site__installer")


def people_of(request: access.PortalRequest, apartment: Apartment) -> Any:
    """Who has not moved out of an apartment."""
    return Resident.objects.visible_to(request.actor).filter(apartment=apartment).current()


def home_context(request: access.PortalRequest, apartment: Apartment) -> dict[str, Any]:
    """What a page about the household of an apartment shows around its content."""
    site: Site = apartment.site
    return {
        **site_context(request, site, "residents"),
        "apartment": apartment,
        "household": household(people_of(request, apartment), site.free_members),
    }


def _person(request: access.PortalRequest, resident_id: int) -> Resident:
    seen = Resident.objects.visible_to(request.actor)
    return seen.select_related("apartment__building", "apartment__site__installer").get(pk=resident_id)


def _possible(request: access.PortalRequest, resident: Resident) -> dict[str, Any]:
    """What can be done with a person."""
    is_here = resident.stage != Stage.ENDED
    return {
        "resident": resident,
        "may_accept": resident.stage == Stage.WAITING and residents.says_yes(request.actor),
        "may_lead": resident.stage == Stage.PRESENT and not resident.is_master,
        "may_move": is_here and resident.apartment.site.kind == Kind.COMMUNITY,
        "has_left": not is_here,
    }


def _said(saved: Resident) -> str:
    """How a new resident stands."""
    if saved.stage == Stage.FUTURE:
        words = _("%(name)s is added and lives there from the first day on.")
    elif saved.stage == Stage.WAITING:
        words = _("%(name)s is added and waits for the installer’s yes, being beyond the free number.")
    elif saved.is_master:
        return _("%(name)s is added as %(role)s.") % {"name": saved.name, "role": _("family master")}
    else:
        return _("%(name)s is added as %(role)s.") % {"name": saved.name, "role": _("family member")}
    return words % {"name": saved.name}
