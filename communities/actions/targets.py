"""Targets follow their owners: created before them, relabelled with them. The caller holds the site's lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from communities import catalogue
from communities.models import (
    TARGET_OF,
    Apartment,
    CommercialAccount,
    Equipment,
    EquipmentKind,
    ManagerAssignment,
    Site,
    Target,
)
from communities.models.targets import PIECES, door_key, mislabelled, piece_key, slot_key

Owner = TypeVar("Owner", Apartment, ManagerAssignment, Equipment, CommercialAccount)
TENANTS = ("site_id", "distributor_id", "subdistributor_id", "installer_id")


def made_for(owners: Sequence[Owner]) -> Sequence[Owner]:
    """Create the targets of owners that are about to be inserted, in one statement. Returns the owners."""
    rows = Target.objects.bulk_create([_of(owner) for owner in owners])
    for owner, target in zip(owners, rows, strict=True):
        owner.target = target
    return owners


def _of(owner: Apartment | ManagerAssignment | Equipment | CommercialAccount) -> Target:
    keys = {name: getattr(owner, name) for name in TENANTS}
    if isinstance(owner, ManagerAssignment):
        return Target(**keys, kind=catalogue.Target.MANAGER)
    if isinstance(owner, CommercialAccount):
        return Target(**keys, kind=catalogue.Target.ACCOUNT)
    if isinstance(owner, Equipment):
        home = owner.apartment
        return Target(
            **keys,
            kind=TARGET_OF[EquipmentKind(owner.kind)],
            building=owner.building.name if owner.building else "",
            floor=home.floor if home else "",
            number=home.number if home else "",
            name=owner.name,
        )
    return Target(
        **keys, kind=catalogue.Target.APARTMENT, building=owner.building.name, floor=owner.floor, number=owner.number
    )


def slot_of(parent: Target, kind: catalogue.Target, number: int) -> Target:
    """A numbered slot of a target, not saved yet."""
    keys = {name: getattr(parent, name) for name in (*TENANTS, "building", "floor", "number")}
    return Target(**keys, kind=kind, parent=parent, slot=number)


def relabel(site: Site, *, apartment_ids: Iterable[int] | None = None) -> None:
    """Copy the labels of a site's apartments, or of some of them, and of the site's equipment to their targets and slots, after a building was
    renamed, apartments were renumbered or a piece was moved. Three statements; rows that are right are not written."""
    here = Target.objects.filter(site=site)
    homes = here
    if apartment_ids is not None:
        homes = here.filter(apartment__in=list(apartment_ids))
    door = Apartment.every.filter(target=OuterRef("pk")).order_by()
    mislabelled(here.filter(pk__in=homes.values("pk")), catalogue.Target.APARTMENT).update(
        building=Subquery(door.values("building__name")),
        floor=Subquery(door.values("floor")),
        number=Subquery(door.values("number")),
        sort_key=Subquery(door.values(key=door_key())),
    )
    place = Target.objects.filter(pk=OuterRef("parent")).order_by()
    mislabelled(here.filter(parent__in=homes.values("pk")), catalogue.Target.MEMBER_SLOT).update(
        building=Subquery(place.values("building")),
        floor=Subquery(place.values("floor")),
        number=Subquery(place.values("number")),
        sort_key=slot_key(Subquery(place.values("sort_key")), F("slot")),
    )
    piece = Equipment.objects.filter(target=OuterRef("pk")).order_by()
    there = Q(pk__in=[])
    for kind in PIECES:
        there |= Q(pk__in=mislabelled(here, kind).values("pk"))
    here.filter(there).update(
        building=Subquery(piece.values(text=Coalesce("building__name", Value("")))),
        floor=Subquery(piece.values(text=Coalesce("apartment__floor", Value("")))),
        number=Subquery(piece.values(text=Coalesce("apartment__number", Value("")))),
        name=Subquery(piece.values("name")),
        sort_key=Subquery(piece.values(key=piece_key())),
    )
