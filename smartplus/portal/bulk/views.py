"""Bulk update for all apartments (S1, R15–R17): the dry run, applying exactly it, and taking it back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Conflict
from accounts.models import LongJob
from accounts.scope import Role
from communities.models import Apartment, Building, Kind, Resident, ServiceChange, Site
from devices import actions, bulk
from devices.bulk import DryRun
from devices.errors import DryRunOutdated
from smartplus import access
from smartplus.jobs import kinds, starting
from smartplus.jobs.bulk import parameters_of
from smartplus.portal.bulk import choices, exports, sums
from smartplus.portal.bulk.choices import Place
from smartplus.portal.bulk.forms import ROWS, MonitorSheet
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.once import made, once, once_where
from smartplus.portal.kit.responses import submitted
from smartplus.portal.sites.site_context import REQUEST_READERS, WORKERS, site_context, visible_site
from smartplus.statuses import CONFLICT, UNPROCESSABLE

EARLIER = 5  # changes of the site, listed below the dry run


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once_where(lambda request: "use" not in request.POST)
def bulk_change(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """What a bulk change would do, and applying exactly that. What is set, and where, stands in the address."""
    site = _community(request, site_id)
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    run = bulk.dry_run(site, choices.wanted_of(request.GET, buildings))
    if request.method != "POST":
        return _page(request, site, run, buildings, _sheet(request, run))
    sheet = _sheet(request, run, is_sent=True)
    if request.POST.get("digest", "") != run.digest:
        sheet.refuse(DryRunOutdated())  # whatever was pressed: another dry run is never shown without saying so
    elif "use" in request.POST:
        return _page(request, site, run, buildings, sheet.with_mac(request.POST["use"]))
    change: ServiceChange | LongJob | None = None
    if not sheet.outdated:
        change = submitted(sheet, lambda: _apply(request, site, run, sheet), also=(Conflict,))
    if sheet.outdated:
        run = bulk.dry_run(site, run.wanted)
        typed = _sheet(request, run, is_sent=True)
        return _page(request, site, run, buildings, typed, status=CONFLICT, outdated=sheet.outdated)
    if change is None:
        return _page(request, site, run, buildings, sheet, status=UNPROCESSABLE)
    if isinstance(change, LongJob):
        return made(redirect("job-detail", change.pk), change)
    n = change.count
    messages.success(request, ngettext("%(n)s apartment is changed.", "%(n)s apartments are changed.", n) % {"n": n})
    return made(redirect("change-detail", change.pk), change)


def _community(request: access.PortalRequest, site_id: int) -> Site:
    """A site with apartments; of other project types there is nothing to set in bulk (S1)."""
    site = visible_site(request, site_id)
    if site.kind != Kind.COMMUNITY:
        raise Site.DoesNotExist
    return site


def _apply(request: access.PortalRequest, site: Site, run: DryRun, sheet: MonitorSheet) -> ServiceChange | LongJob:
    """Apply the change, or with many apartments start the job that does."""
    monitors, may_wait = sheet.entries, sheet.cleaned_data["may_wait"]
    if len(run.rows) <= settings.BULK_APARTMENTS_AT_ONCE:
        return actions.apply_bulk_change(
            request.actor, site_id=site.pk, wanted=run.wanted, digest=run.digest, monitors=monitors, may_wait=may_wait,
            now=request.now,
        )  # fmt: skip
    actions.refuse_unready(site, run, run.digest, monitors, may_wait=may_wait)
    return starting.start(
        request.actor,
        kind=kinds.BULK,
        subject=site.name,
        parameters=parameters_of(run.wanted, run.digest, monitors, may_wait=may_wait, query=request.GET.urlencode()),
        total=len(run.rows),
        site_id=site.pk,
        now=request.now,
    )


@access.roles(*WORKERS)
@require_safe
def bulk_change_file(request: access.PortalRequest, site_id: int) -> HttpResponseBase:
    """The apartments that a bulk change would change, as a file."""
    site = _community(request, site_id)
    buildings = Building.objects.visible_to(request.actor).filter(site=site)
    run = bulk.dry_run(site, choices.wanted_of(request.GET, buildings))
    return exports.of_dry_run(request, site, run, exports.asked(request) or "csv")


@access.roles(*REQUEST_READERS, Role.TECHNICIAN)
@require_safe
def change_detail(request: access.PortalRequest, change_id: int) -> HttpResponseBase:
    """What a bulk change did, and what taking it back would do."""
    change = _visible(request, change_id)
    if file := exports.asked(request):
        return exports.of_change(request, change, file)
    return _change_page(request, change)


@access.roles(*WORKERS)
@require_POST
@once
@refused_at("change-detail")
def change_undo(request: access.PortalRequest, change_id: int) -> HttpResponse:
    """Take a bulk change back where nothing speaks against it."""
    change = _visible(request, change_id)
    digest = request.POST.get("digest", "")
    if change.count > settings.BULK_APARTMENTS_AT_ONCE:
        job = starting.start(
            request.actor, kind=kinds.BULK_UNDO, subject=change.site.name, parameters={"change": change.pk, "digest": digest},
            total=change.count, site_id=change.site_id, now=request.now,
        )  # fmt: skip
        return made(redirect("job-detail", job.pk), job)
    back = actions.undo_bulk_change(request.actor, change_id=change.pk, digest=digest, now=request.now)
    n = back.count
    words = ngettext("%(n)s apartment is as it was before.", "%(n)s apartments are as they were before.", n)
    messages.success(request, words % {"n": n})
    return made(redirect("change-detail", back.pk), back)


def _sheet(request: access.PortalRequest, run: DryRun, *, is_sent: bool = False) -> MonitorSheet:
    lacking = run.lacking
    rows = Apartment.objects.visible_to(request.actor).filter(pk__in=lacking).select_related("building", "target")
    shown = list(rows.order_by("target__sort_key", "pk")[:ROWS]) if lacking else []
    living = Resident.objects.visible_to(request.actor).filter(apartment__in=shown, is_master=True)
    masters = dict(living.values_list("apartment_id", "name")) if shown else {}
    return MonitorSheet(request.POST if is_sent else None, shown, masters, beyond=len(lacking) - len(shown))


def _page(
    request: access.PortalRequest,
    site: Site,
    run: DryRun,
    buildings: list[Building],
    sheet: MonitorSheet,
    *,
    status: int = 200,
    outdated: str = "",
) -> HttpResponse:
    wanted, found = run.wanted, Apartment.objects.visible_to(request.actor).filter(site=site)
    switched = wanted.apartments(site).aggregate(
        **{code: Count("pk", filter=Q(**{code: True})) for code in bulk.SWITCHES}
    )
    places = (
        found.order_by("building__name_order", "floor_order", "floor")
        .values_list("building", "floor")
        .annotate(n=Count("pk"))
    )
    general = [str(text) for text in sheet.non_field_errors()] if sheet.is_bound else []
    problems = sheet.problems()
    context: dict[str, Any] = {
        **site_context(request, site, "apartments"),
        "run": run,
        "buildings": buildings,
        "settings": choices.settings(request.GET, wanted, switched, run.looked_at),
        "bars": [[bar] for bar in choices.bars(request.GET, wanted, buildings, [Place(*values) for values in places])],
        "kept_parameters": [(code, request.GET[code]) for code in bulk.SWITCHES if code in request.GET],
        "building": wanted.building_id,
        "stay": run.looked_at - len(run.rows),
        "lacking": len(run.lacking),
        "sheet": sheet,
        "sums": sums.of_dry_run(request, site, run, buildings, typed=sheet.typed),
        "is_above_ceiling": wanted.is_above_ceiling(site),
        "outdated": outdated,
        "file_url": f"{reverse('bulk-change-file', args=[site.pk])}?{request.GET.urlencode()}",
        "summary": {"general": general, "items": problems, "count": len(general) + len(problems)},
        "earlier": ServiceChange.objects.visible_to(request.actor)
        .filter(site=site)
        .select_related("created_by")[:EARLIER],
    }
    return render(request, "bulk/form.html", context, status=status)


def _visible(request: access.PortalRequest, change_id: int) -> ServiceChange:
    rows = ServiceChange.objects.visible_to(request.actor).select_related(
        "created_by", "undoes", "undone_by", "building"
    )
    change = rows.get(pk=change_id)
    change.site = visible_site(request, change.site_id)
    return change


def _change_page(request: access.PortalRequest, change: ServiceChange) -> HttpResponse:
    site, back = change.site, getattr(change, "undone_by", None)
    buildings = list(Building.objects.visible_to(request.actor).filter(site=site))
    run = bulk.UndoRun(change) if back or change.undoes_id else bulk.undo_run(change)
    context: dict[str, Any] = {
        **site_context(request, site, "apartments"),
        "change": change,
        "said": sums.words_of(change.wanted.items()),
        "back": back,
        "run": run,
        "undone": len(run.undone),
        "kept": [(row, bulk.KEPT_LABELS[row.kept]) for row in run.kept[:ROWS] if row.kept],
        "kept_count": len(run.kept),
        "kept_beyond": max(0, len(run.kept) - ROWS),
        "sums": sums.of_undo(request, site, run, buildings),
        "stayed": change.looked_at - change.count,
    }
    return render(request, "bulk/change.html", context)
