"""The dashboard of a property manager: its communities, what each pays for, until when, and who pays."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from communities import reports
from communities.models import Site
from smartplus.access import PortalRequest
from smartplus.portal.dashboard.calendar import date_today
from smartplus.portal.dashboard.tiles import differ_tile, ends_tile, paid_tile, unpaid_tile
from smartplus.portal.kit import keyset
from smartplus.portal.kit.prices import prices_of
from subscriptions import dashboard as counts
from subscriptions import dashboard_lists, payers
from subscriptions.cycles import total_of
from subscriptions.dashboard import Standing

COMMUNITIES = 25  # a page


def of_manager(request: PortalRequest) -> dict[str, Any]:
    """The communities of the manager, what each pays for, until when, and who pays."""
    actor, now = request.actor, request.now
    prices = prices_of(request)
    mine = Site.objects.visible_to(actor)
    page = keyset.page(payers.with_payers(mine), by=("name_order", "pk"), query=request.GET, size=COMMUNITIES)
    ids = [site.pk for site in page.rows]
    progress = reports.paid_progress(ids, now)
    found = counts.with_coverage(actor, now=now, prices=prices, by="site_id", sites=ids)
    agreed = payers.under_auto_renewal(actor, ids)
    rows = []
    for site in page.rows:
        standing, covered = found.get(site.pk, (Standing(), counts.Coverage()))
        rows.append(
            {
                "site": site,
                "progress": progress.get(site.pk, reports.PaidProgress()),
                "covered": covered,
                **who_pays(site, standing.items, agreed.get(site.pk, payers.AutoRenewed())),
            }
        )
    everything = counts.with_coverage(actor, now=now, prices=prices).values()
    all_of_it = sum((standing for standing, _covered in everything), Standing())
    paid_minor = total_of(covered.paid_minor for _standing, covered in everything)
    more_minor = total_of(covered.more_minor for _standing, covered in everything)
    currency = prices.currency if prices else ""
    return {
        "today": date_today(request),
        "count": len(page.rows) if page.is_only else keyset.count(mine),
        "previous": page.previous and f"?before={page.previous}",
        "next": page.next and f"?after={page.next}",
        "rows": rows,
        "tiles": [
            ends_tile(all_of_it, dashboard_lists.next_end(actor, now=now)),
            paid_tile(all_of_it, paid_minor, more_minor, currency),
            unpaid_tile(all_of_it, more_minor, currency),
            differ_tile(all_of_it),
        ],
        "currency": currency,
        "is_invented": prices is not None and prices.is_invented,
    }


def who_pays(site: Site, items: int, agreed: payers.AutoRenewed) -> dict[str, str]:
    """Who pays for a site, and how many of its items are auto-renewed."""
    names = list(agreed.names)
    if agreed.items < items or not names:
        names.append(payers.default_payer(site.installer, site_kind=site.kind).name)
    if not agreed.renewing:
        renewal = _("renewed by hand")
    elif agreed.renewing >= items:
        renewal = _("renews by itself")
    else:
        words = ngettext(
            "%(n)s of %(of)s items renews by itself", "%(n)s of %(of)s items renew by themselves", agreed.renewing
        )
        renewal = words % {"n": agreed.renewing, "of": items}
    return {"payer": ", ".join(dict.fromkeys(names)), "renewal": renewal}
