"""The prices beside the form of a house."""

from __future__ import annotations

from dataclasses import dataclass
from collections.abc import Mapping

from accounts.models import Organization
from communities import catalogue
from communities.models import Kind, Site
from smartplus import access
from subscriptions import rights
from subscriptions.prices import MissingPrice
from subscriptions.switch_prices import SwitchPrice, switch_prices
from subscriptions.tables import table_for


@dataclass(frozen=True, slots=True)
class HousePrices:
    """The price of each service of a house every 30 days, and of each retention of video."""

    currency: str
    switches: Mapping[str, SwitchPrice]
    retention: tuple[tuple[int, int], ...]  # (days, minor units)


def prices_of(request: access.PortalRequest, site: Site | None = None) -> HousePrices | None:
    """The prices of a house of the installer; None where they are hidden or there are none."""
    if not rights.sees_prices(request.actor):
        return None
    if site is not None:
        distributor = site.installer.distributor
    else:
        firms = Organization.objects.visible_to(request.actor).select_related("distributor")
        distributor = firms.get(pk=request.actor.organization_id).distributor
    assert distributor is not None  # every installer belongs to one
    try:
        table = table_for(distributor, at=request.now)
    except MissingPrice:
        return None
    days = site.retention_days if site else catalogue.DEFAULT_RETENTION_DAYS
    of_video = catalogue.RETENTION_SWITCH
    kept = []
    for choice in catalogue.RETENTION_DAYS:
        price = switch_prices(table, retention_days=choice, project=Kind.HOUSE).get(of_video)
        if price is not None:
            kept.append((choice, price.minor))
    return HousePrices(table.currency, switch_prices(table, retention_days=days, project=Kind.HOUSE), tuple(kept))
