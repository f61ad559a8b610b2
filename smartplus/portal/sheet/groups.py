"""How many apartments a sheet has on each floor, and in how many of them each switch is on; counted by one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet

from communities import catalogue
from communities.models import Apartment, Building


class Counts(NamedTuple):
    """A number of apartments, of those with each switch on, and of those that wait for their monitor."""

    all: int = 0
    indoor_monitor: int = 0
    landline: int = 0
    video_storage: int = 0
    waiting: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(slots=True)
class Floor:
    """A floor of a building."""

    name: str
    counts: Counts


@dataclass(slots=True)
class House:
    """A building with its floors, from the lowest up."""

    building: Building
    floors: list[Floor] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """Those of all its floors."""
        return together(floor.counts for floor in self.floors)


def together(counts: Iterable[Counts]) -> Counts:
    """The sum of counts."""
    total = Counts()
    for each in counts:
        total = total.plus(each)
    return total


def houses_of(apartments: QuerySet[Apartment], buildings: Sequence[Building]) -> list[House]:
    """The buildings, each with its floors that have some of these apartments; one statement."""
    numbers = {f"{code}_on": Count("pk", filter=Q(**{code: True})) for code in catalogue.APARTMENT_SWITCHES}
    waiting = Count("pk", filter=Q(indoor_monitor=True, monitor_pending=True))
    rows = apartments.order_by().values_list("building_id", "floor_order", "floor")
    found = {building.pk: House(building) for building in buildings}
    for building_id, _order, floor, *counts in sorted(rows.annotate(n=Count("pk"), **numbers, waiting=waiting)):
        if building_id in found:
            found[building_id].floors.append(Floor(floor, Counts(*counts)))
    return list(found.values())
