"""Equipment of a site: one piece, adding, changing, moving, archiving and removing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from communities.models import KINDS_OF, Apartment, Building, Equipment, EquipmentKind, Kind, Site
from devices import actions
from smartplus import access
from smartplus.portal.equipment.forms import EquipmentForm, MoveForm
from smartplus.portal.equipment.queries import fitted, lead_of, price_of_one
from smartplus.portal.equipment.rows import make_of, standing
from smartplus.portal.kit import edits
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.site_context import READERS, WORKERS, site_context, visible_site


@access.roles(*READERS)
@require_safe
def equipment_detail(request: access.PortalRequest, equipment_id: int) -> HttpResponse:
    """One piece: what and where it is, and what of it is paid."""
    piece = _piece(request, equipment_id)
    (one,) = fitted(request.actor, [piece])
    tone, word, below = standing(piece, one.item, piece.site, request.now)
    context = {
        **_context(request, piece),
        "one": one,
        "make": make_of(one),
        "status": (tone, word),
        "below": below,
        "is_paid": one.item is not None and one.item.expires_at is not None,
    }
    return render(request, "equipment/detail.html", context)


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def equipment_new(request: access.PortalRequest, site_id: int, kind: str) -> HttpResponse:
    """Add a piece of a kind that the project type has."""
    site = visible_site(request, site_id)
    if kind not in KINDS_OF[site.kind]:
        raise Http404
    return edits.add(
        request,
        "equipment/form.html",
        form=EquipmentForm(
            posted(request), site=site, kind=kind, home=_wanted(request, site), **_places(request, site)
        ),
        act=lambda form: actions.add_equipment(
            request.actor, site_id=site_id, kind=kind, piece=form.values, place=form.place, entry=form.entry, now=request.now
        ),
        context=lambda _form: {
            **site_context(request, site, "equipment"),
            "kind": EquipmentKind(kind),
            "price": price_of_one(request, site, kind),
            **lead_of(site, kind),
        },
        said=lambda saved, _form: _("%(name)s is added. Nothing is charged before it is activated.") % {"name": saved},
        to=lambda saved: reverse("equipment-detail", args=[saved.pk]),
    )  # fmt: skip


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def equipment_edit(request: access.PortalRequest, equipment_id: int) -> HttpResponse:
    """Correct what is known of a piece."""
    return edits.edit(
        request,
        "equipment/form.html",
        edits.Edit(
            row=lambda: _piece(request, equipment_id),
            form=lambda piece, sent: EquipmentForm(
                sent, site=piece.site, kind=piece.kind, piece=piece, **_places(request, piece.site)
            ),
            act=lambda form: actions.edit_equipment(
                request.actor, equipment_id=equipment_id, version=edits.version_of(form), piece=form.values, now=request.now
            ),
            context=lambda piece, _form: {
                **_context(request, piece),
                "kind": EquipmentKind(piece.kind),
                "lead": _("Paid time stays, whatever it is called."),
            },
            said=lambda saved, _form: _("%(name)s is saved.") % {"name": saved},
            to=_home,
        ),
    )  # fmt: skip


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def equipment_move(request: access.PortalRequest, equipment_id: int) -> HttpResponse:
    """Move a piece to another place of a community; its paid time goes with it."""
    if _piece(request, equipment_id).site.kind != Kind.COMMUNITY:
        raise Http404
    return edits.edit(
        request,
        "equipment/move.html",
        edits.Edit(
            row=lambda: _piece(request, equipment_id),
            form=lambda piece, sent: MoveForm(sent, piece=piece, **_places(request, piece.site)),
            act=lambda form: actions.move_equipment(
                request.actor, equipment_id=equipment_id, version=edits.version_of(form), place=form.place, now=request.now
            ),
            context=lambda piece, _form: _context(request, piece),
            said=lambda saved, _form: _("%(name)s is moved. Its paid time went with it.") % {"name": saved},
            to=_home,
        ),
    )  # fmt: skip


def _back(request: access.PortalRequest) -> str:
    match = request.resolver_match
    assert match is not None
    return reverse("equipment-detail", kwargs=match.kwargs)


@access.roles(*WORKERS)
@require_POST
@refused_at(_back)
def equipment_archive(request: access.PortalRequest, equipment_id: int) -> HttpResponse:
    """Take a piece out of use; what is paid of it stays."""
    saved = _done(request, equipment_id, actions.archive_equipment)
    messages.success(request, _("%(name)s is archived. Its paid time is kept.") % {"name": saved})
    return redirect(_home(saved))


@access.roles(*WORKERS)
@require_POST
@refused_at(_back)
def equipment_restore(request: access.PortalRequest, equipment_id: int) -> HttpResponse:
    """Use an archived piece again."""
    saved = _done(request, equipment_id, actions.restore_equipment)
    messages.success(request, _("%(name)s is in use again.") % {"name": saved})
    return redirect(_home(saved))


@access.roles(*WORKERS)
@require_POST
@refused_at(_back)
def equipment_remove(request: access.PortalRequest, equipment_id: int) -> HttpResponse:
    """Delete a piece that was entered by mistake."""
    name = _piece(request, equipment_id).name
    site = _done(request, equipment_id, actions.remove_equipment)
    messages.success(request, _("%(name)s is removed.") % {"name": name})
    return redirect("equipment-list", site.pk)


def _done(request: access.PortalRequest, equipment_id: int, act: Callable[..., Any]) -> Any:
    version = typed_id(request.POST.get("version"))
    return act(request.actor, equipment_id=equipment_id, version=version, now=request.now)


def _piece(request: access.PortalRequest, equipment_id: int) -> Equipment:
    rows = Equipment.objects.visible_to(request.actor).select_related(
        "building", "apartment__building", "site__installer__distributor", "site__installer__subdistributor", "site__distributor"
    )  # fmt: skip
    return rows.get(pk=equipment_id)


def _context(request: access.PortalRequest, piece: Equipment) -> dict[str, Any]:
    return {**site_context(request, piece.site, "equipment"), "piece": piece}


def _places(request: access.PortalRequest, site: Site) -> dict[str, Any]:
    """Where a piece may be: buildings, and the apartments that are found by their number."""
    homes = Apartment.objects.visible_to(request.actor).filter(site=site)
    if site.kind != Kind.COMMUNITY:
        return {"buildings": (), "apartments": homes.none()}
    return {"buildings": Building.objects.visible_to(request.actor).filter(site=site), "apartments": homes}


def _wanted(request: access.PortalRequest, site: Site) -> Apartment | None:
    """The apartment that the address names, as a proposal."""
    wanted = typed_id(request.GET.get("apartment"))
    return Apartment.objects.visible_to(request.actor).filter(site=site, pk=wanted).first() if wanted else None


def _home(piece: Equipment) -> str:
    return reverse("equipment-detail", args=[piece.pk])
