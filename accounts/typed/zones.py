"""Time zones by their present IANA name, and the zones of each country."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from babel.core import get_global

UTC = "UTC"
# Countries with several zones where nearly everybody lives in one: CLDR's primary zones, and countries whose other zones are islands or
# have the same time.
PRIMARY: dict[str, str] = {
    "AR": "America/Argentina/Buenos_Aires",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "GL": "America/Nuuk",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
UNLISTED: dict[str, tuple[str, ...]] = {"XK": ("Europe/Belgrade",)}  # no ISO 3166 country, so not in IANA's table


@cache
def _table() -> dict[str, tuple[str, ...]]:
    """The zones of each country from IANA's `zone.tab`, the primary one first."""
    found: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _where, zone = line.split("\t")[:3]
            found.setdefault(country, []).append(zone)
    return UNLISTED | {
        country: tuple(sorted(zones, key=lambda zone: (zone != PRIMARY.get(country), zone)))
        for country, zones in found.items()
    }


@cache
def every() -> tuple[str, ...]:
    """Every zone that people live in, and UTC. No former names: Asia/Kolkata, not Asia/Calcutta."""
    return (UTC, *sorted({zone for zones in _table().values() for zone in zones}))


def of_country(country: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166), the primary one first; empty for an uninhabited one."""
    return _table().get(country, ())


def proposed(country: str) -> str:
    """The zone to propose: the only or the primary one of a country; "" when the person has to choose."""
    zones = of_country(country)
    return zones[0] if len(zones) == 1 or country in PRIMARY else ""


def in_words(zone: str) -> str:
    """A zone as people read it."""
    return zone.replace("_", " ")


def canonical(text: str) -> str:
    """The zone that `text` names, with or without underscores, in any case, or by a former name; "" when there is none."""
    return _by_words().get(in_words(" ".join(text.split())).casefold(), "")


@cache
def _by_words() -> dict[str, str]:
    known = set(every())
    former = {alias: UTC if zone == "Etc/UTC" else zone for alias, zone in get_global("zone_aliases").items()}
    names = former | {"Etc/UTC": UTC} | {zone: zone for zone in known}
    return {in_words(name).casefold(): zone for name, zone in names.items() if zone in known}
