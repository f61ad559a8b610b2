"""Apartments: the list of a site, one apartment, creating and editing with monitors in the same form (R18)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Conflict, Refused
from accounts.typed import keys
from accounts.typed.text import sought
from communities import catalogue
from communities.models import Apartment, Building, Entitlement, Resident, status
from devices import actions, reports
from devices.models import Device
from smartplus import access, past_forms
from smartplus.portal.apartments import exports as apartments_files
from smartplus.portal.apartments import rows as apartment_rows
from smartplus.portal.apartments.forms import ApartmentForm, MonitorRows, Sheet, with_fixed
from smartplus.portal.kit import conflicts, keyset
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit.answers import posted
from smartplus.portal.kit.once import made, once_where
from smartplus.portal.price_preview import queries as price_preview
from smartplus.portal.sites.site_context import READERS, WORKERS, apartment_page, site_context, visible_site
from smartplus.statuses import CONFLICT, UNPROCESSABLE

PAGE = 50
CHIPS = 12  # buildings of a site with a chip each; of more one is chosen from a list
# What rows are made of and sorted by; the tables have many more columns.
SHOWN = (
    "floor", "number", "name", "number_order", *catalogue.APARTMENT_SWITCHES, "building__name", "building__name_order", "target__sort_key",
)  # fmt: skip
COLUMNS: keyset.Columns = {
    "place": ["target__sort_key"],
    "number": ["number_order", "building__name_order"],
    "master": ["master_order", "number_order"],
    "monitor": ["indoor_monitor", "number_order"],
    "landline": ["landline", "number_order"],
    "video": ["video_storage", "number_order"],
    "app": ["app_until", "number_order"],
}


@access.roles(*READERS)
@require_safe
def apartment_list(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The apartments of a site, building by building and floor by floor; with `format=csv` or `xlsx` all of them as a file."""
    site = visible_site(request, site_id)
    units = dict(
        Apartment.objects.visible_to(request.actor)
        .filter(site=site)
        .order_by()
        .values_list("building")
        .annotate(n=Count("*"))
    )
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    for row in buildings:
        row.n = units.get(row.pk, 0)  # type: ignore[attr-defined]
    chosen = next((row for row in buildings if str(row.pk) == request.GET.get("building")), None)
    text, show = sought(request.GET.get("q", "")), request.GET.get("show", "")
    sorting = keyset.sorting(request.GET, _columns(buildings), own="place")
    by_place = sorting.column == "place"
    rows: QuerySet[Apartment] = Apartment.objects.visible_to(request.actor)
    # By place they are read in the order of an index of targets; with the site said of both, the database would expect few and sort all.
    rows = rows.filter(target__site=site) if by_place and not text else rows.filter(site=site)
    if chosen:
        rows = _of_building(rows, chosen, by_place=by_place)
    if text:
        rows = reports.searched_apartments(rows, text)
    rows = _shown(rows, show, request)
    rows = _with_keys(_with_parts(rows, request), sorting.column, request)
    if file := tables.asked(request):
        name = f"{slugify(site.name) or f'site-{site.pk}'}-apartments"
        lines = apartments_files.rows(rows.order_by(*sorting.by), site, request.now)
        return tables.answer(file, name, apartments_files.columns(), lines)
    page = keyset.page(rows.only(*SHOWN), by=sorting.by, query=request.GET, size=PAGE)
    cells = apartment_rows.cells(page.rows, site, request.now, by_place=by_place)
    context = {"page": page, "cells": cells, "sorting": sorting, "buildings": buildings}
    context["many"] = len(buildings) > CHIPS
    context |= {"chosen": chosen, "q": text, "show": show}
    return render(request, "apartments/list.html", {**site_context(request, site, "apartments"), **context})


def _columns(buildings: list[Building]) -> keyset.Columns:
    """What the list can be sorted by. Buildings whose names are sorted alike ("Haus A", "Haus Ä") would mix in the keys of places."""
    if len({building.name_order for building in buildings}) == len(buildings):
        return COLUMNS
    return {**COLUMNS, "place": ["building__name_order", "building_id", "floor_order", "number_order"]}


def _of_building(rows: QuerySet[Apartment], chosen: Building, *, by_place: bool) -> QuerySet[Apartment]:
    """Those of one building; in the order of places with where it begins and ends there."""
    rows = rows.filter(building=chosen)
    if not by_place:
        return rows
    first, beyond = keys.places_in(chosen.name_order)
    return rows.filter(target__sort_key__gte=first, target__sort_key__lt=beyond)


def _shown(rows: QuerySet[Apartment], show: str, request: access.PortalRequest) -> QuerySet[Apartment]:
    apps = Entitlement.objects.visible_to(request.actor).wanted().filter(service_type=catalogue.MAIN_SERVICE)
    if show == "no-monitor":
        return reports.without_monitor(rows)
    if show == "no-master":
        return reports.without_master(rows)
    if show == "not-paid":
        return reports.with_entitlement(rows, apps.exclude(status.in_force(request.now)))
    return rows


def _with_parts(rows: QuerySet[Apartment], request: access.PortalRequest) -> QuerySet[Apartment]:
    """Each apartment with `masters`, `monitors` and `apps`; three statements for the whole page."""
    actor = request.actor
    masters = Resident.objects.visible_to(actor).filter(is_master=True).only("apartment", "name")
    monitors = Device.objects.visible_to(actor).monitors().only("apartment", "mac")
    apps = Entitlement.objects.visible_to(actor).filter(service_type=catalogue.MAIN_SERVICE)
    apps = apps.only("target", "variant", "expires_at", "works_until", "mode")
    return (
        rows.select_related("building", "target")
        .prefetch_related(Prefetch("residents", masters, to_attr="masters"))
        .prefetch_related(Prefetch("devices", monitors, to_attr="monitors"))
        .prefetch_related(Prefetch("target__entitlements", apps, to_attr="apps"))
    )


def _with_keys(rows: QuerySet[Apartment], column: str, request: access.PortalRequest) -> QuerySet[Apartment]:
    """What the rows are sorted by, where that stands elsewhere: the family master's name, and the end of the App's paid time."""
    here = OuterRef("pk")
    if column == "master":
        masters = Resident.objects.visible_to(request.actor).filter(apartment=here, is_master=True)
        return rows.annotate(
            master_order=Coalesce(Subquery(masters.values("name_order")[:1]), Value(""), output_field=TextField())
        )
    if column == "app":
        apps = (
            Entitlement.objects.visible_to(request.actor)
            .wanted()
            .filter(target=OuterRef("target_id"), service_type=catalogue.MAIN_SERVICE)
        )
        return rows.annotate(app_until=Coalesce(Subquery(apps.values("expires_at")[:1]), keyset.FAR))
    return rows


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
