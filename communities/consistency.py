"""Checks that targets agree with their owners and items with their targets; they find rows that were changed in the database directly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.typed.keys import place_key
from communities import catalogue
from communities.models import (
    TARGET_OF,
    Apartment,
    CommercialAccount,
    Entitlement,
    Equipment,
    ManagerAssignment,
    Target,
)
from communities.models.targets import PIECES, mislabelled


def verify() -> Iterator[str]:
    """Every disagreement, check by check. Each check is one statement for a table; rows arrive one by one. Writes nothing."""
    for check in CHECKS:
        yield from check()


def _named(rows: QuerySet[Any], name: str, problem: str) -> Iterator[str]:
    for pk in rows.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=1000):
        yield f"{name} {pk}: {problem}"


def _of_another(way: str) -> Q:
    """Rows whose site or tenants differ from those of the row that `way` leads to."""
    other = Q()
    for key in ("site", "distributor", "installer"):
        other |= ~Q(**{f"{key}_id": F(f"{way}{key}_id")})
    mine, its = Q(subdistributor=None), Q(**{f"{way}subdistributor": None})
    both = ~Q(subdistributor_id=F(f"{way}subdistributor_id"))
    return other | (mine & ~its) | (~mine & its) | (~mine & ~its & both)


def owners() -> Iterator[str]:
    """Every owner has a target of its kind, its site and its tenants."""
    owned: tuple[tuple[str, Any, str], ...] = (
        ("apartment", Apartment, catalogue.Target.APARTMENT),
        ("assignment", ManagerAssignment, catalogue.Target.MANAGER),
        ("account", CommercialAccount, catalogue.Target.ACCOUNT),
    )
    for name, model, kind in owned:
        yield from _owned(model._default_manager.all(), name, kind)
    for piece, kind in TARGET_OF.items():
        yield from _owned(Equipment.objects.filter(kind=piece), str(piece.value), kind)


def _owned(rows: QuerySet[Any], name: str, kind: str) -> Iterator[str]:
    there = Exists(Target.objects.filter(pk=OuterRef("target_id")))
    yield from _named(rows.filter(~there), name, "has no target")
    yield from _named(rows.exclude(target__kind=kind).filter(there), name, f"has a target that is no {kind}")
    yield from _named(rows.filter(_of_another("target__")), name, "has a target of another site or tenant")


def orphans() -> Iterator[str]:
    """Every target has its owner, every slot its parent."""
    owned: dict[str, Any] = {
        catalogue.Target.APARTMENT: Apartment, catalogue.Target.MANAGER: ManagerAssignment,
        catalogue.Target.ACCOUNT: CommercialAccount, **dict.fromkeys(TARGET_OF.values(), Equipment),
    }  # fmt: skip
    for kind, model in owned.items():
        owner = Exists(model._default_manager.filter(target=OuterRef("pk")))
        yield from _named(Target.objects.filter(~owner, kind=kind), "target", f"is of no {kind}")
    for kind, place in catalogue.SLOTS.items():
        slots = Target.objects.filter(kind=kind)
        yield from _named(slots.exclude(parent__kind=place), "target", f"is a {kind} of something else than a {place}")
        yield from _named(slots.filter(_of_another("parent__")), "target", "has a place of another site or tenant")


def doors() -> Iterator[str]:
    """Every target has the label and sort key of its owner; targets without a building come last."""
    for kind in (catalogue.Target.APARTMENT, *PIECES, *catalogue.SLOTS):
        yield from _named(mislabelled(Target.objects.all(), kind), "target", "does not say what stands on its door")
    bare = Target.objects.filter(kind__in=[catalogue.Target.MANAGER, catalogue.Target.ACCOUNT, catalogue.Target.SITE])
    yield from _named(bare.exclude(sort_key=place_key()), "target", "does not sort as what stands in no building")


def items() -> Iterator[str]:
    """Every item has a target of its service type's kind, with its site and tenants, and is blocked exactly while its apartment waits
    (R17)."""
    right = Q()
    for entry in catalogue.ENTRIES:
        right |= Q(service_type=entry.code, target__kind=entry.target)
    rows = Entitlement.objects
    yield from _named(rows.exclude(right), "entitlement", "is for a target of another kind than its service")
    yield from _named(rows.filter(_of_another("target__")), "entitlement", "is for a target of another site or tenant")
    wrong = "blocked is not what its apartment says"
    yield from _named(rows.all().wrongly_blocked(), "entitlement", wrong)


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (owners, orphans, doors, items)
