"""The audit log: every change in one's subtree, as a list and as a file."""

from __future__ import annotations

from dataclasses import replace

from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.audit import Area
from accounts.models.audit import tenant_order
from smartplus import access
from smartplus.portal.audit import exports as audit_files
from smartplus.portal.audit import queries as audit_log
from smartplus.portal.audit import rows as audit_rows
from smartplus.portal.kit.lists import Column, Filter, List, Option, Search
from smartplus.portal.kit.numbers import typed_id

AREAS = Filter("area", {value: Option(label) for value, label in Area.choices})
WHO = Filter(
    "who",
    {
        audit_log.ME: Option(gettext_lazy("You")),
        audit_log.OWN: Option(gettext_lazy("Your organization")),
        audit_log.SYSTEM: Option(gettext_lazy("SmartPlus by itself")),
    },
    label=gettext_lazy("Who"),
    every=gettext_lazy("Everybody"),
    is_select=True,
    is_apart=True,
)
AUDIT = List(
    title=gettext_lazy("Audit log"),
    columns=(
        Column("entry", keys=["pk"]),
        Column("time", gettext_lazy("Time")),
        Column("who", gettext_lazy("Who")),
        Column("what", gettext_lazy("What")),
        Column("where", gettext_lazy("Where")),
        Column("effect", gettext_lazy("Effect")),
    ),
    own="-entry",
    search=Search(gettext_lazy("Search the audit log"), gettext_lazy("Who, site, MAC or order")),
    layout="settings/base.html",
    bar="audit-bar",
    panel="audit",
    has_file=True,
)


@access.roles(*audit_log.READERS)
@require_safe
def audit_list(request: access.PortalRequest) -> HttpResponseBase:
    """The changes asked for, the newest first; with `format=csv` or `xlsx` all of them as a file."""
    actor, listing = request.actor, _list_of(request.GET).asked(request)
    found = audit_log.events(actor, listing, now=request.now).select_related("organization", "distributor")
    if listing.file:
        return listing.answer("audit", audit_files.columns(), audit_files.lines(actor, found), of=found)
    page = listing.page(found, under=tenant_order(actor))
    rows = audit_log.rows(actor, page.rows)
    cells = audit_rows.cells(rows, request.GET, request.now, is_of_one=bool(listing.chosen.get("who")))
    number = listing.count(page, found, by=(*tenant_order(actor), "-pk"))
    return render(request, "audit/list.html", {**listing.context(page, cells), "rows": rows, "number": number})


def _list_of(query: QueryDict) -> List:
    """The list, with its periods, and with one person as a choice where the address names one."""
    periods = {days: Option(_("Last %(n)s days") % {"n": days}) for days in audit_log.DAYS}
    periods[audit_log.ANY_TIME] = Option(_("All time"))
    days = Filter("days", periods, label=_("Period"), own=audit_log.LATELY, is_select=True, is_apart=True)
    who, person = WHO, query.get("who", "")
    if person not in WHO.options and typed_id(person):
        who = replace(WHO, options={**WHO.options, person: Option(_("One person"))})
    return replace(AUDIT, filters=(AREAS, days, who))
