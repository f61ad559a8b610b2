"""Buildings as people describe them, floors × units or a pasted list, in the steps of a new site and for a new building."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.typed.keys import identity_key
from communities import structure
from communities.structure import HIGHEST_FLOOR, LOWEST_FLOOR, MOST_UNITS, NUMBERINGS, Fault, Grid, Numbering, Unit
from smartplus.portal.kit.fields import LineField, RawField
from smartplus.portal.kit.responses import refusals_into

MOST_BUILDINGS = 200  # of one form
FLOORS = ("first_floor", "floors", "units", "first_unit", "numbering", "pattern")
TYPED = ("name", "mode", *FLOORS, "pasted")
BLANK = {"mode": "grid", "first_floor": "1", "floors": "4", "units": "3", "first_unit": "1", "numbering": "point"}
WHOLE_FACADE, TOP_AND_BOTTOM, WIDEST = (
    60,
    3,
    12,
)  # apartments that are drawn; else floors at each end; apartments of a floor
SHOWN_FAULTS = 5
_ID = re.compile(r"b[0-9]{1,4}")
Typed = dict[str, Any]


class Facade(NamedTuple):
    """The floors that a façade draws, from the top: those at its upper end, how many are left out between, those at its lower end."""

    top: list[structure.Storey]
    between: int
    bottom: list[structure.Storey]


def facade_of(units: Sequence[Unit]) -> Facade:
    """All floors of a small building; of a large one the first and the last ones."""
    found = [
        storey._replace(numbers=(*storey.numbers[:WIDEST], f"+ {len(storey.numbers) - WIDEST}"))
        if len(storey.numbers) > WIDEST
        else storey
        for storey in structure.storeys(units)
    ]
    if len(units) <= WHOLE_FACADE or len(found) <= 2 * TOP_AND_BOTTOM:
        return Facade(found, 0, [])
    return Facade(found[:TOP_AND_BOTTOM], len(found) - 2 * TOP_AND_BOTTOM, found[-TOP_AND_BOTTOM:])


class BuildingPlan(forms.Form):
    """One building: its name, and its apartments as a grid or as a list. It is always checked; `shown` are the fields to write, with
    what is wrong only where the person has asked to go on."""

    name = LineField(label=gettext_lazy("Name"), max_length=64)
    mode = forms.ChoiceField(
        label=gettext_lazy("Apartments"),
        choices=[("grid", gettext_lazy("Floors × units")), ("list", gettext_lazy("Paste a list"))],
        widget=forms.RadioSelect,
    )
    first_floor = forms.IntegerField(label=gettext_lazy("First floor"), min_value=LOWEST_FLOOR, max_value=HIGHEST_FLOOR)
    floors = forms.IntegerField(label=gettext_lazy("Floors"), min_value=1, max_value=HIGHEST_FLOOR)
    units = forms.IntegerField(label=gettext_lazy("Units a floor"), min_value=1, max_value=MOST_UNITS)
    first_unit = forms.IntegerField(label=gettext_lazy("First unit"), min_value=0, max_value=MOST_UNITS)
    numbering = forms.ChoiceField(label=gettext_lazy("Numbers"), choices=list(NUMBERINGS.items()))
    pattern = LineField(
        label=gettext_lazy("Pattern"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("{floor}, {unit}, {letter} and {n} through the house; {unit:2} has two digits."),
    )
    pasted = RawField(
        label=gettext_lazy("One apartment a line: number; floor; family master; email"),
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(
        self, typed: Mapping[str, Any], *, prefix: str, shows_errors: bool = False, may_be_empty: bool = False
    ) -> None:
        self.typed, self.shows_errors = {**BLANK, **typed}, shows_errors
        if may_be_empty and self.typed["mode"] not in {"grid", "list"}:
            self.typed["mode"] = "none"
        self.found: list[Unit] = []
        self.faults: list[Fault] = []
        data = {f"{prefix}-{name}": str(self.typed.get(name, "")) for name in TYPED}
        super().__init__(data, prefix=prefix, label_suffix="")
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if may_be_empty:
            del self.fields["name"]  # the page asks for it
            mode = self.fields["mode"]
            assert isinstance(mode, forms.ChoiceField)
            mode.choices = [("none", _("None yet")), *mode.choices]  # type: ignore[misc]
        self.may_be_empty = may_be_empty
        for name in ("first_floor", "floors", "units", "first_unit"):
            self.fields[name].widget.attrs["inputmode"] = "numeric"

    @property
    def is_list(self) -> bool:
        """Whether the apartments are a pasted list."""
        return bool(self.typed["mode"] == "list")

    @property
    def is_empty(self) -> bool:
        """Whether it has no apartments yet."""
        return bool(self.typed["mode"] == "none")

    @property
    def others(self) -> list[tuple[str, str]]:
        """Floors with another number of units, as typed."""
        return [(str(floor), str(units)) for floor, units in self.typed.get("others", [])]

    @cached_property
    def shown(self) -> forms.Form:
        """The form to write: this one where errors are shown, else one with the same values and no errors."""
        if self.shows_errors:
            return self
        twin = BuildingPlan(self.typed, prefix=str(self.prefix), may_be_empty=self.may_be_empty)
        twin.is_bound, twin.initial = False, {name: self.typed.get(name, "") for name in TYPED}
        return twin

    def clean(self) -> dict[str, Any]:
        """Make the apartments. Of a list the fields of the grid say nothing, and the other way round."""
        values = super().clean() or {}
        if self.is_list or self.is_empty:
            for name in FLOORS:
                self.errors.pop(name, None)
        if self.is_empty:
            return values
        if self.is_list:
            self._read(lambda: structure.listed(str(values.get("pasted") or "")))
        elif not any(name in self.errors for name in FLOORS):
            self._read(lambda: self._units_of(values))
        self.faults = list(structure.faults_in(self.found))
        if self.faults:
            self.add_error(None, self.faults[0].text)
        return values

    def _read(self, make: Callable[[], list[Unit]]) -> None:
        with refusals_into(self):
            self.found = make()

    def _units_of(self, values: Mapping[str, Any]) -> list[Unit]:
        odd = {
            int(floor): int(units)
            for floor, units in self.others
            if re.fullmatch(r"-?[0-9]{1,3}", floor.strip()) and re.fullmatch(r"[0-9]{1,3}", units.strip())
        }
        grid = Grid(
            values["first_floor"], values["floors"], values["units"], values["first_unit"],
            Numbering(values["numbering"]), values.get("pattern") or "", odd,
        )  # fmt: skip
        return structure.units_of(grid, most=settings.APARTMENTS_AT_ONCE)

    @property
    def facade(self) -> Facade:
        """The façade."""
        return facade_of(self.found)

    @property
    def storey_count(self) -> int:
        """How many floors have apartments."""
        return len({unit.floor for unit in self.found})

    @property
    def shown_faults(self) -> list[Fault]:
        """The first of what is wrong with its numbers."""
        return self.faults[:SHOWN_FAULTS]

    @property
    def more_faults(self) -> int:
        """How many more there are."""
        return max(len(self.faults) - SHOWN_FAULTS, 0)

    @property
    def differing(self) -> int:
        """How many of its apartments have other switches than the community, as they were copied."""
        keys = self.typed.get("switches") or {}
        return sum(identity_key(unit.number) in keys for unit in self.found) if keys else 0


@dataclass
class Structure:
    """The buildings of a form. Names that are there twice are refused at the second one (R77)."""

    buildings: list[BuildingPlan]

    @classmethod
    def of(cls, rows: Iterable[Typed], *, shows_errors: bool = False) -> Structure:
        """Of the rows of a draft."""
        found = [BuildingPlan(row, prefix=str(row["id"]), shows_errors=shows_errors) for row in rows]
        names = set[str]()
        for building in found:
            building.is_valid()
            key = identity_key(building.cleaned_data.get("name", ""))
            if key and key in names:
                building.add_error("name", _("Two buildings have this name."))
            names.add(key)
        return cls(found)

    @property
    def count(self) -> int:
        """How many apartments there are."""
        return sum(len(building.found) for building in self.buildings)

    @property
    def is_valid(self) -> bool:
        """Whether all of them can be created."""
        return not any(building.errors for building in self.buildings)

    def problems(self) -> Iterator[dict[str, str]]:
        """What is wrong, each a link to its field, for the error summary."""
        for building in self.buildings:
            name = str(building.typed.get("name") or _("Building"))
            for field, texts in building.errors.items():
                at = field if field in building.fields else ("pasted" if building.is_list else "floors")
                yield from ({"id": str(building[at].id_for_label), "label": name, "text": str(text)} for text in texts)


def typed_rows(sent: QueryDict, before: Iterable[Typed] = (), *, only: str = "") -> list[Typed]:
    """The buildings as they were sent, in their order, or the only one of the form; what the form does not show comes from `before`."""
    kept = {str(row.get("id")): row for row in before}
    named = [only] if only else dict.fromkeys(sent.getlist("building"))
    ids = [one for one in named if _ID.fullmatch(one)][:MOST_BUILDINGS]
    rows = []
    for one in ids:
        row: Typed = {"id": one, **{name: sent.get(f"{one}-{name}", "") for name in TYPED}}
        pairs = zip(sent.getlist(f"{one}-other_floor"), sent.getlist(f"{one}-other_units"), strict=False)
        row["others"] = [[floor[:4], units[:4]] for floor, units in pairs][:MOST_BUILDINGS]
        row["switches"] = kept.get(one, {}).get("switches", {})
        rows.append(row)
    return rows


def changed(rows: list[Typed], do: str) -> list[Typed]:
    """The buildings after a small button of the form: add, copy:b1, remove:b1, other:b1, regular:b1:0. Anything else changes nothing."""
    what, _colon, rest = do.partition(":")
    one, _colon, at = rest.partition(":")
    place = next((n for n, row in enumerate(rows) if row["id"] == one), None)
    if what == "add" and len(rows) < MOST_BUILDINGS:
        return [*rows, blank(rows)]
    if place is None:
        return rows
    row = rows[place]
    if what == "remove":
        return rows[:place] + rows[place + 1 :]
    if what == "copy" and len(rows) < MOST_BUILDINGS:
        return [*rows[: place + 1], {**row, "id": free_id(rows), "name": ""}, *rows[place + 1 :]]
    others = list(row.get("others", []))
    if what == "other":
        others = [*others, ["", ""]]
    elif what == "regular" and at.isdecimal() and len(at) < 4:
        others = others[: int(at)] + others[int(at) + 1 :]
    return [*rows[:place], {**row, "others": others}, *rows[place + 1 :]]


def blank(rows: Sequence[Typed]) -> Typed:
    """A new building."""
    return {"id": free_id(rows), **BLANK}


def free_id(rows: Sequence[Typed]) -> str:
    """An id that no building of the form has."""
    taken = [int(str(row["id"])[1:]) for row in rows if _ID.fullmatch(str(row.get("id")))]
    return f"b{max(taken, default=0) + 1}"
