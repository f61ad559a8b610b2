"""What is chosen on the page of a bulk change: what to set, and for which apartments. All of it stands in the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from communities.audit_sentences import APARTMENT_FIELDS
from communities.models import Building
from devices.bulk import SWITCHES, Wanted
from smartplus.portal.kit.lists import ALL, Bar, Chip, Filter, address

CHIPS = 12  # buildings or floors with a chip each; of more one is chosen from a list
SETTINGS: dict[str, bool | None] = {"": None, "on": True, "off": False}
SETTING_LABELS: dict[str, Promise] = {
    "": gettext_lazy("Leave as it is"),
    "on": gettext_lazy("On"),
    "off": gettext_lazy("Off"),
}


class Place(NamedTuple):
    """Where so many apartments are."""

    building_id: int
    floor: str
    apartments: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One of the two switches: what it can be set to, and in how many apartments it is on now."""

    label: Promise
    chips: list[Chip]
    on: int
    looked_at: int


def wanted_of(query: QueryDict, buildings: Iterable[Building]) -> Wanted:
    """What the address asks for. A building that the site does not have is not found: taken for none it would mean all apartments."""
    ids = {str(row.pk): row.pk for row in buildings}
    asked = query.get("building", "")
    if asked and asked not in ids:
        raise Building.DoesNotExist
    building = ids.get(asked)
    return Wanted(
        **{code: SETTINGS.get(query.get(code, "")) for code in SWITCHES},
        building_id=building,
        floor=query.get("floor", "") if building is not None else "",
    )


def settings(query: QueryDict, wanted: Wanted, on: dict[str, int], looked_at: int) -> list[Setting]:
    """The two switches, each with its three values as links."""
    return [
        Setting(
            APARTMENT_FIELDS[code],
            [
                Chip(value, label, address(query, code, value), SETTINGS[value] is getattr(wanted, code), None)
                for value, label in SETTING_LABELS.items()
            ],
            on[code],
            looked_at,
        )
        for code in SWITCHES
    ]


def bars(query: QueryDict, wanted: Wanted, buildings: Sequence[Building], places: Iterable[Place]) -> list[Bar]:
    """For which apartments: all, a building, or a floor of it."""
    in_building, on_floor = Counter[int](), dict[str, int]()
    for place in places:
        in_building[place.building_id] += place.apartments
        if place.building_id == wanted.building_id and place.floor:
            on_floor[place.floor] = on_floor.get(place.floor, 0) + place.apartments
    without_floor = query.copy()
    without_floor.pop("floor", None)
    every = Filter("building", {}, label=_("For"), every=_("All apartments"), is_select=len(buildings) > CHIPS)
    chips = [
        Chip("", every.every, address(without_floor, "building", ""), wanted.building_id is None, in_building.total())
    ]
    chips += [
        Chip(
            str(row.pk),
            row.name,
            address(without_floor, "building", str(row.pk)),
            row.pk == wanted.building_id,
            in_building[row.pk],
        )
        for row in buildings
    ]
    found = [Bar(every, chips)]
    if wanted.building_id is not None and len(on_floor) > 1:
        floors = Filter("floor", {}, label=_("Floor"), every=ALL, is_select=len(on_floor) > CHIPS)
        whole = Chip("", _("All floors"), address(query, "floor", ""), not wanted.floor, None)
        found.append(
            Bar(floors, [whole, *(
                Chip(floor, _("floor %(floor)s") % {"floor": floor}, address(query, "floor", floor), floor == wanted.floor, n)
                for floor, n in on_floor.items()
            )])
        )  # fmt: skip
    return found
