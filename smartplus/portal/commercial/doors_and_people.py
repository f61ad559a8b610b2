"""The page on which a commercial site opens: its doors, its people, and the services of the whole site."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from communities.actions.residents import may_edit_residents
from communities.models import CommercialAccount, Kind
from smartplus import access
from smartplus.portal.commercial import exports as people_files
from smartplus.portal.commercial import rows as people_rows
from smartplus.portal.commercial.lists import PEOPLE, SHOWN
from smartplus.portal.commercial.queries import doors_context, people, rail, services_of
from smartplus.portal.sites.site_context import READERS, site_context, visible_site


@access.roles(*READERS)
@require_safe
def commercial_site(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """Doors with their slots, people by name, services; with `format=csv` or `xlsx` the people as a file."""
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMERCIAL:
        raise Http404
    may_house = may_edit_residents(request.actor) and site.archived_at is None
    listing = PEOPLE.asked(request, hidden=() if may_house else ("do",))
    seen = CommercialAccount.objects.visible_to(request.actor).filter(site=site)
    found = listing.narrowed(seen if listing.chosen.get("show") else seen.in_use())
    if listing.file:
        name = f"{slugify(site.name) or f'site-{site.pk}'}-people"
        lines = people_files.rows(listing.sorted(found), lambda some: people(request.actor, some), site)
        return listing.answer(name, people_files.columns(), lines, of=found)
    page = listing.page(found, only=SHOWN)
    money = rail(request, site)
    cells = people_rows.cells(people(request.actor, page.rows), site, request.now, may_house=may_house)
    context = {
        **site_context(request, site, "doors"),
        **listing.context(page, cells, numbers=_numbers(seen)),
        **money,
        **doors_context(request.actor, site, request.now),
        "services": services_of(request.actor, site, money["prices"], request.now),
    }
    return render(request, "commercial/site.html", context)


def _numbers(seen: QuerySet[CommercialAccount]) -> dict[str, dict[str, object]]:
    """How many accounts of each kind are in use, and how many have their intercom on; one statement."""
    rows = seen.filter(archived_at=None).order_by().values("kind")
    counted = list(rows.annotate(n=Count("pk"), on=Count("pk", filter=Q(intercom=True))))
    on, n = sum(row["on"] for row in counted), sum(row["n"] for row in counted)
    return {"kind": {"": n, **{row["kind"]: row["n"] for row in counted}}, "show": {"on": on, "off": n - on}}
