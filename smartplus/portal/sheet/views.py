"""A community opens on its sheet: what is paid above, then its apartments by building and floor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, islice
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from communities import catalogue, reports
from communities.models import Apartment, Building, Kind, Site
from communities.reports import Group
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Listing
from smartplus.portal.sheet import exports, lists, rows
from smartplus.portal.sheet.groups import Counts, House, houses_of, together
from smartplus.portal.sheet.rows import ShownFloor, ShownHouse
from smartplus.portal.sheet.strip import prices_for, strip_of
from smartplus.portal.sites import todo
from smartplus.portal.sites.site_context import READERS, facts_of, site_context, units_in, visible_site
from smartplus.portal.sites.tabs import home_of


@access.roles(*READERS)
@require_safe
def site_sheet(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The sheet of a community; with `format=csv` or `xlsx` all apartments that match as a file. Other project types open elsewhere."""
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMUNITY:
        return redirect(home_of(site), site.pk)
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    listing = lists.list_of(buildings, request.GET).asked(request)
    found = lists.found_by(listing, site, buildings, request).select_related("building", "target")
    if listing.file:
        name = f"{slugify(site.name) or f'site-{site.pk}'}-apartments"
        lines = exports.rows(
            listing.sorted(found), lambda some: lists.with_parts(request.actor, some), site, request.now
        )
        return listing.answer(name, exports.columns(), lines, of=found)
    return render(request, "sheet/list.html", sheet_context(request, site, buildings, listing))


@access.roles(*READERS)
@require_safe
def apartment_list(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The former address of the apartments of a site."""
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"{reverse('site-detail', args=[visible_site(request, site_id).pk])}{query}", permanent=True)


def sheet_context(
    request: access.PortalRequest, site: Site, buildings: Sequence[Building], listing: Listing
) -> dict[str, Any]:
    """Everything that the page of the sheet says; a number of statements that no number of apartments changes."""
    found = lists.found_by(listing, site, buildings, request).select_related("building", "target")
    page = listing.page(found, only=lists.SHOWN)
    every = houses_of(Apartment.objects.visible_to(request.actor).filter(site=site), buildings)
    matching = houses_of(found, buildings) if listing.is_narrowed else every
    groups = reports.groups_of(site, request.now)
    counted = reports.Apartments(*_totals(every))
    progress = reports.progress_at(site, groups)
    frame = site_context(request, site, "apartments", progress=progress, units=units_in(counted))
    prices = prices_for(request, site)
    strip = strip_of(request, site, groups, progress, prices)
    facts = facts_of(
        request, site, counted, groups, frame, buildings=len(buildings), open_here=strip.open, requests=strip.requests
    )
    shown = _houses(request, site, listing, page, every, matching)
    cells = [] if shown else _cells(request, site, page.rows, by_place=False)
    total = together(house.counts for house in matching)
    return {
        **frame,
        **listing.context(page, cells, numbers=_numbers(every, groups)),
        "buildings": buildings,
        "chosen": lists.chosen_in(listing, buildings),
        "houses": shown,
        "total": total,
        "head": rows.head_of(total),
        "strip": strip,
        "prices": prices,
        "first": todo.above_sheet(facts, request.now),
    }


def _totals(every: Sequence[House]) -> tuple[int, int, dict[str, int]]:
    total = together(house.counts for house in every)
    return total.all, total.waiting, {code: getattr(total, code) for code in catalogue.APARTMENT_SWITCHES}


def _houses(
    request: access.PortalRequest,
    site: Site,
    listing: Listing,
    page: keyset.Page[Apartment],
    every: Sequence[House],
    matching: Sequence[House],
) -> list[ShownHouse]:
    """The buildings and floors of the page; none where the sheet has another order. Of folded floors the apartments are not read."""
    if not lists.is_by_place(listing):
        return []
    numbers = {house.building.pk: house.counts.all for house in every}
    heads = rows.shown_houses(matching, numbers, lists.paid_in(request.actor, site, now=request.now))
    places = {(house.building.pk, floor.name): at for house in every for at, floor in enumerate(house.floors)}
    counts = {(house.building.pk, floor.name): floor.counts for house in matching for floor in house.floors}
    folds = lists.folded(listing, matching)
    shown, opened = list[ShownHouse](), list[tuple[ShownFloor, list[Apartment]]]()
    for (building_id, name), some in groupby(page.rows, lambda row: (row.building_id, row.floor)):
        if not shown or shown[-1].building.pk != building_id:
            shown.append(heads[building_id])
        is_open = building_id not in folds or not opened
        place, url = (building_id, name), lists.floor_url(listing, building_id, name)
        n = counts.get(place, Counts())
        floor = rows.shown_floor(building_id, places.get(place, 0), name, n, url=url, is_open=is_open)
        shown[-1].floors.append(floor)
        if is_open:
            opened.append((floor, list(some)))
    of_page = [row for _floor, of_floor in opened for row in of_floor]
    made = iter(_cells(request, site, of_page, by_place=True))
    for floor, of_floor in opened:
        floor.cells = list(islice(made, len(of_floor)))
    if not listing.is_narrowed and not page.next:  # what has no apartment yet stands at the end
        shown += [heads[house.building.pk] for house in every if not house.floors]
    return shown


def _cells(
    request: access.PortalRequest, site: Site, apartments: list[Apartment], *, by_place: bool
) -> list[rows.UnitCells]:
    return rows.cells(lists.with_parts(request.actor, apartments), site, request.now, by_place=by_place)


def _numbers(every: Sequence[House], groups: Sequence[Group]) -> dict[str, dict[str, object]]:
    """The numbers of the chips: of all apartments of the site, whatever is searched for."""
    total = together(house.counts for house in every)
    apps = [row for row in groups if row.service_type == catalogue.MAIN_SERVICE and row.variant]
    return {
        "building": {"": total.all, **{str(house.building.pk): house.counts.all for house in every}},
        "show": {
            "no-monitor": total.waiting,
            "not-paid": sum(row.n - row.alive for row in apps),
            "landline-off": total.all - total.landline,
            "no-master": total.all - sum(row.n for row in apps),
        },
    }
