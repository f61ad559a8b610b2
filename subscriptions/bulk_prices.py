"""What a bulk change of apartments costs: the difference every 30 days, and what it takes to have it work at once. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from communities import catalogue
from communities.models import Apartment, Site
from devices.bulk import MONITOR
from subscriptions.price_preview import PricePreview, preview_of
from subscriptions.prices import PriceTable
from subscriptions.saved_items import Saved, census_of


@dataclass(frozen=True, slots=True)
class BulkPrice:
    """Amounts in minor units of the price list; changing charges nothing of them. `difference_minor` is every 30 days from the next renewal. What
    is new works at once for `upgrade_minor`, in items whose paid time runs, and `activation_minor`, one month of items that were never paid or
    have lapsed."""

    difference_minor: int = 0
    upgrade_minor: int = 0
    activation_minor: int = 0

    def __add__(self, other: BulkPrice) -> BulkPrice:
        return BulkPrice(
            self.difference_minor + other.difference_minor,
            self.upgrade_minor + other.upgrade_minor,
            self.activation_minor + other.activation_minor,
        )

    @property
    def to_work_minor(self) -> int:
        """Both together."""
        return self.upgrade_minor + self.activation_minor


def price_of(
    site: Site,
    apartment_ids: Collection[int],
    switches: Mapping[str, bool],
    prices: PriceTable,
    *,
    waits: bool = False,
    as_of: datetime,
) -> BulkPrice:
    """The cost of giving these switches to these apartments, by the rule of `price_preview.preview_of`; one statement.

    With `waits` the apartments wait for an indoor monitor: an App that was paid keeps its price until the monitor is there (R17). Amounts that
    were due before the change are not counted. Raises MissingPrice.
    """
    census = census_of(site, apartments=Apartment.objects.filter(pk__in=apartment_ids))
    main = catalogue.MAIN_SERVICE
    paid = {row.target for row in census.saved if row.service_type == main and row.paid_variant}
    without = {code: value for code, value in switches.items() if code != MONITOR}

    def priced(draft: tuple[catalogue.ApartmentConfiguration, ...]) -> PricePreview:
        whole = catalogue.Configuration(
            site.switches, site.retention_days, draft, project=site.kind, price_class=site.price_class
        )
        return preview_of(whole, census.saved, prices, as_of=as_of, zone=site.time_zone, counts=census.counts)

    changed = (replace(one, **(without if waits and one.key in paid else switches)) for one in census.apartments)
    then, now = priced(tuple(changed)), priced(census.apartments)
    return BulkPrice(
        then.difference_minor,
        max(0, then.upgrade.total_minor - now.upgrade.total_minor),
        max(0, then.activation.total_minor - now.activation.total_minor),
    )


def price_of_new(site: Site, count: int, prices: PriceTable, *, as_of: datetime) -> BulkPrice:
    """The cost of that many new apartments with the switches of the community (R23), each as if it had its family master; no statement.
    Raises MissingPrice."""
    one = catalogue.ApartmentConfiguration(
        key=0, **{code: getattr(site, code) for code in catalogue.APARTMENT_SWITCHES}
    )
    whole = catalogue.Configuration(
        site.switches, site.retention_days, (one,), project=site.kind, price_class=site.price_class
    )
    found = preview_of(whole, (), prices, as_of=as_of, zone=site.time_zone, counts={0: count})
    return BulkPrice(found.difference_minor, found.upgrade.total_minor, found.activation.total_minor)


def price_of_arrivals(site: Site, apartment_ids: Collection[int], prices: PriceTable, *, as_of: datetime) -> BulkPrice:
    """The cost of family masters in apartments that have none: what is billed from the first resident on (R32), with the switches that are
    saved; one statement. Raises MissingPrice."""
    census = census_of(site, apartments=Apartment.objects.filter(pk__in=apartment_ids))
    services = {item.service_type for one in census.apartments for item in catalogue.of_residents(one)}
    whole = catalogue.Configuration(
        site.switches, site.retention_days, census.apartments, project=site.kind, price_class=site.price_class
    )

    def priced(saved: Iterable[Saved]) -> PricePreview:
        return preview_of(whole, saved, prices, as_of=as_of, zone=site.time_zone, counts=census.counts)

    every = sum(row.amount_minor for row in priced(()).rows if row.service_type in services)
    lines = [line for line in priced(census.saved).activation.lines if line.item.service_type in services]
    activation = sum(line.amount_minor - line.discount_minor + line.tax_minor for line in lines)
    return BulkPrice(every, activation_minor=activation)
