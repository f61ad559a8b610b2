"""Apartments and their slots."""

from __future__ import annotations

from dataclasses import replace

from communities import catalogue
from communities.actions.entitlements import configuration_of
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Site

Kinds = catalogue.Target


def flat(number: str) -> Apartment:
    return Apartment.objects.select_related("target", "building").get(number=number)


def crowded(site: Site, members: int) -> catalogue.Configuration:
    """The site with so many members in each apartment: four of them are free."""
    found = configuration_of(site)
    return replace(found, apartments=tuple(replace(row, members=members) for row in found.apartments))


def slots(number: str = "1.01") -> list[tuple[int | None, str]]:
    """The Additional Apps of an apartment: slot and variant."""
    rows = Entitlement.objects.filter(target__parent=flat(number).target_id, service_type=ServiceType.ADDITIONAL_APP)
    return list(rows.order_by("target__slot").values_list("target__slot", "variant"))
