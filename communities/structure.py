"""The apartments of a building as people describe them: floors × units with a scheme of numbers, or a pasted list. Pure functions."""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused
from accounts.typed import text
from accounts.typed.keys import floor_key, identity_key

LONGEST_NUMBER, LONGEST_FLOOR = 16, 32  # characters, as the columns of an apartment
LOWEST_FLOOR, HIGHEST_FLOOR = -9, 199
MOST_UNITS = 999  # of one floor
DIVIDERS = ("\t", ";", "|", ",")  # the most certain first
HEADS = frozenset(
    {"number", "nummer", "apartment", "wohnung", "unit", "einheit"}
)  # a first cell that is the head of a column
_LINE_END = re.compile(r"\r\n|\n|\r")
_PLACE = re.compile(r"\{(floor|unit|letter|n)(?::([1-9]))?\}")
_BEFORE_POINT = re.compile(r"(-?[0-9]{1,3})[.\-/ ][0-9A-Za-z]{1,4}")
_HUNDREDS = re.compile(r"([0-9]{1,3})[0-9]{2}")
_AND_LETTER = re.compile(r"(-?[0-9]{1,3})[A-Za-z]{1,2}")


class Numbering(enum.StrEnum):
    """How the apartments of a building are numbered."""

    POINT = "point"
    DIGITS = "digits"
    LETTER = "letter"
    RUNNING = "running"
    OWN = "own"


NUMBERINGS: Mapping[Numbering, Promise] = {
    Numbering.POINT: gettext_lazy("1.01 floor, point, two digits"),
    Numbering.DIGITS: gettext_lazy("101 floor and two digits; ground floor 001"),
    Numbering.LETTER: gettext_lazy("1A floor and letter"),
    Numbering.RUNNING: gettext_lazy("1, 2, 3 through the house"),
    Numbering.OWN: gettext_lazy("Own pattern"),
}
PATTERNS: Mapping[Numbering, str] = {
    Numbering.POINT: "{floor}.{unit:2}",
    Numbering.DIGITS: "{floor}{unit:2}",
    Numbering.LETTER: "{floor}{letter}",
    Numbering.RUNNING: "{n}",
}


class Unit(NamedTuple):
    """An apartment that is planned: where it is, and the family master if one is named. `line` is its line in a list, from 1; 0 in a grid."""

    floor: str
    number: str
    master: str = ""
    email: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """Floors × units. `others` are floors with another number of units; `pattern` counts only with Numbering.OWN."""

    first_floor: int = 1
    floors: int = 4
    units: int = 3
    first_unit: int = 1
    numbering: Numbering = Numbering.POINT
    pattern: str = ""
    others: Mapping[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many apartments it has, without making them."""
        last = self.first_floor + self.floors
        odd = [units for floor, units in self.others.items() if self.first_floor <= floor < last]
        return max(self.floors - len(odd), 0) * self.units + sum(odd)


def units_of(grid: Grid, *, most: int | None = None) -> list[Unit]:
    """The apartments of a grid, from the lowest floor up. Refuses a pattern that is none (see `refuse_pattern`), and more than `most`."""
    if most is not None and grid.count > most:
        words = {"count": grid.count, "n": most}
        raise Refused(
            _("%(count)s apartments are too many: at most %(n)s can be created at once.") % words, field="floors"
        )
    pattern = PATTERNS.get(grid.numbering, grid.pattern)
    refuse_pattern(pattern)
    found, n = list[Unit](), grid.first_unit
    for floor in range(grid.first_floor, grid.first_floor + grid.floors):
        for unit in range(grid.first_unit, grid.first_unit + grid.others.get(floor, grid.units)):
            found.append(Unit(str(floor), _written(pattern, floor, unit, n)))
            n += 1
    return found


def refuse_pattern(pattern: str) -> None:
    """Refuse a pattern without anything that counts, or with braces that mean nothing."""
    words = {found[1] for found in _PLACE.finditer(pattern)}
    if not pattern.strip():
        raise Refused(_("Write the pattern, for example {floor}-{unit:2}."), field="pattern")
    if left := re.search(r"\{[^{}]*\}?|\}", _PLACE.sub("", pattern)):
        raise Refused(
            _(
                "“%(part)s” is no part of a pattern. These are: {floor}, {unit}, {letter} and {n}; {unit:2} has two digits."
            )
            % {"part": left[0]},
            field="pattern",
        )
    if not words & {"unit", "letter", "n"}:
        raise Refused(
            _("All apartments of a floor would have one number: add {unit}, {letter} or {n}."), field="pattern"
        )


def _written(pattern: str, floor: int, unit: int, n: int) -> str:
    def part(found: re.Match[str]) -> str:
        if found[1] == "letter":
            return letters(unit)
        value = {"floor": floor, "unit": unit, "n": n}[found[1]]
        return f"{value:0{int(found[2] or 1)}d}"

    return _PLACE.sub(part, pattern).strip()


def letters(number: int) -> str:
    """1 → A, 26 → Z, 27 → AA, as columns of a spreadsheet; "" for 0."""
    found = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def listed(typed: str) -> list[Unit]:
    """The apartments of a pasted list: number; floor; family master; email. A missing floor is read from the number where it says it. A
    head and empty lines are left out. Raises Refused for characters that can't be shown."""
    found = list[Unit]()
    for line, written in enumerate(_LINE_END.split(typed), start=1):
        cells = [text.line(cell) for cell in _cells(written)]
        if not any(cells) or (not found and identity_key(cells[0]) in {*HEADS, identity_key(_("Number"))}):
            continue
        number, floor, master, email, *_more = [*cells, "", "", "", ""]
        found.append(Unit(floor or floor_in(number), number, master, email, line))
    return found


def _cells(line: str) -> list[str]:
    divider = next((sign for sign in DIVIDERS if sign in line), None)
    return line.split(divider) if divider else [line]


def floor_in(number: str) -> str:
    """The floor that a number says: 2.04 → 2, 204 → 2, 2D → 2; "" for any other."""
    for kind in (_BEFORE_POINT, _HUNDREDS, _AND_LETTER):
        if found := kind.fullmatch(number):
            return str(int(found[1]))
    return ""


def as_list(units: Iterable[Unit]) -> str:
    """Apartments as the text that `listed` reads."""
    rows = ((unit.number, unit.floor, unit.master, unit.email) for unit in units)
    return "\n".join("; ".join(row).rstrip("; ") for row in rows)


class Fault(NamedTuple):
    """What is wrong with the apartment at a place of a building's list, from 0."""

    at: int
    text: str


def faults_in(units: Sequence[Unit]) -> Iterator[Fault]:
    """What is wrong with the apartments of one building: no number or floor, one that is too long, a number twice (R77)."""
    first: dict[str, int] = {}
    for at, unit in enumerate(units):
        key = identity_key(unit.number)
        before = first.setdefault(key, at)
        if problem := _fault(unit, key, units[before] if before != at else None):
            yield Fault(at, problem)


def _fault(unit: Unit, key: str, before: Unit | None) -> str:
    place = {"line": unit.line, "number": unit.number, "n": LONGEST_NUMBER}
    if not key:
        return _("Line %(line)s has no number.") % place
    if before is not None:
        if unit.line:
            return _("Line %(line)s repeats %(number)s of line %(before)s.") % {
                **place, "number": before.number, "before": before.line,
            }  # fmt: skip
        return _("%(number)s is there twice, on floor %(floor)s and on floor %(before)s.") % {
            **place, "floor": unit.floor, "before": before.floor,
        }  # fmt: skip
    if len(unit.number) > LONGEST_NUMBER:
        return _("“%(number)s” is longer than %(n)s characters.") % place
    if not unit.floor:
        return (
            _("Line %(line)s does not say the floor of %(number)s: write it behind the number, after a semicolon.")
            % place
        )
    if len(unit.floor) > LONGEST_FLOOR:
        return _("The floor in line %(line)s is longer than %(n)s characters.") % {**place, "n": LONGEST_FLOOR}
    return ""


class Storey(NamedTuple):
    """A floor of a façade: its numbers from the left, and whether it has another number of units than most."""

    floor: str
    numbers: tuple[str, ...]
    is_odd: bool


def storeys(units: Iterable[Unit]) -> list[Storey]:
    """The floors from the top, as a façade shows them."""
    by_floor: dict[str, list[str]] = {}
    for unit in units:
        by_floor.setdefault(unit.floor, []).append(unit.number)
    sizes = Counter(map(len, by_floor.values()))
    usual = max(sizes, key=lambda size: (sizes[size], size), default=0)
    ordered = sorted(by_floor, key=floor_key, reverse=True)
    return [Storey(floor, tuple(by_floor[floor]), len(by_floor[floor]) != usual) for floor in ordered]
