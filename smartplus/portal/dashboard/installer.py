"""The dashboard of an installer: its sites with their progress and next step."""

from __future__ import annotations

from typing import Any

from communities import reports
from communities.models import Site
from devices import reports as device_reports
from smartplus.access import PortalRequest
from smartplus.portal.audit import activity
from smartplus.portal.dashboard.calendar import date_today
from smartplus.portal.dashboard.tiles import differ_tile, due_tile, monitor_tile, new_tile
from smartplus.portal.kit.prices import prices_of
from smartplus.portal.sites import todo
from subscriptions import dashboard as counts
from subscriptions import payers, rights, waiting
from subscriptions.dashboard import Standing
from subscriptions.models import Handover

SITES = 8  # rows that are shown; a link leads to the rest
OFFERS = 5  # sites offered by other installers
LOOKED_AT = 200  # sites from which those with something to do are selected


def of_installer(request: PortalRequest) -> dict[str, Any]:
    """The sites of the installer with their progress and next step; without sites three introductory steps."""
    actor, now = request.actor, request.now
    prices = prices_of(request)
    [firm] = counts.installers(actor, now=now)
    standing = sum(counts.standings(actor, now=now, prices=prices).values(), Standing())
    sites = list(Site.objects.visible_to(actor).order_by("-created_at", "-pk")[:LOOKED_AT])
    ids = [site.pk for site in sites]
    progress, units = reports.paid_progress(ids, now), device_reports.unit_progress(ids)
    may_pay = rights.may_pay_for(actor, firm.organization)
    open_at = waiting.open_at(actor, ids)
    rows = [
        (
            site,
            paid,
            built,
            todo.next_step(site, paid, built, open_at.get(site.pk, waiting.Open()), may_pay=may_pay, now=now),
        )
        for site in sites
        for paid, built in [
            (progress.get(site.pk, reports.PaidProgress()), units.get(site.pk, device_reports.UnitProgress()))
        ]
    ]
    rows.sort(key=lambda row: row[3] is None)
    currency = prices.currency if prices else ""
    return {
        "today": date_today(request),
        "firm": firm,
        "may_pay": may_pay,
        "payer": payers.payer_above(firm.organization),
        "tiles": [
            due_tile(standing, firm.due_sites, currency),
            new_tile(standing),
            differ_tile(standing),
            monitor_tile(firm.waiting),
        ],
        "rows": rows[:SITES],
        "offers": list(
            Handover.objects.visible_to(request.actor)
            .filter(taker=firm.organization)
            .open_at(now)
            .select_related("giver")[:OFFERS]
        ),
        "activity": activity.recent(request, names={site.pk: site.name for site in sites}),
    }
