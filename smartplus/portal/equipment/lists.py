"""The list of a site's equipment."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.text import slugify
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from communities.models import KINDS_OF, Entitlement, Equipment, EquipmentKind, Site, status
from devices import reports
from smartplus import access
from smartplus.portal.equipment import exports as equipment_files
from smartplus.portal.equipment import rows as equipment_rows
from smartplus.portal.equipment.queries import fitted, kinds_to_add, notes_of, rail
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search
from smartplus.portal.sites.site_context import READERS, site_context, visible_site

ORDER = Case(
    *(When(kind=kind.value, then=Value(place)) for place, kind in enumerate(EquipmentKind)), output_field=IntegerField()
)
BY_KIND = Column(
    "kind", keys=["kind_order", "name_order"], annotations=lambda _actor: {"kind_order": ORDER}
)  # as they are declared
SHOW = Filter(
    "show",
    {
        "not-paid": Option(gettext_lazy("Not paid")),
        "grace": Option(gettext_lazy("In grace")),
        "archived": Option(gettext_lazy("Archived")),
    },
    every="",
)
EQUIPMENT = List(
    title=gettext_lazy("Equipment"),
    columns=(
        BY_KIND,
        Column("name", gettext_lazy("Name"), keys=["name_order"]),
        Column("make", gettext_lazy("Make or model"), css="col-760"),
        Column("number", gettext_lazy("Number or address")),
        Column(
            "place",
            gettext_lazy("Place"),
            keys=["at_building", "at_number", "name_order"],
            annotations=lambda _actor: {
                "at_building": Coalesce("building__name_order", Value(""), output_field=TextField()),
                "at_number": Coalesce("apartment__number_order", Value(""), output_field=TextField()),
            },
        ),
        Column("works", gettext_lazy("Works")),
        Column("until", gettext_lazy("Paid until")),
    ),
    own="kind",
    search=Search(
        gettext_lazy("Search the equipment"),
        gettext_lazy("Name, MAC, serial number"),
        lambda rows, text, _actor: reports.searched_equipment(rows, text),
    ),
    layout="sites/site.html",
    table="two-line cards units",
    has_file=True,
)
SHOWN = (
    "kind", "name", "maker", "model", "serial", "address", "viewers", "target_id", "archived_at", "building__name", "apartment__number",
    "apartment__building__name",
)  # fmt: skip


@access.roles(*READERS)
@require_safe
def equipment_list(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The equipment of a site by kind; with `format=csv` or `xlsx` all of it as a file."""
    site = visible_site(request, site_id)
    listing = _list_of(site).asked(request)
    seen = Equipment.objects.visible_to(request.actor).filter(site=site)
    found = _shown(listing.narrowed(seen), listing.chosen.get("show", ""), request)
    found = found.select_related("building", "apartment__building")
    if listing.file:
        name = f"{slugify(site.name) or f'site-{site.pk}'}-equipment"
        lines = equipment_files.rows(listing.sorted(found), lambda some: fitted(request.actor, some), site, request.now)
        return listing.answer(name, equipment_files.columns(), lines, of=found)
    page = listing.page(found, only=SHOWN)
    money, numbers = rail(request, site), _numbers(seen)
    notes = notes_of(site, money["prices"], numbers) if listing.sorting.column == BY_KIND.name else None
    cells = equipment_rows.cells(fitted(request.actor, page.rows), site, request.now, notes=notes)
    context = {
        **site_context(request, site, "equipment"),
        **listing.context(page, cells, numbers={"kind": numbers}),
        **money,
        "is_camera_off": not site.third_party_camera and numbers[EquipmentKind.CAMERA.value],
        "kinds": kinds_to_add(site),
    }
    return render(request, "equipment/list.html", context)


def _list_of(site: Site) -> List:
    """The list with the kinds that the project type has."""
    kinds = {kind.value: Option(equipment_rows.PLURALS[kind], Q(kind=kind)) for kind in KINDS_OF[site.kind]}
    return replace(EQUIPMENT, filters=(Filter("kind", kinds, label=gettext_lazy("Kind")), SHOW))


def _shown(rows: QuerySet[Equipment], show: str, request: access.PortalRequest) -> QuerySet[Equipment]:
    if show == "archived":
        return rows.exclude(archived_at=None)
    rows = rows.filter(archived_at=None)
    items = Entitlement.objects.visible_to(request.actor).wanted().filter(target=OuterRef("target_id"))
    if show == "not-paid":
        return rows.filter(Exists(items.exclude(status.in_force(request.now))))
    if show == "grace":
        return rows.filter(Exists(items.filter(status.in_grace(request.now))))
    return rows


def _numbers(seen: QuerySet[Equipment]) -> dict[str, object]:
    """How many of each kind are in use, "" for all."""
    rows = seen.filter(archived_at=None).order_by().values_list("kind").annotate(n=Count("pk"))
    counts: dict[str, object] = dict(rows)
    return {"": sum(n for _kind, n in rows), **dict.fromkeys(EquipmentKind.values, 0), **counts}
