"""The list of sites."""

from __future__ import annotations

from django.db.models.functions import Coalesce
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Role
from accounts.typed import postal
from communities import reports
from communities.models import Site, SiteDraft
from devices import reports as device_reports
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search
from smartplus.portal.sites import exports as sites_files
from smartplus.portal.sites import rows as site_rows
from smartplus.portal.sites.site_context import READERS

SITES = List(
    title=gettext_lazy("Sites"),
    columns=(
        Column("name", gettext_lazy("Site"), keys=["name_order"]),
        Column("installer", gettext_lazy("Installer"), keys=["installer__name_order", "name_order"], css="col-760"),
        Column("type", gettext_lazy("Type and class"), keys=["kind", "name_order"], css="col-680"),
        Column("units", gettext_lazy("Units")),
        Column("mac", gettext_lazy("MAC")),
        Column("paid", gettext_lazy("Paid")),
        Column(
            "expiry",
            gettext_lazy("Next expiry"),
            keys=["next_expiry", "name_order"],
            annotations=lambda _actor: {"next_expiry": Coalesce(reports.next_expiry(), keyset.FAR)},
        ),
    ),
    own="name",
    search=Search(
        gettext_lazy("Search the sites"),
        gettext_lazy("Name, address or MAC"),
        lambda sites, text, _actor: device_reports.searched_sites(sites, text),
    ),
    filters=(Filter("show", {"archived": Option(gettext_lazy("Archived"))}, label=gettext_lazy("Filter"), every=""),),
    layout="sites/base.html",
    table="two-line cards sites",
    has_file=True,
)
SHOWN = ("kind", "name", *postal.FIELDS, "time_zone")  # what rows are made of; the tables have many more columns


@access.roles(*READERS)
@require_safe
def site_list(request: access.PortalRequest) -> HttpResponseBase:
    """The sites one may see, by name, with how far each has come; with `format=csv` or `xlsx` all of them as a file."""
    shows_installer = request.actor.role in {Role.OPERATOR, Role.DISTRIBUTOR, Role.SUBDISTRIBUTOR}
    listing = SITES.asked(request, hidden=() if shows_installer else ("installer",))
    seen = Site.objects.visible_to(request.actor)
    if listing.chosen.get("show") == "archived":
        seen = Site.every.visible_to(request.actor).filter(archived_at__isnull=False)
    found = listing.narrowed(seen)
    found = found.select_related("installer") if shows_installer else found
    if listing.file:
        lines = sites_files.rows(listing.sorted(found), request.now, shows_installer=shows_installer)
        return listing.answer("sites", sites_files.columns(shows_installer=shows_installer), lines, of=found)
    page = listing.page(found, only=(*SHOWN, "installer__name") if shows_installer else SHOWN)
    rows = sites_files.with_progress(page.rows, request.now)
    context = listing.context(page, site_rows.cells(rows, shows_installer=shows_installer, now=request.now))
    drafts = SiteDraft.objects.visible_to(request.actor).count() if request.actor.role is Role.INSTALLER else 0
    return render(request, "sites/list.html", {**context, "count": listing.count(page, found), "drafts": drafts})
