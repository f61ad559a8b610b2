"""The list of the residents of a site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import DateField, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Actor
from accounts.typed import phones
from accounts.typed.finding import every_word, holds
from communities.actions.residents import says_yes
from communities.models import Apartment, Kind, Resident, Site, Stage
from smartplus import access
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search
from smartplus.portal.residents import exports, rows
from smartplus.portal.sites.site_context import READERS, site_context, visible_site

FAR = Value(date(9999, 1, 1), output_field=DateField())  # where there is no day: after all others


def _days(_actor: Actor) -> Mapping[str, Any]:
    return {"begins": Coalesce("lease_from", FAR), "ends": Coalesce("lease_until", FAR)}


def searched(residents: QuerySet[Resident], text: str) -> QuerySet[Resident]:
    """Residents that have each word of `text` in their name, address or number, or in the number or name of their apartment."""
    found = every_word(text, lambda word: holds(word, "search_key", "apartment__search_key"))
    if number := phones.digits(text):
        found |= holds(number, "search_key")
    return residents.filter(found)


SHOW = Filter(
    "show",
    {
        "present": Option(gettext_lazy("Lives here"), Q(stage=Stage.PRESENT)),
        "leaving": Option(gettext_lazy("Leaving"), Q(stage=Stage.PRESENT, lease_until__isnull=False)),
        "future": Option(gettext_lazy("Moves in later"), Q(stage=Stage.FUTURE)),
        "waiting": Option(gettext_lazy("Waits for a yes"), Q(stage=Stage.WAITING)),
        "ended": Option(gettext_lazy("Moved out"), Q(stage=Stage.ENDED)),
    },
    label=gettext_lazy("Status"),
    every=gettext_lazy("Current"),
)
RESIDENTS = List(
    title=gettext_lazy("Residents"),
    columns=(
        Column("name", gettext_lazy("Name"), keys=["name_order", "pk"]),
        Column("apartment", gettext_lazy("Apartment"), keys=["apartment__target__sort_key", "name_order"]),
        Column("contact", gettext_lazy("Contact"), css="col-960"),
        Column("status", gettext_lazy("Status"), keys=["stage", "name_order"]),
        Column("from", gettext_lazy("First day"), keys=["begins", "name_order"], annotations=_days, css="col-760"),
        Column("until", gettext_lazy("Last day"), keys=["ends", "name_order"], annotations=_days),
        Column("do", gettext_lazy("Actions"), is_silent=True),
    ),
    own="name",
    search=Search(
        gettext_lazy("Search the residents"),
        gettext_lazy("Name, email, mobile, apartment"),
        lambda residents, text, _actor: searched(residents, text),
    ),
    filters=(SHOW,),
    layout="sites/site.html",
    table="two-line cards",
    has_file=True,
)
# columns that rows need
SHOWN = (
    "name", "email", "mobile", "is_master", "becomes_master", "stage", "lease_from", "lease_until", "left_at", "apartment__number",
    "apartment__building__name", "apartment__target__sort_key",
)  # fmt: skip


@access.roles(*READERS)
@require_safe
def site_residents(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """Who lives at a site, arrives, waits or has left; with `format=csv` or `xlsx` all who match as a file."""
    actor, site = request.actor, visible_site(request, site_id)
    frame = site_context(request, site, "residents")
    may_accept = says_yes(actor) and bool(frame["may_house"])
    listing = RESIDENTS.asked(request, hidden=[] if may_accept else ["do"])
    here = Resident.objects.visible_to(actor).filter(site=site, apartment__archived_at=None)
    people = here if listing.chosen.get(SHOW.name) == "ended" else here.current()
    found = listing.narrowed(people.select_related("apartment__building", "apartment__target"))
    if listing.file:
        name = f"{slugify(site.name) or f'site-{site.pk}'}-residents"
        return listing.answer(name, exports.columns(), exports.rows(listing.sorted(found)), of=found)
    page = listing.page(found, only=SHOWN)
    cells = rows.cells(page.rows, may_house=frame["may_house"], may_accept=may_accept)
    numbers = {SHOW.name: {"waiting": here.filter(stage=Stage.WAITING).count() or None}}
    waiting = next((one for one in page.rows if may_accept and one.stage == Stage.WAITING), None)
    context = {
        **frame,
        **listing.context(page, cells, numbers=numbers),
        "home": _home(actor, site),
        "accept_url": reverse("resident-accept", args=[waiting.pk]) if waiting else "",
    }
    return render(request, "residents/list.html", context)


def _home(actor: Actor, site: Site) -> Apartment | None:
    """The unit of a house: the household is there."""
    if site.kind != Kind.HOUSE:
        return None
    return Apartment.objects.visible_to(actor).filter(site=site).first()
