"""What the new apartments of an import cost every 30 days, once activated; nothing for who sees no prices."""

from __future__ import annotations

from typing import NamedTuple

from communities import catalogue
from communities.models import ImportRow, Site
from smartplus.access import PortalRequest
from subscriptions import rights
from subscriptions.price_preview import preview_of
from subscriptions.prices import MissingPrice
from subscriptions.tables import table_for


class Price(NamedTuple):
    """The sum, how much each apartment is, and the currency."""

    amount_minor: int
    each_minor: int
    currency: str


def price_of(request: PortalRequest, site: Site, new: int) -> Price | None:
    """The price of so many new apartments with what they inherit from the community (R23)."""
    if not new or not rights.sees_prices(request.actor):
        return None
    assert site.distributor is not None
    switches = {code: getattr(site, code) for code in catalogue.APARTMENT_SWITCHES}
    one = catalogue.ApartmentConfiguration(key="new", has_master=True, **switches)
    draft = catalogue.Configuration(
        site.switches, site.retention_days, (one,), project=site.kind, price_class=site.price_class
    )
    bare = catalogue.Configuration(
        site.switches, site.retention_days, (), project=site.kind, price_class=site.price_class
    )
    try:
        prices = table_for(site.distributor, at=request.now)
        one_more, without = (
            preview_of(whole, (), prices, as_of=request.now, zone=site.time_zone).every_30_days.total_minor
            for whole in (draft, bare)
        )
    except MissingPrice:
        return None
    each = one_more - without
    return Price(each * new, each, prices.currency)


def result_counts(rows: dict[str, int]) -> dict[str, int]:
    """How many rows have each result, with zeros."""
    return {result: rows.get(result, 0) for result in ImportRow.Result.values}
