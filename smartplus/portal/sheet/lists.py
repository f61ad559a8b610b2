"""The list behind the sheet: which apartments of a site an address asks for, in which order, and what belongs to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Case, Count, Max, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.scope import Actor
from accounts.typed import keys
from communities import catalogue
from communities.models import Apartment, Building, Entitlement, Resident, Site, status
from devices import reports
from devices.models import Device
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import ALL, Column, Filter, List, Listing, Option, Search, address
from smartplus.portal.sheet.groups import House
from smartplus.portal.sheet.rows import Unit


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
        "not-paid": Option(gettext_lazy("Not paid")),
        "landline-off": Option(gettext_lazy("Landline off"), Q(landline=False)),
        "no-master": Option(gettext_lazy("No resident")),
    },
    label=gettext_lazy("Only"),
    every="",
)
SHEET = List(
    title=gettext_lazy("Apartments"),
    columns=(
        PLACE,
        Column("number", gettext_lazy("Apartment"), keys=["number_order", "building__name_order"], css="no"),
        Column(
            "master", gettext_lazy("Family master"), keys=["master_order", "number_order"], annotations=_master_order
        ),
        Column("monitor", gettext_lazy("With Indoor Monitor"), keys=["indoor_monitor", "number_order"], css="sv"),
        Column("landline", gettext_lazy("Landline"), keys=["landline", "number_order"], css="sv"),
        Column("video", gettext_lazy("Video Storage"), keys=["video_storage", "number_order"], css="sv"),
        Column("macs", gettext_lazy("Indoor monitor"), css="macs"),
        Column(
            "until", gettext_lazy("Paid until"), keys=["app_until", "number_order"], annotations=_app_until, css="until"
        ),
        Column("status", gettext_lazy("Status"), css="stat"),
    ),
    own="place",
    search=Search(
        gettext_lazy("Search the apartments"),
        gettext_lazy("Apartment, resident, MAC"),
        lambda apartments, text, _actor: reports.searched_apartments(apartments, text),
    ),
    layout="sites/site.html",
    table="cards sheet",
    has_file=True,
)
CHIPS = 12  # buildings that are shown as filter chips; with more of them there is a list to choose from
FOLDED_FROM = 51  # matching apartments of a building from which on its floors are folded
# columns that rows need; the tables have many more
SHOWN = (
    "floor", "number", "name", "version", "monitor_pending", *catalogue.APARTMENT_SWITCHES, "building__name",
    "target__sort_key",
)  # fmt: skip


def list_of(buildings: Sequence[Building], query: QueryDict) -> List:
    """The list with the site's buildings as a filter, and the floor that the address asks for."""
    is_select, (_place, *columns) = len(buildings) > CHIPS, SHEET.columns
    are_alike = len({building.name_order for building in buildings}) < len(buildings)
    choice = Filter(
        "building",
        {str(building.pk): Option(building.name) for building in buildings},
        label=gettext_lazy("Building"),
        every=gettext_lazy("All buildings") if is_select else ALL,
        is_select=is_select,
        clears=["floor"],
    )
    floor = query.get("floor", "") if query.get("building") in choice.options else ""
    words = _("floor %(floor)s") % {"floor": floor}
    floors = [Filter("floor", {floor: Option(words, Q(floor=floor))}, label=_("Floor"), every="")] if floor else []
    filters = (choice, *floors, SHOW)
    return replace(SHEET, columns=(PLACE_WITH_ALIKE if are_alike else PLACE, *columns), filters=filters)


def found_by(
    listing: Listing, site: Site, buildings: Sequence[Building], request: access.PortalRequest
) -> QuerySet[Apartment]:
    """The apartments of the site that the address asks for."""
    seen: QuerySet[Apartment] = Apartment.objects.visible_to(request.actor)
    by_place = is_by_place(listing)
    chosen = chosen_in(listing, buildings)
    # By place they are read in the order of an index of targets. If both tables were filtered by site, the planner would expect few
    # rows and sort all.
    found = seen.filter(target__site=site) if by_place and not listing.text else seen.filter(site=site)
    found = _of_building(found, chosen, by_place=by_place) if chosen else found
    return _shown(listing.narrowed(found), listing.chosen.get("show", ""), request)


def folded(listing: Listing, houses: Sequence[House]) -> set[int]:
    """The buildings whose floors are folded: those with many matching apartments, unless one searches or looks at one floor."""
    if listing.text or "floor" in listing.chosen:
        return set()
    return {house.building.pk for house in houses if house.counts.all >= FOLDED_FROM}


def floor_url(listing: Listing, building_id: int, floor: str) -> str:
    """The address of one floor, within what else is asked for."""
    query = listing.query.copy()
    query["building"] = str(building_id)
    return address(query, "floor", floor)


def is_by_place(listing: Listing) -> bool:
    """Whether the sheet has its own order: by building, floor and number."""
    return listing.sorting.column == PLACE.name


def chosen_in(listing: Listing, buildings: Sequence[Building]) -> Building | None:
    """The building that the address asks for."""
    return next((row for row in buildings if str(row.pk) == listing.chosen.get("building")), None)


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
    people, monitors, apps = dict[int, tuple[str, int]](), defaultdict[int, list[Device]](list), {}
    if apartments:
        living = Resident.objects.visible_to(actor).filter(apartment__in=apartments).order_by()
        master = Max(Case(When(is_master=True, then="name"), default=Value(""), output_field=TextField()))
        for apartment_id, name, n in living.values_list("apartment_id").annotate(master=master, n=Count("pk")):
            people[apartment_id] = (name, n - bool(name))
        for device in (
            Device.objects.visible_to(actor)
            .monitors()
            .filter(apartment__in=apartments)
            .only("apartment", "mac", "model")
        ):
            monitors[device.apartment_id or 0].append(device)
        targets = [apartment.target_id for apartment in apartments]
        paid = Entitlement.objects.visible_to(actor).filter(target__in=targets, service_type=catalogue.MAIN_SERVICE)
        apps = {app.target_id: app for app in paid.only("target", "variant", "expires_at", "works_until", "mode")}
    return [Unit(one, *people.get(one.pk, ("", 0)), monitors[one.pk], apps.get(one.target_id)) for one in apartments]


def paid_in(actor: Actor, site: Site, *, now: Any) -> dict[str, tuple[int, int]]:
    """How many items of each building are paid and how many are not, by the name of the building; one statement."""
    wanted = Entitlement.objects.visible_to(actor).wanted().filter(site=site).exclude(target__building="")
    alive = status.in_force(now)
    rows = wanted.order_by().values_list("target__building").annotate(alive=Count("pk", filter=alive), n=Count("pk"))
    return {building: (paid, n - paid) for building, paid, n in rows}
