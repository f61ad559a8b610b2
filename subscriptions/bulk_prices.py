"""What a bulk change of apartments costs: the difference every 30 days, and what it takes to have it work at once. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from communities import catalogue
from communities.models import Apartment, Site
from subscriptions.price_preview import PricePreview, preview_of
from subscriptions.prices import PriceTable
from subscriptions.saved_items import census_of


@dataclass(frozen=True, slots=True)
class BulkPrice:
    """Amounts in minor units of the price list. `difference_minor` is every 30 days from the next renewal; `upgrade_minor` has what is new work
    at once in the `to_upgrade` items that are paid and running. Changing charges nothing of it."""

    difference_minor: int = 0
    upgrade_minor: int = 0
    to_upgrade: int = 0

    def __add__(self, other: BulkPrice) -> BulkPrice:
        return BulkPrice(
            self.difference_minor + other.difference_minor,
            self.upgrade_minor + other.upgrade_minor,
            self.to_upgrade + other.to_upgrade,
        )


def price_of(
    site: Site, apartment_ids: Collection[int], switches: Mapping[str, bool], prices: PriceTable, *, as_of: datetime
) -> BulkPrice:
    """What it costs that these apartments get these switches, by the rule of `price_preview.preview_of`; one statement. What runs with
    something unpaid already is not counted as new. Raises MissingPrice."""
    census = census_of(site, apartments=Apartment.objects.filter(pk__in=apartment_ids))

    def priced(changes: Mapping[str, bool]) -> PricePreview:
        apartments = tuple(replace(one, **changes) for one in census.apartments)
        draft = catalogue.Configuration(site.switches, site.retention_days, apartments, project=site.kind)
        return preview_of(draft, census.saved, prices, as_of=as_of, zone=site.time_zone, counts=census.counts)

    then, now = priced(switches), priced({})
    return BulkPrice(
        then.difference_minor,
        then.upgrade.total_minor - now.upgrade.total_minor,
        max(0, then.to_upgrade - now.to_upgrade),
    )
