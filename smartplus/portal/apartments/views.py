"""Apartments: one apartment, creating and editing with monitors in the same form (R18)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Conflict, Refused
from communities.models import Apartment, Building
from devices import actions
from smartplus import access, past_forms
from smartplus.portal.apartments.forms import ApartmentForm, MonitorRows, Sheet, with_fixed
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import posted
from smartplus.portal.kit.once import made, once_where
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.sites.site_context import READERS, WORKERS, apartment_page, site_context, visible_site
from smartplus.statuses import CONFLICT, UNPROCESSABLE


@access.roles(*READERS)
@require_safe
def apartment_detail(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """One apartment: switches, people, devices, what is paid and what works."""
    return render(request, "apartments/detail.html", apartment_page(request, apartment_id))


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
    sheet = Sheet(ApartmentForm(data, site=site, buildings=buildings, start=start), MonitorRows(data))
    context = {**site_context(request, site, "apartments"), "buildings": buildings}
    if kept is not None:
        return _page(request, context, sheet.as_typed(more=0))
    if _is_preparing(request):
        return _page(request, context, _as_typed(request, sheet))
    created = _tried(sheet, lambda: _create(request, sheet))
    if created is None:
        return _page(request, context, sheet)
    said = _("%(apartment)s is created.") % {"apartment": created}
    messages.success(request, with_fixed(said, sheet.rows.fixed))
    leads = _another(created) if request.POST.get("then") == "another" else _home(created)
    return made(redirect(leads), created)


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def apartment_edit(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Facts and switches of an apartment; monitors may be added on the way (R17)."""
    context = apartment_page(request, apartment_id)
    kept = past_forms.take(request, request.path, Sheet.NAMES)
    sheet = _sheet(kept or posted(request), context)
    if kept is not None:
        saved_now, typed = _sheet(None, context).form, sheet.as_typed(more=0)
        typed.form.initial["version"] = saved_now.initial["version"]
        typed.form.saved = conflicts.shown(saved_now)  # type: ignore[attr-defined]
        return _page(request, context, typed)
    if _is_preparing(request):
        return _page(request, context, _as_typed(request, sheet))
    try:
        saved = _tried(sheet, lambda: _save(request, apartment_id, sheet))
    except Conflict:
        context = apartment_page(request, apartment_id)
        fresh = Sheet(_sheet(None, context).form, sheet.rows.with_more(more=0))
        told = conflicts.clash(request, conflicts.about(context["apartment"]), (sheet.form, fresh.form))
        return _page(request, {**context, "conflict": told}, fresh, status=CONFLICT)
    if saved is None:
        return _page(request, context, sheet)
    said = _("%(apartment)s is saved.") % {"apartment": saved}
    messages.success(request, with_fixed(said, sheet.rows.fixed))
    return redirect(_home(saved))


def _create(request: access.PortalRequest, sheet: Sheet) -> Apartment:
    return actions.add_apartment(
        request.actor,
        building_id=sheet.form.cleaned_data["building"],
        switches=sheet.form.switches,
        monitors=sheet.rows.entries,
        now=request.now,
        **sheet.form.place,
    )


def _save(request: access.PortalRequest, apartment_id: int, sheet: Sheet) -> Apartment:
    return actions.edit_apartment(
        request.actor,
        apartment_id=apartment_id,
        version=sheet.form.cleaned_data["version"] or 0,
        switches=sheet.form.switches,
        monitors=sheet.rows.entries,
        now=request.now,
        **sheet.form.place,
    )


def _tried(sheet: Sheet, act: Callable[[], Apartment]) -> Apartment | None:
    """Run the action if the sheet is in shape; what it refuses is shown where it belongs."""
    if not sheet.is_valid():
        return None
    try:
        return act()
    except Refused as refusal:
        sheet.refuse(refusal)
    return None


def _page(request: access.PortalRequest, context: dict[str, Any], sheet: Sheet, *, status: int = 0) -> HttpResponse:
    summary = sheet.summary()
    page = {
        **context,
        "form": sheet.form,
        "rows": sheet.rows,
        "summary": summary,
        "limit": settings.DEVICES_PER_APARTMENT,
        "preview": price_preview.for_apartment(request, sheet.form, sheet.form.site, sheet.form.apartment),
    }
    return render(request, "apartments/form.html", page, status=status or (UNPROCESSABLE if summary["count"] else 200))


def _sheet(data: QueryDict | None, context: dict[str, Any]) -> Sheet:
    """The sheet of an existing apartment: an empty row only where there is no monitor yet."""
    apartment: Apartment = context["apartment"]
    return Sheet(
        ApartmentForm(data, site=apartment.site, apartment=apartment),
        MonitorRows(data, rows=0 if context["devices"] else 1),
    )


def _is_preparing(request: access.PortalRequest) -> bool:
    """Whether a button asked for another row, a repaired MAC or the price, not for saving: works without script."""
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
