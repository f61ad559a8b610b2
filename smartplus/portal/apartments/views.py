"""Apartments: one apartment, creating and editing with monitors in the same form (R18)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from communities.models import Apartment, Building, Kind
from devices import actions
from smartplus import access, past_forms
from smartplus.portal.apartments.forms import ApartmentForm, MonitorRows, Sheet
from smartplus.portal.kit import conflicts, edits
from smartplus.portal.kit.monitors import with_fixed
from smartplus.portal.kit.once import once_where
from smartplus.portal.kit.responses import posted
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.residents.queries import household_of
from smartplus.portal.sites.site_context import READERS, WORKERS, apartment_page, site_context, visible_site
from smartplus.portal.sites.tabs import home_of

PAGE = "apartments/form.html"


@access.roles(*READERS)
@require_safe
def apartment_detail(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """One apartment: switches, people, devices, paid services, and what works. The unit of a house has the page of the house."""
    shown = apartment_page(request, apartment_id, with_archived=True)
    site = shown["site"]
    if site.kind == Kind.HOUSE:
        return redirect(home_of(site), site.pk)
    return render(request, "apartments/detail.html", {**shown, **household_of(request.actor, shown)})


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once_where(lambda request: not _is_preparing(request))
def apartment_new(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """An apartment and its monitors, created together (R18)."""
    site = visible_site(request, site_id)
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    start = {"building": request.GET.get("building"), "floor": request.GET.get("floor")}
    kept = past_forms.take(request, request.path, Sheet.NAMES)
    data = kept or posted(request)
    shown = {**site_context(request, site, "apartments"), "buildings": buildings}

    def unsaved(sheet: Sheet) -> Sheet | None:
        """The sheet as typed, where it is not sent for saving."""
        if kept is not None:
            return sheet.as_typed(more=0)
        return _as_typed(request, sheet) if _is_preparing(request) else None

    return edits.add(
        request,
        PAGE,
        form=Sheet(data, rows=MonitorRows(data), site=site, buildings=buildings, start=start),
        asks=unsaved,
        act=lambda sheet: _create(request, sheet),
        context=lambda sheet: _context(request, shown, sheet),
        said=lambda saved, sheet: with_fixed(_("%(apartment)s is created.") % {"apartment": saved}, sheet.rows.fixed),
        to=_another if request.POST.get("then") == "another" else _home,
    )


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def apartment_edit(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Change an apartment's facts and switches; monitors may be added in the same form (R17)."""
    kept = past_forms.take(request, request.path, Sheet.NAMES)

    def unsaved(sheet: Sheet) -> Sheet | None:
        """The sheet as typed, where it is not sent for saving. If it waited for the sign-in, a conflict is found against the saved values."""
        if kept is None:
            return _as_typed(request, sheet) if _is_preparing(request) else None
        typed, now = sheet.as_typed(more=0), ApartmentForm(site=sheet.site, apartment=sheet.apartment)
        typed.initial = {**typed.initial, "version": now.initial["version"], conflicts.WAS: conflicts.shown(now)}
        return typed

    return edits.edit(
        request,
        PAGE,
        edits.Edit(
            row=lambda: apartment_page(request, apartment_id),
            form=lambda shown, sent: _sheet(shown, kept or sent),
            asks=unsaved,
            act=lambda sheet: _save(request, apartment_id, sheet),
            fresh=lambda shown: _sheet(shown, None, rows=MonitorRows(request.POST).with_more(more=0)),
            saved_by=lambda shown: conflicts.about(shown["apartment"]),
            context=lambda shown, sheet: _context(request, shown, sheet),
            said=lambda saved, sheet: with_fixed(_("%(apartment)s is saved.") % {"apartment": saved}, sheet.rows.fixed),
            to=_home,
        ),
    )


def _create(request: access.PortalRequest, sheet: Sheet) -> Apartment:
    return actions.add_apartment(
        request.actor,
        building_id=sheet.cleaned_data["building"],
        switches=sheet.switches,
        monitors=sheet.rows.entries,
        now=request.now,
        **sheet.place,
    )


def _save(request: access.PortalRequest, apartment_id: int, sheet: Sheet) -> Apartment:
    return actions.edit_apartment(
        request.actor,
        apartment_id=apartment_id,
        version=edits.version_of(sheet),
        switches=sheet.switches,
        monitors=sheet.rows.entries,
        now=request.now,
        **sheet.place,
    )


def _context(request: access.PortalRequest, shown: dict[str, Any], sheet: Sheet) -> edits.Context:
    return {
        **shown,
        "rows": sheet.rows,
        "summary": sheet.summary(),
        "limit": settings.DEVICES_PER_APARTMENT,
        "preview": price_preview.for_apartment(request, sheet, sheet.site, sheet.apartment),
    }


def _sheet(shown: dict[str, Any], data: QueryDict | None, *, rows: MonitorRows | None = None) -> Sheet:
    """The sheet of an existing apartment; it has an empty row only if there is no monitor yet."""
    apartment: Apartment = shown["apartment"]
    rows = rows or MonitorRows(data, rows=0 if shown["devices"] else 1)
    return Sheet(data, rows=rows, site=apartment.site, apartment=apartment)


def _is_preparing(request: access.PortalRequest) -> bool:
    """Whether a button asked for another row, a repaired MAC or the price, and not for saving; works without script."""
    return request.method == "POST" and (
        "add-row" in request.POST or "use" in request.POST or price_preview.is_asking(request)
    )


def _as_typed(request: access.PortalRequest, sheet: Sheet) -> Sheet:
    return sheet.as_typed(use=request.POST.get("use", ""), more=0 if price_preview.is_asking(request) else 1)


def _home(apartment: Apartment) -> str:
    return reverse("apartment-detail", args=[apartment.pk])


def _another(created: Apartment) -> str:
    query = urlencode({"building": created.building_id, "floor": created.floor})
    return f"{reverse('apartment-new', args=[created.site_id])}?{query}"
