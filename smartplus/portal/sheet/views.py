"""A community opens on its sheet: what is paid above, then its apartments by building and floor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, islice
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import Conflict
from communities import catalogue, reports
from communities.models import Apartment, Building, Kind, Site
from communities.reports import Group
from devices.actions import Applied, apply_sheet, dry_run_of_sheet
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Listing
from smartplus.portal.kit.once import made, once_where
from smartplus.portal.kit.responses import submitted
from smartplus.portal.sheet import edit_rows, exports, lists, rows
from smartplus.portal.sheet.forms import SheetForm
from smartplus.portal.sheet.groups import Counts, House, houses_of, together
from smartplus.portal.sheet.review import conflict_of, review_of
from smartplus.portal.sheet.rows import ShownFloor, ShownHouse
from smartplus.portal.sheet.strip import prices_for, strip_of
from smartplus.portal.sites import todo
from smartplus.portal.sites.site_context import READERS, WORKERS, facts_of, site_context, units_in, visible_site
from smartplus.portal.sites.tabs import home_of
from smartplus.statuses import CONFLICT, UNPROCESSABLE


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
    edits: bool = frame["may_work"]
    shown = _houses(request, site, listing, page, every, matching, edits=edits)
    cells = [] if shown else _cells(request, site, page.rows, by_place=False, edits=edits)
    total = together(house.counts for house in matching)
    return {
        **frame,
        **listing.context(page, cells, numbers=_numbers(every, groups)),
        "buildings": buildings,
        "chosen": lists.chosen_in(listing, buildings),
        "houses": shown,
        "total": total,
        "head": edit_rows.head_of(total, site, site.name) if edits and not listing.is_narrowed else rows.head_of(total),
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
    *,
    edits: bool,
) -> list[ShownHouse]:
    """The buildings and floors of the page; none where the sheet has another order. Of folded floors the apartments are not read. For who
    `edits` each building ends with a row that adds an apartment."""
    if not lists.is_by_place(listing):
        return []
    numbers = {house.building.pk: house.counts.all for house in every}
    heads = rows.shown_houses(
        matching,
        numbers,
        lists.paid_in(request.actor, site, now=request.now),
        lambda house: _head(site, house, edits=edits),
    )
    places = {(house.building.pk, floor.name): at for house in every for at, floor in enumerate(house.floors)}
    counts = {(house.building.pk, floor.name): floor.counts for house in matching for floor in house.floors}
    folds = lists.folded(listing, matching)
    shown, opened = list[ShownHouse](), list[tuple[ShownFloor, list[Apartment]]]()
    last: dict[int, Apartment] = {}
    for (building_id, name), some in groupby(page.rows, lambda row: (row.building_id, row.floor)):
        if not shown or shown[-1].building.pk != building_id:
            shown.append(heads[building_id])
        is_open = building_id not in folds or not opened
        place, url = (building_id, name), lists.floor_url(listing, building_id, name)
        n = counts.get(place, Counts())
        head = (
            edit_rows.head_of(n, site, f"{shown[-1].building.name} {name}", building=building_id, floor=name)
            if edits
            else rows.head_of(n)
        )
        floor = rows.shown_floor(building_id, places.get(place, 0), name, n, head=head, url=url, is_open=is_open)
        shown[-1].floors.append(floor)
        here = list(some)
        last[building_id] = here[-1]
        if is_open:
            opened.append((floor, here))
    of_page = [row for _floor, here in opened for row in here]
    made = iter(_cells(request, site, of_page, by_place=True, edits=edits))
    for floor, of_floor in opened:
        floor.cells = list(islice(made, len(of_floor)))
    if not listing.is_narrowed and not page.next:  # what has no apartment yet stands at the end
        shown += [heads[house.building.pk] for house in every if not house.floors]
    if edits:
        _add_ghosts(site, listing, page, shown, last)
    return shown


def _head(site: Site, house: House, *, edits: bool) -> rows.HeadCells:
    if not edits:
        return rows.head_of(house.counts)
    return edit_rows.head_of(house.counts, site, house.building.name, building=house.building.pk)


def _add_ghosts(
    site: Site, listing: Listing, page: keyset.Page[Apartment], shown: list[ShownHouse], last: dict[int, Apartment]
) -> None:
    """Put the row that adds an apartment at the end of each building that ends on the page and is shown whole."""
    if listing.text or set(listing.chosen) - {"building"}:
        return
    for house in shown:
        goes_on = bool(page.next) and house is shown[-1]
        if not goes_on:
            house.ghost = edit_rows.ghost_of(house.building, last.get(house.building.pk), site)


def _cells(
    request: access.PortalRequest, site: Site, apartments: list[Apartment], *, by_place: bool, edits: bool
) -> Sequence[Any]:
    units = lists.with_parts(request.actor, apartments)
    cells = rows.cells(units, site, request.now, by_place=by_place)
    return edit_rows.editable(units, cells, site) if edits else cells


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


@access.roles(*WORKERS)
@require_POST
@once_where(lambda request: request.POST.get("action") == "apply")
def sheet_changes(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """What the typed changes do: as the tray below the sheet, as a page, or applied. Nothing is written unless `action` says so."""
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMUNITY:
        raise Site.DoesNotExist
    form = SheetForm(request.POST)
    if "use" in request.POST:
        form = SheetForm(form.with_mac(request.POST["use"]))
    elif request.POST.get("action") == "apply":
        applied = submitted(form, lambda: _apply(request, site, form), also=(Conflict,))
        if applied is not None:
            return _done(request, site, applied)
    run = dry_run_of_sheet(request.actor, site, form.edits, form.new)
    form.outdated = form.outdated or run.outdated
    if request.htmx:
        return render(request, "sheet/_tray.html", {"review": review_of(request, site, form, run), "site": site})
    form.mark({cell: error for cell, error in run.errors.items() if not form.has_said(cell)})
    conflict = conflict_of(request, run, form.outdated) if form.outdated else None
    problems, general = form.problems(), [str(text) for text in form.non_field_errors()]
    context = {
        **site_context(request, site, "apartments"),
        "review": review_of(request, site, form, run),
        "form": form,
        "conflict": conflict,
        "summary": {"general": general, "items": problems, "count": len(general) + len(problems)},
    }
    status = CONFLICT if conflict else UNPROCESSABLE if problems or general else 200
    return render(request, "sheet/review.html", context, status=status)


def _apply(request: access.PortalRequest, site: Site, form: SheetForm) -> Applied:
    return apply_sheet(
        request.actor, site_id=site.pk, edits=form.edits, new=form.new, language=get_language() or "en", now=request.now
    )


def _done(request: access.PortalRequest, site: Site, applied: Applied) -> HttpResponse:
    """Back on the sheet, with a message; a change of switches can be taken back on its own page."""
    n = applied.count
    said = ngettext("%(n)s change is applied.", "%(n)s changes are applied.", n) % {"n": n}
    if applied.change is None:
        messages.success(request, said)
    else:
        words = format_html(
            '{} <a href="{}">{}</a>', said, reverse("change-detail", args=[applied.change.pk]), _("Undo")
        )
        messages.success(request, words)
    return made(redirect("site-detail", site.pk), applied.change or (applied.created[0] if applied.created else None))
