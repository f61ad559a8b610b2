"""What a service of the feature section costs once it is switched on."""

from __future__ import annotations

from dataclasses import dataclass

from communities import catalogue
from subscriptions.prices import PriceKey, PriceTable


@dataclass(frozen=True, slots=True)
class SwitchPrice:
    """What a service of the feature section costs every 30 days once it is on, in minor units; `other_minor` is what the App costs
    without an indoor monitor, a surcharge comes on top of the price of the service it needs."""

    minor: int
    per: str
    other_minor: int | None = None
    is_surcharge: bool = False


def switch_prices(prices: PriceTable, *, retention_days: int, project: str) -> dict[str, SwitchPrice]:
    """Service code → its price in a list for a project type; a service whose price the list lacks is not in it. Video as long as it is kept."""
    found: dict[str, SwitchPrice] = {}
    for entry in catalogue.AVAILABLE:
        for code in catalogue.SWITCHES:
            part = entry.part_of_switch(code, retention_days)
            minor = prices.amount_of(PriceKey(entry.code, part, project)) if part is not None else None
            if part is not None and minor is not None:
                other = entry.other_part(code)
                found[code] = SwitchPrice(
                    minor,
                    entry.per_label(part),
                    prices.amount_of(PriceKey(entry.code, other, project)) if other else None,
                    entry.is_surcharge(part),
                )
    return found
