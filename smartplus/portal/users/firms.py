"""One firm below the own one: what it is, what it may do, its people."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions
from accounts.models import Kind, Membership, Organization
from accounts.models.people import known_order
from accounts.scope import Role
from communities.models import Site
from smartplus import access, jobs
from smartplus.portal.kit import edits
from smartplus.portal.kit import support_view as support
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import answer, posted, submitted
from smartplus.portal.users import closing
from smartplus.portal.users import queries as user_lists
from smartplus.portal.users import rows as user_rows
from smartplus.portal.users.forms import FirmForm, MoveForm, PermissionsForm
from smartplus.portal.users.lists import OWN_PEOPLE
from smartplus.portal.users.views import MANAGERS_OF_PEOPLE, person_new
from subscriptions.actions import tenancy

SHOWN = 200  # people of one firm
COLUMNS = ("name", "role", "may", "standing", "signed_in")


@access.roles(*MANAGERS_OF_PEOPLE)
@require_safe
def firm_detail(request: access.PortalRequest, organization_id: int) -> HttpResponse:
    """What a firm is and may do, and its people."""
    firm = visible_firm(request, organization_id)
    people = Membership.objects.visible_to(request.actor).filter(organization=firm)
    rows = user_lists.with_invitation(people, request.now).order_by(known_order(), "pk")[:SHOWN]
    shown = user_lists.people_of(rows, request.now)
    cells = user_rows.people(shown, request.actor, request.now)
    context = {
        **_firm_context(request, firm),
        "people": [person.membership for person in shown],
        "cells": cells,
        **OWN_PEOPLE.shown_in(COLUMNS),
    }
    if firm.kind in {Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR}:
        below = Organization.objects.visible_to(request.actor).filter(path__startswith=firm.path, kind=Kind.INSTALLER)
        context["n_installers"] = below.count()
    if firm.kind in {Kind.DISTRIBUTOR, Kind.SUBDISTRIBUTOR, Kind.INSTALLER}:
        context["n_sites"] = Site.objects.visible_to(request.actor).filter(**{firm.kind: firm}).count()
    return render(request, "users/firm.html", context)


def visible_firm(request: access.PortalRequest, organization_id: int) -> Organization:
    """The firm, if the actor sees it."""
    return (
        Organization.objects.visible_to(request.actor)
        .select_related("parent", "distributor", "subdistributor")
        .get(pk=organization_id)
    )


def _firm_context(request: access.PortalRequest, firm: Organization) -> dict[str, Any]:
    is_above = actions.is_above(request.actor, firm)
    support.record_view(request, firm, tenant=firm)
    return {
        "firm": firm,
        "is_above": is_above,
        "may_add_people": actions.may_add_people(request.actor, firm),
        "may_move": request.actor.role is Role.DISTRIBUTOR and firm.kind == Kind.INSTALLER,
        "tab": firm.kind if is_above else user_lists.PEOPLE,
        "tab_label": user_lists.label_of(request.actor, firm.kind if is_above else user_lists.PEOPLE),
    }


@access.roles(*MANAGERS_OF_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
def firm_edit(request: access.PortalRequest, organization_id: int) -> HttpResponse:
    """Name and address; of an installer, by who is above it, also Pay by Installer, two-factor and prices (S2)."""

    def form_of(firm: Organization, sent: QueryDict | None) -> FirmForm:
        decides = actions.is_above(request.actor, firm) and firm.kind == Kind.INSTALLER
        may = PermissionsForm(sent, actor=request.actor, organization=firm) if decides else None
        return FirmForm(sent, organization=firm, may=may)

    def act(form: FirmForm) -> Organization:
        saved = actions.edit_organization(
            request.actor,
            organization_id=organization_id,
            version=edits.version_of(form),
            basics=form.basics,
            permissions=form.may.cleaned_data if form.may else None,
            now=request.now,
        )
        if form.may is not None:
            jobs.hurry("revoked_orders")
        return saved

    return edits.edit(
        request,
        "users/firm_edit.html",
        edits.Edit(
            row=lambda: visible_firm(request, organization_id),
            form=form_of,
            act=act,
            context=lambda firm, form: {**_firm_context(request, firm), "may": form.may},
            said=lambda saved, _form: _("%(firm)s is saved.") % {"firm": saved.name},
            to=lambda saved: reverse("firm-detail", args=[saved.pk]),
        ),
    )


@access.roles(*MANAGERS_OF_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def firm_person_new(request: access.PortalRequest, organization_id: int) -> HttpResponse:
    """Invite a further person of a firm."""
    return person_new(request, organization_id=organization_id)


@access.roles(*MANAGERS_OF_PEOPLE)
@require_http_methods(["GET", "HEAD", "POST"])
@refused_at("firm-detail")
def firm_activity(request: access.PortalRequest, organization_id: int) -> HttpResponse:
    """Close a firm to its people, or open it again: `active` is "yes" or "no". To look at: what would stop and what goes on."""
    firm, is_active = visible_firm(request, organization_id), request.POST.get("active") == "yes"
    if request.method != "POST":
        actions.refuse_not_above(request.actor, firm)
        if not firm.is_active:
            return redirect("firm-detail", organization_id)
        context = {**_firm_context(request, firm), "closing": closing.closing(request.actor, firm, now=request.now)}
        return render(request, "users/deactivate.html", context)
    said = (
        _("The people of %(firm)s can sign in again.")
        if is_active
        else _(
            "%(firm)s is deactivated: its people are refused from their next click on. What is paid goes on running."
        )
    )
    actions.set_organization_active(
        request.actor, organization_id=organization_id, is_active=is_active, now=request.now
    )
    messages.success(request, said % {"firm": firm.name})
    if not is_active:
        jobs.hurry("revoked_orders")
    return redirect("firm-detail", organization_id)


@access.roles(Role.DISTRIBUTOR)
@require_http_methods(["GET", "HEAD", "POST"])
def firm_move(request: access.PortalRequest, organization_id: int) -> HttpResponse:
    """Move an installer below another sub-distributor or directly below the distributor; says first what goes along."""
    firm = visible_firm(request, organization_id)
    if firm.kind != Kind.INSTALLER:
        raise Organization.DoesNotExist
    form = MoveForm(posted(request), targets=tenancy.targets(request.actor, firm))
    moved = submitted(
        form,
        lambda: tenancy.move_installer(
            request.actor, installer_id=organization_id, to_id=form.cleaned_data["to"].pk, now=request.now
        ),
    )
    if moved is None:
        context = {**_firm_context(request, firm), "moving": tenancy.moving(request.actor, firm)}
        return answer(request, "users/move.html", form, context)
    jobs.hurry("mail")
    said = _("%(firm)s with all it owns is now below %(above)s.") % {"firm": moved.name, "above": moved.parent}
    messages.success(request, said)
    return redirect("firm-detail", organization_id)
