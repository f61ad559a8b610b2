"""Importing apartments: the file, the check before anything is written, the corrections, and the list of what was imported (R79)."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from communities.models import ApartmentImport, ImportRow, Kind, Site
from devices import actions
from devices.imported import CELLS
from smartplus import access
from smartplus.jobs import kinds, starting
from smartplus.jobs.imports import IMPORT_ID
from smartplus.portal.imports import prices
from smartplus.portal.imports import rows as shown
from smartplus.portal.imports.forms import ImportForm, limits
from smartplus.portal.kit import exports, keyset
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.export_cells import Kind as Cell
from smartplus.portal.kit.exports import Column
from smartplus.portal.kit.once import made, once
from smartplus.portal.kit.responses import answer, submitted
from smartplus.portal.sites.site_context import WORKERS, site_context, visible_site

R = ImportRow.Result
WRONG_SHOWN, GOOD_SHOWN, EARLIER = 50, 50, 5
INPUT = re.compile(r"r(\d{1,9})-([a-z]+)")
WAY = re.compile(r"(\d{1,9}):(\d{1,3})")


def _community(request: access.PortalRequest, site_id: int) -> Site:
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMUNITY:
        raise Site.DoesNotExist
    return site


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def apartment_import(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Upload a file or paste cells; they are checked, and nothing is written yet."""
    site = _community(request, site_id)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    began = submitted(
        form,
        lambda: actions.start_import(
            request.actor, site_id=site.pk, name=form.name, size=form.size, columns=form.columns, lines=form.lines,
            language=request.user.language, now=request.now,
        ),
    )  # fmt: skip
    if began is not None:
        return made(redirect("import-detail", began.pk), began)
    earlier = ApartmentImport.objects.visible_to(request.actor).filter(site=site).select_related("created_by")
    context = {
        **site_context(request, site, "apartments"),
        "cells": list(CELLS.values()),
        "limits": limits(),
        "megabytes": settings.IMPORT_MB,
        "unpacked": settings.IMPORT_UNPACKED_MB,
        "earlier": earlier[:EARLIER],
    }
    return answer(request, "imports/form.html", form, context)


def _visible(request: access.PortalRequest, import_id: int) -> ApartmentImport:
    found = ApartmentImport.objects.visible_to(request.actor).select_related("created_by", "job").get(pk=import_id)
    found.site = visible_site(request, found.site_id)
    return found


@access.roles(*WORKERS)
@require_safe
def import_detail(request: access.PortalRequest, import_id: int) -> HttpResponse:
    """The check of an import, or what it did."""
    made_of = _visible(request, import_id)
    rows = ImportRow.objects.visible_to(request.actor).filter(of=made_of)
    counts = prices.result_counts(dict(rows.order_by().values_list("result").annotate(n=Count("pk"))))
    show = request.GET.get("show", "")
    chosen = show if show in R.values else ""
    columns = shown.columns_of(made_of.columns)
    wrong = (
        list(rows.filter(result=R.WRONG)[:WRONG_SHOWN]) if chosen in {"", R.WRONG} and not made_of.started_at else []
    )
    listed = rows.filter(result=chosen) if chosen else rows.exclude(result=R.WRONG)
    page = keyset.page(listed, by=("number", "pk"), query=request.GET, size=GOOD_SHOWN)
    takeable = sum(any(way[0] == "use" for way in row.ways) for row in wrong)
    total = sum(counts.values())
    context: dict[str, Any] = {
        **site_context(request, made_of.site, "apartments"),
        "import": made_of,
        "columns": [CELLS[cell] for cell in columns],
        "wrong": shown.wrong(wrong, columns),
        "wrong_beyond": counts[R.WRONG] - len(wrong) if wrong else 0,
        "page": page,
        "good": shown.good(page.rows, columns) if chosen != R.WRONG else [],
        "counts": counts,
        "total": total,
        "writable": counts[R.NEW] + counts[R.CHANGED] + counts[R.UNCHANGED],
        "suggestions": takeable,
        "price": prices.price_of(request, made_of.site, counts[R.NEW]),
        "chips": [("", _("All rows"), total, not chosen)]
        + [(value, label, counts[value], value == chosen) for value, label in R.choices if counts[value]],
    }
    return render(request, "imports/detail.html", context)


@access.roles(*WORKERS)
@require_POST
@refused_at("import-detail")
def import_correct(request: access.PortalRequest, import_id: int) -> HttpResponse:
    """Take corrected cells, one way out, or all suggestions, and check again."""
    cells: dict[int, dict[str, str]] = defaultdict(dict)
    for name, value in request.POST.items():
        if found := INPUT.fullmatch(name):
            cells[int(found[1])][found[2]] = str(value)
    way = WAY.fullmatch(request.POST.get("way", ""))
    actions.correct_import(
        request.actor,
        import_id=import_id,
        cells=cells,
        way=(int(way[1]), int(way[2])) if way else None,
        takes_all="all" in request.POST,
        now=request.now,
    )
    return redirect("import-detail", import_id)


@access.roles(*WORKERS)
@require_POST
@once
@refused_at("import-detail")
def import_begin(request: access.PortalRequest, import_id: int) -> HttpResponse:
    """Import all rows, or the good ones: a few at once, many by a job."""
    made_of = _visible(request, import_id)
    count = actions.begin_import(request.actor, import_id=import_id, only_good="good" in request.POST, now=request.now)
    job = starting.start(
        request.actor,
        kind=kinds.IMPORT,
        subject=made_of.name,
        parameters={IMPORT_ID: import_id},
        total=count,
        site_id=made_of.site_id,
        is_small=count <= settings.IMPORT_ROWS_AT_ONCE,
        now=request.now,
    )
    actions.note_job(request.actor, import_id=import_id, job=job, now=request.now)
    if job.is_open or job.failures or job.state != job.State.DONE:
        return made(redirect("job-detail", job.pk), job)
    messages.success(request, _("The import is done."))
    return made(redirect("import-detail", import_id), job)


@access.roles(*WORKERS)
@require_POST
@refused_at("import-detail")
def import_discard(request: access.PortalRequest, import_id: int) -> HttpResponse:
    """Delete an import that has not begun."""
    site_id = _visible(request, import_id).site_id
    actions.discard_import(request.actor, import_id=import_id, now=request.now)
    messages.success(request, _("The import is deleted. Nothing of it was written."))
    return redirect("apartment-import", site_id)


@access.roles(*WORKERS)
@require_safe
def import_file(request: access.PortalRequest, import_id: int) -> HttpResponseBase:
    """The rows that are to be corrected or were not done, as a file that can be imported again, with what is wrong."""
    made_of = _visible(request, import_id)
    rows = ImportRow.objects.visible_to(request.actor).filter(of=made_of, result__in=[R.WRONG, R.FAILED, R.LEFT_OUT])
    columns = [Column(_("Row"), Cell.NUMBER), *(Column(str(CELLS[cell])) for cell in CELLS), Column(_("What is wrong"))]
    lines = (
        [row.number, *(row.cells.get(cell, "") for cell in CELLS), "; ".join(row.problems.values())]
        for row in rows.iterator()
    )
    name = f"{slugify(made_of.site.name) or 'site'}-import-{made_of.pk}"
    return exports.answer(request, exports.asked(request) or "csv", name, columns, lines, count=rows.count)
