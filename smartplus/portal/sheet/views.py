"""A community opens on its sheet: what is paid above, then its apartments by building and floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
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
from smartplus.portal.sheet.edit_rows import Editor
from smartplus.portal.sheet.forms import SheetForm
from smartplus.portal.sheet.groups import Counts, House, houses_of, together
from smartplus.portal.sheet.review import conflict_of, review_of
from smartplus.portal.sheet.rows import HeadCells, ShownFloor, ShownHouse, UnitCells
from smartplus.portal.sheet.strip import prices_for, strip_of
from smartplus.portal.sites import todo
from smartplus.portal.sites.site_context import HOUSEKEEPERS, READERS, facts_of, site_context, units_in, visible_site
from smartplus.portal.sites.tabs import home_of
from smartplus.statuses import CONFLICT, UNPROCESSABLE

QUERY = 500  # signs of the address that the sheet is shown again under


@access.roles(*READERS)
@require_safe
def site_sheet(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The sheet of a community; with `format=csv` or `xlsx` all apartments that match as a file. Other project types open elsewhere."""
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMUNITY:
        return redirect(home_of(site), site.pk)
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    kept = {"edit": "1"} if "edit" in request.GET else {}
    listing = lists.list_of(buildings, request.GET).asked(request, kept=kept)
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
    drawn = Drawn(request, site, listing, _editor(site, frame), is_form="edit" in listing.further)
    shown = _houses(drawn, page, every, matching)
    cells = [] if shown else drawn.cells(page.rows)
    total = together(house.counts for house in matching)
    return {
        **frame,
        **listing.context(page, cells, numbers=_numbers(every, groups)),
        "buildings": buildings,
        "chosen": lists.chosen_in(listing, buildings),
        "houses": shown,
        "has_table": any(house.ghost for house in shown),
        "total": total,
        "head": drawn.head(total, site.name) if not listing.is_narrowed else rows.head_of(total),
        "strip": strip,
        "prices": prices,
        "first": todo.above_sheet(facts, request.now),
        **_editing(request, site, drawn),
    }


def _totals(every: Sequence[House]) -> tuple[int, int, dict[str, int]]:
    total = together(house.counts for house in every)
    return total.all, total.waiting, {code: getattr(total, code) for code in catalogue.APARTMENT_SWITCHES}


def _editor(site: Site, frame: Mapping[str, Any]) -> Editor | None:
    return Editor(site, is_whole=frame["may_work"]) if frame["may_house"] else None


def _editing(request: access.PortalRequest, site: Site, drawn: Drawn) -> dict[str, Any]:
    """What the page of who edits needs besides: the patterns of fields for the script, and the ways to the form without it."""
    if drawn.editor is None:
        return {"edits": False}
    as_form = request.GET.copy()
    as_form["edit"] = "1"
    return {
        "edits": True,
        "is_form": drawn.is_form,
        "form_url": f"?{as_form.urlencode()}",
        "query": request.GET.urlencode(),
        "pattern": [drawn.editor.pattern()],
        "fix": drawn.editor.fix_pattern(),
        "ghost": edit_rows.ghost_pattern(site) if drawn.editor.is_whole else None,
    }


@dataclass(frozen=True, slots=True)
class Drawn:
    """How a page is drawn: for readers, for who edits, or (`is_form`) with fields for who has no script."""

    request: access.PortalRequest
    site: Site
    listing: Listing
    editor: Editor | None
    is_form: bool

    def cells(self, apartments: list[Apartment]) -> list[UnitCells]:
        """The rows of apartments."""
        by_place = lists.is_by_place(self.listing)
        units = lists.with_parts(self.request.actor, apartments)
        cells = rows.cells(units, self.site, self.request.now, by_place=by_place)
        if self.editor is None:
            return cells
        return self.editor.filled(units, cells, by_place=by_place) if self.is_form else self.editor.marked(units, cells)

    def head(self, counts: Counts, of: str, *, building: int | None = None, floor: str = "") -> HeadCells:
        """The head of a building, a floor or the whole sheet."""
        if self.editor is None or not self.editor.is_whole:
            return rows.head_of(counts)
        return edit_rows.head_of(counts, self.site, of, building=building, floor=floor)


def _houses(
    drawn: Drawn, page: keyset.Page[Apartment], every: Sequence[House], matching: Sequence[House]
) -> list[ShownHouse]:
    """The buildings and floors of the page; none where the sheet has another order. Of folded floors the apartments are not read. For who
    edits each building ends with a row that adds an apartment."""
    listing, site = drawn.listing, drawn.site
    if not lists.is_by_place(listing):
        return []
    numbers = {house.building.pk: house.counts.all for house in every}
    paid = lists.paid_in(drawn.request.actor, site, now=drawn.request.now)
    heads = rows.shown_houses(matching, numbers, paid, lambda house: _head(drawn, house))
    places = {(house.building.pk, floor.name): at for house in every for at, floor in enumerate(house.floors)}
    counts = {(house.building.pk, floor.name): floor.counts for house in matching for floor in house.floors}
    folds = lists.folded(listing, matching)
    shown, opened = list[ShownHouse](), list[tuple[ShownFloor, list[Apartment]]]()
    last: dict[int, Apartment] = {}
    for (building_id, name), some in groupby(page.rows, lambda row: (row.building_id, row.floor)):
        if not shown or shown[-1].building.pk != building_id:
            shown.append(heads[building_id])
        is_open = building_id not in folds or not opened
        place, here = (building_id, name), list(some)
        n, url = counts.get(place, Counts()), lists.floor_url(listing, building_id, name)
        head = drawn.head(n, f"{shown[-1].building.name} {name}", building=building_id, floor=name)
        floor = rows.shown_floor(building_id, places.get(place, 0), name, n, head=head, url=url, is_open=is_open)
        shown[-1].floors.append(floor)
        last[building_id] = here[-1]
        if is_open:
            opened.append((floor, here))
    made = iter(drawn.cells([row for _floor, here in opened for row in here]))
    for floor, here in opened:
        floor.cells = list(islice(made, len(here)))
    if _is_whole(listing) and not page.next:  # what has no apartment yet stands at the end
        chosen = listing.chosen.get("building", "")
        shown += [heads[pk] for pk, n in numbers.items() if not n and chosen in {"", str(pk)}]
    if drawn.editor is not None and drawn.editor.is_whole:
        _add_ghosts(drawn, page, shown, last)
    return shown


def _is_whole(listing: Listing) -> bool:
    """Whether buildings are shown with all their apartments."""
    return not listing.text and not set(listing.chosen) - {"building"}


def _head(drawn: Drawn, house: House) -> HeadCells:
    return drawn.head(house.counts, house.building.name, building=house.building.pk)


def _add_ghosts(
    drawn: Drawn, page: keyset.Page[Apartment], shown: list[ShownHouse], last: Mapping[int, Apartment]
) -> None:
    """Put the row that adds an apartment at the end of each building that ends on the page and is shown whole."""
    if not _is_whole(drawn.listing):
        return
    for house in shown:
        goes_on = bool(page.next) and house is shown[-1]
        if not goes_on:
            house.ghost = edit_rows.ghost_of(house.building, last.get(house.building.pk), drawn.site)


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


@access.roles(*HOUSEKEEPERS)
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
        "query": request.POST.get("query", "")[:QUERY],
        "back": _back(request, site),
        "summary": {"general": general, "items": problems, "count": len(general) + len(problems)},
    }
    status = CONFLICT if conflict else UNPROCESSABLE if problems or general else 200
    return render(request, "sheet/review.html", context, status=status)


def _apply(request: access.PortalRequest, site: Site, form: SheetForm) -> Applied:
    return apply_sheet(
        request.actor, site_id=site.pk, edits=form.edits, new=form.new, language=get_language() or "en", now=request.now
    )


def _back(request: access.PortalRequest, site: Site) -> str:
    """The sheet that the changes came from, with its filters and on its page."""
    query = QueryDict(request.POST.get("query", "")[:QUERY]).urlencode()
    return f"{reverse('site-detail', args=[site.pk])}{'?' if query else ''}{query}"


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
    return made(redirect(_back(request, site)), applied.change or (applied.created[0] if applied.created else None))
