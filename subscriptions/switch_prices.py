"""The price of each switch of the feature section."""

from __future__ import annotations

from dataclasses import dataclass

from communities import catalogue
from communities.models import PriceClass
from subscriptions.prices import PriceKey, PriceTable


@dataclass(frozen=True, slots=True)
class SwitchPrice:
    """The price of a switch every 30 days, in minor units. `other_minor` is the price of the App without an indoor monitor; a surcharge is
    added to the price of the service it needs."""

    minor: int
    per: str
    other_minor: int | None = None
    is_surcharge: bool = False


def switch_prices(
    prices: PriceTable, *, retention_days: int, project: str, price_class: str = PriceClass.NORMAL
) -> dict[str, SwitchPrice]:
    """The price of each service code in a list for a project type and price class; services without a price are left out. Video has the price of its
    retention."""
    found: dict[str, SwitchPrice] = {}
    for entry in catalogue.ENTRIES:
        for code in catalogue.SWITCHES:
            part = entry.part_of_switch(code, retention_days)
            minor = prices.amount_of(PriceKey(entry.code, part, project, price_class)) if part is not None else None
            if part is not None and minor is not None:
                other = entry.other_part(code)
                found[code] = SwitchPrice(
                    minor,
                    entry.per_label(part),
                    prices.amount_of(PriceKey(entry.code, other, project, price_class)) if other else None,
                    entry.is_surcharge(part),
                )
    return found
