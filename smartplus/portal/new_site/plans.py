"""A draft as the community that it will be: its steps as checked forms, its apartments, and what is wrong where. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.scope import Actor
from accounts.typed.keys import identity_key
from communities import drafts
from communities.actions.buildings import NewApartment, NewBuilding, Place, structure_errors
from communities.actions.site_rules import name_taken
from communities.models import Site, SiteDraft
from communities.structure import Unit
from devices.actions import MonitorEntry, NewSite
from devices.actions.structures import Problems, problems_of
from smartplus.portal.kit.fields import refuse
from smartplus.portal.kit.monitor_grid import ROWS, MonitorGrid, Spot
from smartplus.portal.kit.structure_forms import Structure, Typed
from smartplus.portal.new_site.forms import BasicsForm, ServicesForm, services_data

PEOPLE = frozenset({"master", "email"})  # the fields of a family master


def is_free(basics: BasicsForm, installer_id: int) -> bool:
    """Whether basics are valid and their name is free; otherwise the form says what is wrong."""
    if basics.is_valid() and (taken := name_taken(installer_id, basics.cleaned_data["name"])):
        refuse(basics, taken)
    return basics.is_valid()


class Flat(NamedTuple):
    """An apartment of a draft: its place, the key of its row of devices, its building's name, and where it is."""

    place: Place
    key: str
    building: str
    unit: Unit


class Plan:
    """What a draft describes. Everything is read from what was typed, and checked by the forms of the steps."""

    def __init__(self, draft: SiteDraft, *, shows_errors: bool = False) -> None:
        self.draft = draft
        data = drafts.upgraded(draft.data)
        self.typed: Mapping[str, Any] = data
        self.buildings: list[Typed] = [row for row in data["buildings"] if isinstance(row, dict) and "id" in row]
        self.structure = Structure.of(self.buildings, shows_errors=shows_errors)
        self.basics = BasicsForm(data["basics"], label_suffix="")
        self.services = ServicesForm(services_data(data["services"]), label_suffix="")
        self.rows: Mapping[str, Mapping[str, str]] = data["devices"].get("rows", {})
        self.default_name = str(data["devices"].get("default_name", _("Indoor monitor")))
        self.may_wait = bool(data["devices"].get("may_wait"))

    @cached_property
    def has_basics(self) -> bool:
        """Whether the basics are valid, and no other site has the name (R77)."""
        return is_free(self.basics, self.draft.installer_id)

    @property
    def site(self) -> Site:
        """The site as a MAC is checked for it: not saved, with the tenant keys of the draft."""
        keys = ("installer_id", "distributor_id", "subdistributor_id")
        return Site(**{key: getattr(self.draft, key) for key in keys}, name=self.draft.name)

    @cached_property
    def switches(self) -> dict[str, bool]:
        """The switches of the community, as far as they are valid."""
        self.services.is_valid()
        return {code: bool(self.services[code].value()) for code in self.services.switches}

    @cached_property
    def flats(self) -> list[Flat]:
        """All apartments, in the order of the form."""
        return [
            Flat(
                (house, at), drafts.key_of(str(building.prefix), unit.number), str(building.typed.get("name", "")), unit
            )
            for house, building in enumerate(self.structure.buildings)
            for at, unit in enumerate(building.found)
        ]

    @cached_property
    def new_buildings(self) -> list[NewBuilding]:
        """The buildings for the action."""
        found = [NewBuilding(str(row.typed.get("name", "")), []) for row in self.structure.buildings]
        made: list[list[NewApartment]] = [[] for _row in found]
        for flat in self.flats:
            row, typed = self.rows.get(flat.key, {}), self.structure.buildings[flat.place[0]].typed
            made[flat.place[0]].append(
                NewApartment(
                    flat.unit.floor, flat.unit.number, switches=(typed.get("switches") or {}).get(identity_key(flat.unit.number), {}),
                    master=row.get("master", flat.unit.master), email=row.get("email", flat.unit.email),
                )
            )  # fmt: skip
        return [NewBuilding(building.name, flats) for building, flats in zip(found, made, strict=True)]

    @cached_property
    def monitors(self) -> dict[Place, MonitorEntry]:
        """The typed monitors, by the place of their apartment."""
        return {
            flat.place: MonitorEntry(
                row["mac"], row.get("name") or self.default_name, confirmed=bool(row.get("confirmed"))
            )
            for flat in self.flats
            if (row := self.rows.get(flat.key, {})).get("mac", "").strip()
        }

    @property
    def requiring(self) -> set[Place]:
        """The places of the apartments that require a monitor."""
        return {
            (house, at)
            for house, building in enumerate(self.new_buildings)
            for at, flat in enumerate(building.apartments)
            if flat.switched(self.switches)["indoor_monitor"]
        }

    @cached_property
    def new_site(self) -> NewSite | None:
        """The site for the action; None as long as a step's form is not valid."""
        if not (self.basics.is_valid() and self.services.is_valid() and self.structure.is_valid):
            return None
        return NewSite(
            self.basics.basics, self.basics.cleaned_data["free_members"], self.services.switches, self.services.options,
            self.new_buildings, self.monitors, self.may_wait, get_language() or "en",
        )  # fmt: skip

    def problems(self, actor: Actor) -> Problems:
        """What the action would refuse of buildings, apartments and monitors."""
        return problems_of(
            actor, self.site, self.new_buildings, self.monitors, labels={flat.place: self.label(flat) for flat in self.flats},
            requiring=self.requiring, may_wait=self.may_wait,
        )  # fmt: skip

    def label(self, flat: Flat) -> str:
        """An apartment in words."""
        return f"{flat.building} {flat.unit.number}".strip()

    def spots(self) -> list[Spot]:
        """The apartments as a grid names them."""
        needs = self.requiring
        return [Spot(flat.key, flat.building, flat.unit.number, flat.place in needs) for flat in self.flats]

    def grid(self, page: int) -> MonitorGrid:
        """A page of the grid of monitors."""
        some = self.spots()[(page - 1) * ROWS : page * ROWS]
        units = {flat.key: flat.unit for flat in self.flats[(page - 1) * ROWS : page * ROWS]}
        typed = {
            spot.key: {"master": units[spot.key].master, "email": units[spot.key].email, **self.rows.get(spot.key, {})}
            for spot in some
        }
        return MonitorGrid(some, typed, default_name=self.default_name)

    @property
    def pages(self) -> int:
        """How many pages the grid has."""
        return max(-(-len(self.flats) // ROWS), 1)

    def page_of(self, place: Place) -> int:
        """The page of the grid on which an apartment stands."""
        return next(at for at, flat in enumerate(self.flats) if flat.place == place) // ROWS + 1

    def people_errors(self) -> dict[Place, Refused]:
        """The family masters who can't be created."""
        errors = structure_errors(self.new_buildings, country="")
        return {(house, at): error for (house, at), error in errors.items() if at is not None and error.field in PEOPLE}
