"""The list of a site's apartments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.text import slugify
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Actor
from accounts.typed import keys
from communities import catalogue
from communities.models import Apartment, Building, Entitlement, Resident, status
from devices import reports
from devices.models import Device
from smartplus import access
from smartplus.portal.apartments import exports as apartments_files
from smartplus.portal.apartments import rows as apartment_rows
from smartplus.portal.apartments.rows import Unit
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import ALL, Column, Filter, List, Option, Search
from smartplus.portal.sites.site_context import READERS, site_context, visible_site


def _master_order(actor: Actor) -> Mapping[str, Any]:
    masters = Resident.objects.visible_to(actor).filter(apartment=OuterRef("pk"), is_master=True)
    order = Subquery(masters.values("name_order")[:1])
    return {"master_order": Coalesce(order, Value(""), output_field=TextField())}


def _app_until(actor: Actor) -> Mapping[str, Any]:
    apps = Entitlement.objects.visible_to(actor).wanted()
    apps = apps.filter(target=OuterRef("target_id"), service_type=catalogue.MAIN_SERVICE)
    return {"app_until": Coalesce(Subquery(apps.values("expires_at")[:1]), keyset.FAR)}


PLACE = Column("place", keys=["target__sort_key"])
# Buildings whose names have the same sort key ("Haus A", "Haus Ä") would be mixed in the order of places.
PLACE_WITH_ALIKE = Column("place", keys=["building__name_order", "building_id", "floor_order", "number_order"])
SHOW = Filter(
    "show",
    {
        "no-monitor": Option(gettext_lazy("Without monitor")),
        "no-master": Option(gettext_lazy("Without family master")),
        "not-paid": Option(gettext_lazy("Not paid")),
    },
    every="",
)
APARTMENTS = List(
    title=gettext_lazy("Apartments"),
    columns=(
        PLACE,
        Column("number", gettext_lazy("Apartment"), keys=["number_order", "building__name_order"]),
        Column(
            "master", gettext_lazy("Family master"), keys=["master_order", "number_order"], annotations=_master_order
        ),
        Column("monitor", gettext_lazy("With Indoor Monitor"), keys=["indoor_monitor", "number_order"]),
        Column("landline", gettext_lazy("Landline"), keys=["landline", "number_order"]),
        Column("video", gettext_lazy("Video Storage"), keys=["video_storage", "number_order"]),
        Column("macs", gettext_lazy("Indoor monitor")),
        Column("app", gettext_lazy("App"), keys=["app_until", "number_order"], annotations=_app_until),
    ),
    own="place",
    search=Search(
        gettext_lazy("Search the apartments"),
        gettext_lazy("Apartment, resident, MAC"),
        lambda apartments, text, _actor: reports.searched_apartments(apartments, text),
    ),
    layout="sites/site.html",
    table="cards units",
    has_file=True,
)
CHIPS = 12  # buildings that are shown as filter chips; with more of them there is a list to choose from
# columns that rows need; the tables have many more
SHOWN = ("floor", "number", "name", *catalogue.APARTMENT_SWITCHES, "building__name", "target__sort_key")


@access.roles(*READERS)
@require_safe
def apartment_list(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The apartments of a site, by building and floor; with `format=csv` or `xlsx` all of them as a file."""
    site = visible_site(request, site_id)
    seen: QuerySet[Apartment] = Apartment.objects.visible_to(request.actor)
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    listing = _list_of(buildings).asked(request)
    by_place = listing.sorting.column == PLACE.name
    chosen = next((row for row in buildings if str(row.pk) == listing.chosen.get("building")), None)
    # By place they are read in the order of an index of targets. If both tables were filtered by site, the planner would expect few
    # rows and sort all.
    found = seen.filter(target__site=site) if by_place and not listing.text else seen.filter(site=site)
    found = _of_building(found, chosen, by_place=by_place) if chosen else found
    found = _shown(listing.narrowed(found), listing.chosen.get("show", ""), request)
    found = found.select_related("building", "target")
    if listing.file:
        name = f"{slugify(site.name) or f'site-{site.pk}'}-apartments"
        lines = apartments_files.rows(
            listing.sorted(found), lambda some: with_parts(request.actor, some), site, request.now
        )
        return listing.answer(name, apartments_files.columns(), lines)
    page = listing.page(found, only=SHOWN)
    frame = site_context(request, site, "apartments")
    built = seen.filter(site=site).order_by().values_list("building").annotate(n=Count("*"))
    numbers: dict[str, dict[str, object]] = {
        "building": {"": frame["units"].units, **dict.fromkeys(map(str, (row.pk for row in buildings)), 0)},
        "show": {"no-monitor": frame["units"].missing} if frame["units"].missing else {},
    }
    numbers["building"] |= {str(building): n for building, n in built}
    units = with_parts(request.actor, page.rows)
    cells = apartment_rows.cells(units, site, request.now, by_place=by_place)
    context = {**frame, **listing.context(page, cells, numbers=numbers), "buildings": buildings, "chosen": chosen}
    return render(request, "apartments/list.html", context)


def _list_of(buildings: list[Building]) -> List:
    """The list with the site's buildings as a filter."""
    is_select, (_place, *columns) = len(buildings) > CHIPS, APARTMENTS.columns
    are_alike = len({building.name_order for building in buildings}) < len(buildings)
    choice = Filter(
        "building",
        {str(building.pk): Option(building.name) for building in buildings},
        label=gettext_lazy("Building"),
        every=gettext_lazy("All buildings") if is_select else ALL,
        is_select=is_select,
    )
    return replace(APARTMENTS, columns=(PLACE_WITH_ALIKE if are_alike else PLACE, *columns), filters=(choice, SHOW))


def _of_building(rows: QuerySet[Apartment], chosen: Building, *, by_place: bool) -> QuerySet[Apartment]:
    """The apartments of one building; in the order of places by its range of keys."""
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


def with_parts(actor: Actor, apartments: list[Apartment]) -> list[Unit]:
    """The apartments of a page with everything their rows show; three statements."""
    masters, monitors, apps = defaultdict[int, list[str]](list), defaultdict[int, list[Device]](list), {}
    if apartments:
        living = Resident.objects.visible_to(actor).filter(apartment__in=apartments, is_master=True)
        for apartment_id, name in living.values_list("apartment_id", "name"):
            masters[apartment_id].append(name)
        for device in (
            Device.objects.visible_to(actor).monitors().filter(apartment__in=apartments).only("apartment", "mac")
        ):
            monitors[device.apartment_id or 0].append(device)
        targets = [apartment.target_id for apartment in apartments]
        paid = Entitlement.objects.visible_to(actor).filter(target__in=targets, service_type=catalogue.MAIN_SERVICE)
        apps = {app.target_id: app for app in paid.only("target", "variant", "expires_at", "works_until", "mode")}
    return [Unit(one, masters[one.pk], monitors[one.pk], apps.get(one.target_id)) for one in apartments]
