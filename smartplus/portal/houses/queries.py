"""The prices beside the form of a house."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    """The price of each service of a house every 30 days."""

    currency: str
    switch_prices: Mapping[str, SwitchPrice]


def prices_of(
    request: access.PortalRequest, distributor: Organization | None, site: Site | None = None
) -> HousePrices | None:
    """The prices of a house in the tree of a distributor; None where they are hidden or there are none."""
    if distributor is None or not rights.sees_prices(request.actor):
        return None
    try:
        table = table_for(distributor, at=request.now)
    except MissingPrice:
        return None
    days = site.retention_days if site else catalogue.DEFAULT_RETENTION_DAYS
    return HousePrices(table.currency, switch_prices(table, retention_days=days, project=Kind.HOUSE))
