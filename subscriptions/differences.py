"""What is on and what is paid for, where they are not the same, in both directions: on but unpaid, paid but off (DOMAIN §3)."""

from __future__ import annotations

from collections.abc import Iterable

from communities import catalogue
from communities.catalogue import ServiceType


def unpaid(service_type: str, variant: str, paid_variant: str, *, is_in_force: bool = True) -> tuple[str, ...]:
    """The parts that are on and not paid for: what the running payment does not cover, everything where none is in force."""
    if not variant:
        return ()
    return tuple(catalogue.uncovered(service_type, variant, paid_variant if is_in_force else ""))


def unused(service_type: str, variant: str, paid_variant: str) -> tuple[str, ...]:
    """The parts that an item in force is paid for and has not on. A cheaper App or a shorter retention than the paid one is used all the same."""
    paid = tuple(catalogue.variant_parts(paid_variant)) if paid_variant else ()
    if not variant:
        return paid
    if service_type == ServiceType.APP or not paid:
        return ()
    if service_type == ServiceType.PM_APP:
        is_narrower = variant == catalogue.PM_PLAIN and paid_variant == catalogue.PM_LANDLINE
        return paid if is_narrower else ()
    on = set(catalogue.variant_parts(variant))
    has_video = any(part.startswith("video_storage_") for part in on)
    return tuple(part for part in paid if part not in on and not (has_video and part.startswith("video_storage_")))


def labels(service_type: str, parts: Iterable[str]) -> list[str]:
    """Parts in words."""
    return [catalogue.part_label(service_type, part) for part in parts]
