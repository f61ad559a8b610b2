"""Which time zone a country has, so that people need not know how IANA calls theirs."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel.core import get_global
from django import forms

# Countries of several zones where nearly everybody lives in one (CLDR's primary zones).
PRIMARY: dict[str, str] = {
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}


@cache
def zones_of(country: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166), the primary one first; nothing for an unknown country."""
    zones = sorted(get_global("territory_zones").get(country, []))
    first = PRIMARY.get(country)
    return (first, *(zone for zone in zones if zone != first)) if first else tuple(zones)


def proposed_zone(country: str) -> str:
    """The zone to take when none was chosen: the only one, or the primary one; "" when the person has to say."""
    zones = zones_of(country)
    return zones[0] if len(zones) == 1 or country in PRIMARY else ""


@cache
def country_of(zone: str) -> str:
    """The country a zone belongs to; "" for UTC and the like."""
    return str(get_global("zone_territories").get(zone, ""))


class ZoneSelect(forms.Select):
    """Tells the script which zone to propose for which country, by `data-country`."""

    def create_option(
        self,
        name: str,
        value: Any,
        label: int | str,
        selected: bool,
        index: int,
        subindex: int | None = None,
        attrs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """An option; marked when it is the zone to propose for its country."""
        option = super().create_option(name, value, label, selected, index, subindex=subindex, attrs=attrs)
        country = country_of(str(value))
        if country and proposed_zone(country) == str(value):
            option["attrs"]["data-country"] = country
        return option
