"""Asking before something is archived or deleted, doing it, and bringing back what was archived."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.scope import Role
from communities.actions import archives
from communities.models import Apartment, Building, Site
from smartplus import access
from smartplus.access import PortalRequest
from smartplus.portal.archive import consequences
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.sites.site_context import READERS, WORKERS, site_context, visible_site

ASKED = ["GET", "HEAD", "POST"]


@access.roles(*READERS)
@require_safe
def archived(request: PortalRequest, site_id: int) -> HttpResponse:
    """The buildings and apartments of a site that are archived."""
    site = visible_site(request, site_id)
    gone = {"site": site, "archived_at__isnull": False}
    homes = Apartment.every.visible_to(request.actor).filter(**gone).select_related("building")
    context = {
        **site_context(request, site, "overview"),
        "buildings": Building.every.visible_to(request.actor).filter(**gone),
        "apartments": homes.filter(building__archived_at=None).order_by("target__sort_key")[:MOST],
        "may_restore": request.actor.role in WORKERS and site.archived_at is None,
    }
    return render(request, "archive/list.html", context)


MOST = 500  # apartments that the page shows


# --- apartments ---------------------------------------------------------------------------------------------------------


@access.roles(*WORKERS)
@require_http_methods(ASKED)
@refused_at("apartment-archive")
def apartment_archive(request: PortalRequest, apartment_id: int) -> HttpResponse:
    """Ask, then archive an apartment."""
    home = _home(request, apartment_id)
    if request.method != "POST":
        return _ask(request, "archive/confirm.html", home, reverse("apartment-detail", args=[home.pk]))
    archives.archive_apartment(request.actor, apartment_id=home.pk, now=request.now)
    return _said(request, _("%(what)s is archived.") % {"what": home}, reverse("archived", args=[home.site_id]))


@access.roles(*WORKERS)
@require_POST
@refused_at(lambda request: reverse("archived", args=[_home_site(request)]))
def apartment_restore(request: PortalRequest, apartment_id: int) -> HttpResponse:
    """Bring an archived apartment back."""
    home = archives.restore_apartment(request.actor, apartment_id=apartment_id, now=request.now)
    return _said(request, _("%(what)s is restored.") % {"what": home}, reverse("apartment-detail", args=[home.pk]))


@access.roles(*WORKERS)
@require_http_methods(ASKED)
@refused_at("apartment-archive")
def apartment_delete(request: PortalRequest, apartment_id: int) -> HttpResponse:
    """Ask, then delete an apartment that never held anything."""
    home = _home(request, apartment_id)
    if request.method != "POST":
        return _ask(request, "archive/delete.html", home, reverse("apartment-detail", args=[home.pk]))
    archives.delete_apartment(request.actor, apartment_id=home.pk, now=request.now)
    return _said(request, _("%(what)s is deleted.") % {"what": home}, reverse("site-detail", args=[home.site_id]))


# --- buildings ----------------------------------------------------------------------------------------------------------


@access.roles(*WORKERS)
@require_http_methods(ASKED)
@refused_at("building-archive")
def building_archive(request: PortalRequest, building_id: int) -> HttpResponse:
    """Ask, then archive a building with its apartments."""
    building = _building(request, building_id)
    if request.method != "POST":
        return _ask(request, "archive/confirm.html", building, reverse("building-edit", args=[building.pk]))
    archives.archive_building(request.actor, building_id=building.pk, now=request.now)
    return _said(request, _("%(what)s is archived.") % {"what": building}, reverse("archived", args=[building.site_id]))


@access.roles(*WORKERS)
@require_POST
@refused_at(lambda request: reverse("archived", args=[_building_site(request)]))
def building_restore(request: PortalRequest, building_id: int) -> HttpResponse:
    """Bring an archived building and its apartments back."""
    building = archives.restore_building(request.actor, building_id=building_id, now=request.now)
    return _said(
        request, _("%(what)s is restored.") % {"what": building}, reverse("site-detail", args=[building.site_id])
    )


@access.roles(*WORKERS)
@require_http_methods(ASKED)
@refused_at("building-archive")
def building_delete(request: PortalRequest, building_id: int) -> HttpResponse:
    """Ask, then delete a building without apartments."""
    building = _building(request, building_id)
    if request.method != "POST":
        return _ask(request, "archive/delete.html", building, reverse("building-edit", args=[building.pk]))
    archives.delete_building(request.actor, building_id=building.pk, now=request.now)
    return _said(
        request, _("%(what)s is deleted.") % {"what": building}, reverse("site-detail", args=[building.site_id])
    )


# --- sites --------------------------------------------------------------------------------------------------------------


@access.roles(Role.INSTALLER)
@require_http_methods(ASKED)
@refused_at("site-archive")
def site_archive(request: PortalRequest, site_id: int) -> HttpResponse:
    """Ask, then archive a site."""
    site = visible_site(request, site_id)
    if request.method != "POST":
        return _ask(request, "archive/confirm.html", site, reverse("site-detail", args=[site.pk]))
    archives.archive_site(request.actor, site_id=site.pk, now=request.now)
    return _said(request, _("%(what)s is archived.") % {"what": site}, f"{reverse('site-list')}?show=archived")


@access.roles(Role.INSTALLER)
@require_POST
@refused_at("site-detail")
def site_restore(request: PortalRequest, site_id: int) -> HttpResponse:
    """Bring an archived site back, with what was archived with it."""
    site = archives.restore_site(request.actor, site_id=site_id, now=request.now)
    return _said(request, _("%(what)s is restored.") % {"what": site}, reverse("site-detail", args=[site.pk]))


@access.roles(Role.INSTALLER)
@require_http_methods(ASKED)
@refused_at("site-archive")
def site_delete(request: PortalRequest, site_id: int) -> HttpResponse:
    """Ask, then delete a site that never held anything."""
    site = visible_site(request, site_id)
    if request.method != "POST":
        return _ask(request, "archive/delete.html", site, reverse("site-detail", args=[site.pk]))
    archives.delete_site(request.actor, site_id=site.pk, now=request.now)
    return _said(request, _("%(what)s is deleted.") % {"what": site}, reverse("site-list"))


# --- shared -------------------------------------------------------------------------------------------------------------


def _ask(request: PortalRequest, template: str, what: Site | Building | Apartment, back: str) -> HttpResponse:
    """The page that says what ends and what is kept."""
    kind = type(what).__name__.lower()
    context: dict[str, Any] = {
        "what": what,
        "kind": kind,
        "found": consequences.of(request.actor, what, request.now),
        "site": what if isinstance(what, Site) else what.site,
        "back": back,
        "archive_url": reverse(f"{kind}-archive", args=[what.pk]),
        "delete_url": reverse(f"{kind}-delete", args=[what.pk]),
    }
    return render(request, template, context)


def _said(request: PortalRequest, words: str, to: str) -> HttpResponse:
    messages.success(request, words)
    return redirect(to)


def _home(request: PortalRequest, apartment_id: int) -> Apartment:
    rows = Apartment.every.visible_to(request.actor).select_related("building", "site__installer")
    return rows.get(pk=apartment_id)


def _building(request: PortalRequest, building_id: int) -> Building:
    return Building.every.visible_to(request.actor).select_related("site__installer").get(pk=building_id)


def _home_site(request: PortalRequest) -> int:
    return _home(request, _named(request, "apartment_id")).site_id


def _building_site(request: PortalRequest) -> int:
    return _building(request, _named(request, "building_id")).site_id


def _named(request: PortalRequest, name: str) -> int:
    assert request.resolver_match is not None
    return int(request.resolver_match.kwargs[name])
