"""The dashboard of a distributor and of a sub-distributor: what is due and what will fail, by firm."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from smartplus.access import PortalRequest
from smartplus.portal.audit import activity
from smartplus.portal.dashboard.calendar import calendar, date_today
from smartplus.portal.dashboard.firms import firm_row
from smartplus.portal.dashboard.tiles import agreed_tile, asked_tile, differ_tile, due_tile, monitor_tile, new_tile
from smartplus.portal.kit.prices import prices_of
from smartplus.portal.requests import waiting
from subscriptions import at_risk
from subscriptions import dashboard as counts
from subscriptions.dashboard import Standing

FIRMS = 8  # rows that are shown; others are counted


def of_reseller(request: PortalRequest) -> dict[str, Any]:
    """What is due and what will fail, by firm."""
    actor, now, zone = request.actor, request.now, timezone.get_current_timezone()
    prices = prices_of(request)
    firms = counts.installers(actor, now=now)
    by_firm = counts.standings(actor, now=now, prices=prices)
    dues = counts.forecast(actor, now=now, zone=zone, prices=prices)
    all_of_it = sum(by_firm.values(), Standing())
    agreed = at_risk.auto_renewals(actor, now=now)
    without_monitor = sum(firm.waiting for firm in firms)
    currency = prices.currency if prices else ""
    asked = waiting.waiting_for(request, prices)
    ranked = sorted(firms, key=lambda firm: -weight(by_firm.get(firm.organization.pk, Standing())))
    return {
        "today": date_today(request),
        "firms": len(firms),
        "sites": sum(firm.sites for firm in firms),
        "apartments": sum(firm.apartments for firm in firms),
        "asked": asked,
        "tiles": [
            *([asked_tile(asked, currency)] if asked else []),
            due_tile(all_of_it, sum(firm.due_sites for firm in firms), currency),
            agreed_tile(agreed),
            new_tile(all_of_it),
            differ_tile(all_of_it),
            monitor_tile(without_monitor),
        ],
        "calendar": calendar(dues, today=timezone.localtime(now).date(), currency=currency),
        "rows": [firm_row(firm, by_firm) for firm in ranked[:FIRMS]],
        "more": max(0, len(firms) - FIRMS),
        "currency": currency,
        "is_invented": prices is not None and prices.is_invented,
        "activity": activity.recent(request),
    }


def weight(standing: Standing) -> int:
    """The sort key of a firm: what is due, as money where there are prices."""
    return standing.due if standing.due_minor is None else standing.due_minor
