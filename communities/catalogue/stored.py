"""Questions about rows, answered by their service type. Only this module parses stored variants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.utils.functional import Promise

from communities.catalogue.configurations import ApartmentConfiguration, Billable, Configuration, Target
from communities.catalogue.entries import Entry
from communities.catalogue.service_types import BY_TYPE, ENTRIES, GROUP_LABELS
from communities.catalogue.switches import DEFAULT_RETENTION_DAYS, DEFAULTS, SWITCHES
from communities.catalogue.variants import Variant

HOLDING: tuple[Entry, ...] = tuple(
    entry for entry in ENTRIES if entry.holds
)  # types that lock a switch of their site (R11, R13)
PER_APARTMENT: tuple[str, ...] = tuple(entry.code for entry in ENTRIES if entry.target is Target.APARTMENT)
MAIN_SERVICE: str = next(entry.code for entry in ENTRIES if entry.is_main)
HELD_SWITCHES = frozenset(entry.holds for entry in HOLDING)

SERVICE_TYPE_LABELS: Mapping[str, Promise] = {entry.code: entry.label for entry in ENTRIES}


# What a list of services can be narrowed to: every service type and every group of S2, by code
CHOICES: Mapping[str, Promise] = {**SERVICE_TYPE_LABELS, **GROUP_LABELS}


def types_of(choice: str) -> tuple[str, ...]:
    """The service types that a choice means: itself, or those of the group. Raises KeyError for an unknown one."""
    return (BY_TYPE[choice].code,) if choice not in GROUP_LABELS else tuple(
        entry.code for entry in ENTRIES if entry.group == choice
    )  # fmt: skip


def switches_of(project: str) -> tuple[str, ...]:
    """The switches of the feature section that sites of a project type have (R28)."""
    return tuple(
        code
        for code in SWITCHES
        if any(entry.part_of_switch(code, DEFAULT_RETENTION_DAYS) in entry.parts_in(project) for entry in ENTRIES)
    )


def priced_in(project: str) -> tuple[tuple[str, str], ...]:
    """Every (service type, part) that a price list can name for a project type."""
    return tuple((entry.code, part) for entry in ENTRIES for part in entry.parts_in(project))


def rank(service_type: str) -> tuple[int, int]:
    """The position of a service type in price previews: types of apartments before types of people, otherwise the order of S2."""
    entry = BY_TYPE[service_type]
    return list(Target).index(entry.target), ENTRIES.index(entry)


def billables(configuration: Configuration) -> list[Billable]:
    """Everything a configuration makes billable (S2, R13, R24, R25, R27, R30, R34, R35): first by apartment, then the rest."""
    found = [
        Billable(entry.code, entry.target, target, variant)
        for entry in sorted(ENTRIES, key=lambda entry: rank(entry.code))
        if configuration.project in entry.projects
        for target, variant in entry.wanted(configuration)
    ]
    places = {row.key: place for place, row in enumerate(configuration.apartments)}
    return sorted(
        found,
        key=lambda item: places[item.target] if item.target_kind is Target.APARTMENT else len(places),  # type: ignore[index]
    )


def of_residents(apartment: ApartmentConfiguration) -> list[Billable]:
    """What an apartment is billed for with a family master, whether it has one or not."""
    occupied = Configuration(switches=DEFAULTS, apartments=(replace(apartment, has_master=True),))
    return [
        Billable(entry.code, entry.target, target, variant)
        for entry in ENTRIES
        if entry.needs_master
        for target, variant in entry.wanted(occupied)
    ]


def works_until(service_type: str, expires_at: datetime | None) -> datetime | None:
    """The end of grace for an item paid until `expires_at`; None if it was never paid."""
    return BY_TYPE[service_type].works_until(expires_at) if expires_at else None


def price_parts(service_type: str, variant: str) -> tuple[tuple[str, str], ...]:
    """The rows of a price list whose sum is the 30-day price of a variant (DOMAIN §3): (service type, part)."""
    entry = BY_TYPE[service_type]
    return tuple((service_type, part) for part in entry.price_parts(Variant.parse(variant)))


def part_labels(service_type: str, parts: Iterable[str]) -> list[str]:
    """Parts in words: ("premium", ["video_storage_30"]) → ["Video Storage, 30 days"]."""
    return [BY_TYPE[service_type].part_label(part) for part in parts]


def price_label(service_type: str, part: str) -> str:
    """The label of a row of a price list; a surcharge says so."""
    return BY_TYPE[service_type].price_label(part)


def variant_label(service_type: str, variant: str) -> str:
    """How a variant is called in lists: "with indoor monitor", "Booking Service, Dynamic QR Code", "without landline"."""
    return BY_TYPE[service_type].variant_label(Variant.parse(variant))


def uncovered(service_type: str, variant: str, paid_variant: str, *, is_in_force: bool = True) -> tuple[str, ...]:
    """Parts that are on and not covered by the running paid period; all parts where none is in force."""
    paid = Variant.parse(paid_variant if is_in_force else "")
    return BY_TYPE[service_type].uncovered(Variant.parse(variant), paid)


def covered(service_type: str, variant: str, paid_variant: str) -> str:
    """The part of a configured variant that the paid one covers, as a variant that can be renewed without an upgrade; the configured
    variant itself where all of it or nothing is covered."""
    missing = uncovered(service_type, variant, paid_variant)
    if not missing or not paid_variant:
        return variant
    if not BY_TYPE[service_type].is_sum:
        return paid_variant
    return Variant(tuple(part for part in Variant.parse(variant).parts if part not in missing)).code or variant


def unused(service_type: str, variant: str, paid_variant: str) -> tuple[str, ...]:
    """Parts that an item in force has paid for and not on."""
    return BY_TYPE[service_type].unused(Variant.parse(variant), Variant.parse(paid_variant))


def used_variant(service_type: str, variant: str, paid_variant: str) -> str:
    """What of a paid variant is on, as a variant: the price of the rest is that of the paid one less that of this one."""
    entry, on, paid = BY_TYPE[service_type], Variant.parse(variant), Variant.parse(paid_variant)
    waste = entry.unused(on, paid)
    if entry.is_sum:
        return Variant(tuple(part for part in paid.parts if part not in waste)).code
    return variant if waste else paid_variant


def unused_switches(service_type: str, variant: str, paid_variant: str) -> tuple[str, ...]:
    """The switches of the feature section that are off although what they add is paid for; none where the item itself is not wanted, which
    no switch changes."""
    entry, on, paid = BY_TYPE[service_type], Variant.parse(variant), Variant.parse(paid_variant)
    if not on and not entry.is_sum:
        return ()
    return tuple(code for code in SWITCHES if entry.wastes_switch(code, on, paid))


def lacks_household(service_type: str, variant: str) -> bool:
    """Whether nothing of an item is wanted because nobody lives in its apartment."""
    return BY_TYPE[service_type].needs_master and not variant


def unused_label(service_type: str, variant: str, paid_variant: str) -> str:
    """`unused` in words; "" when all of it is used."""
    return BY_TYPE[service_type].unused_label(Variant.parse(variant), Variant.parse(paid_variant))
