"""The rows of the differences, as values: what stands in one, and its place in the order of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from communities import catalogue
from communities.models import Apartment, Entitlement, Site

Counts = tuple[tuple[str, int], ...]  # (service type, how many)


class Place(NamedTuple):
    """The sort key of a row. What is grouped by site has no apartment."""

    kind: str
    name_order: str
    site_id: int
    door: str = ""
    apartment_id: int = 0


@dataclass(frozen=True, slots=True)
class Unpaid:
    """Items of one site that are on and not paid for, and stand alike: never activated, lapsed (`has_ended`), or running with an unpaid part
    (`runs`). `waiting` of them can't be activated before their monitor is there (R17)."""

    site: Site
    counts: Counts
    count: int
    waiting: int
    amount_minor: int | None
    has_ended: bool = False
    runs: bool = False


@dataclass(frozen=True, slots=True)
class Unused:
    """Like items of one site that are in force and have something paid that is not on; `ends` is the first and the last day. `apartments`
    are named where they are few."""

    site: Site
    service_type: str
    variant: str
    paid_variant: str
    count: int
    ends: tuple[date, date]
    amount_minor: int | None
    apartments: tuple[Apartment, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The parts that are not on, in words."""
        return catalogue.part_labels(
            self.service_type, catalogue.unused(self.service_type, self.variant, self.paid_variant)
        )

    @property
    def switches(self) -> tuple[str, ...]:
        """The switches that are off."""
        return catalogue.unused_switches(self.service_type, self.variant, self.paid_variant)

    @property
    def lacks_household(self) -> bool:
        """Whether nobody lives there."""
        return catalogue.lacks_household(self.service_type, self.variant)


@dataclass(frozen=True, slots=True)
class Missing:
    """An apartment without its indoor monitor. Its App can't be activated yet, or costs `more_minor` more every 30 days until it has one."""

    apartment: Apartment
    master: str
    is_new: bool
    more_minor: int | None


@dataclass(frozen=True, slots=True)
class Empty:
    """An apartment where nobody lives, with what is on and in force there, and what that costs every 30 days."""

    apartment: Apartment
    items: tuple[Entitlement, ...]
    amount_minor: int | None

    @property
    def first_end(self) -> datetime | None:
        """When the first of it ends."""
        return min((item.expires_at for item in self.items if item.expires_at), default=None)

    @property
    def renews(self) -> bool:
        """Whether something of it is renewed by itself."""
        return any(item.renews for item in self.items)


Line = Unpaid | Unused | Missing | Empty
Unit = tuple[Place, Sequence[Line]]  # the rows that stand together
