"""Imports of apartments: what each row does, or what is wrong with it and the ways out. Pure functions (R17, R79)."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.typed import mail, phones, text
from accounts.typed.keys import identity_key
from communities.models import ImportRow
from communities.structure import LONGEST_FLOOR, LONGEST_NUMBER, floor_in
from devices import mac
from devices.addresses import Mac
from devices.errors import ForeignOui, MacRefused
from devices.imported import CELLS, Decision, Line

Result = ImportRow.Result
LONGEST = {"floor": LONGEST_FLOOR, "number": LONGEST_NUMBER, "name": 64, "master": 120, "monitor": 64}
_COUNTED = re.compile(r"(.*?)(\d+)")
_MISTYPED = (("(at)", "@"), ("[at]", "@"), (" at ", "@"), ("(dot)", "."), ("[dot]", "."), (" dot ", "."), (",", "."))
NEAR = 0.75  # how alike two names of buildings are of which one is a mistyped other


class Way(NamedTuple):
    """A way out of a problem, by one click."""

    decision: Decision
    label: str
    cell: str = ""
    value: str = ""


class Person(NamedTuple):
    """The family master of an apartment that is there."""

    name: str
    email: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Flat:
    """An apartment that is there already."""

    pk: int
    floor: str
    name: str
    needs_monitor: bool
    master: Person | None = None
    macs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check knows of the site: buildings by name key as (id, name), apartments by building and number key."""

    country: str
    requires_monitor: bool
    buildings: Mapping[str, tuple[int, str]]
    flats: Mapping[tuple[int, str], Flat] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What a row does. `problems` are sentences by cell, `ways` out of them, `told` what changes; `values` are the cleaned cells."""

    result: Result = Result.WRONG
    problems: dict[str, str] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    building_id: int = 0
    flat: Flat | None = None
    adds_master: bool = False
    adds_monitor: bool = False
    is_pending: bool = False

    def wrong(self, cell: str, problem: object, *ways: Way) -> None:
        """Note a problem; the first of a cell counts."""
        if cell not in self.problems:
            self.problems[cell] = str(problem)
            self.ways += ways


def place_of(line: Line, facts: Facts) -> tuple[int, str]:
    """The building's id (0 for none) and the number key: what a row is matched by. Without a building it is the only one of the site."""
    key = identity_key(line.of("building"))
    if not key and len(facts.buildings) == 1:
        (house,) = facts.buildings.values()
        return house[0], identity_key(line.of("number"))
    return facts.buildings.get(key, (0, ""))[0], identity_key(line.of("number"))


def has_new_mac(line: Line, facts: Facts) -> bool:
    """Whether the row's MAC has to be checked: not if it is in its apartment already, or the row does without."""
    if not line.of("mac").strip() or {Decision.PENDING, Decision.LEAVE_OUT} & line.decisions:
        return False
    flat = facts.flats.get(place_of(line, facts))
    reading = mac.read(line.of("mac")).mac
    if flat is not None and flat.macs:
        return False  # the same one is there, or another, which an import does not change
    return reading is not None or flat is None or not flat.macs


def assess(lines: Sequence[Line], facts: Facts, refused: Mapping[int, Refused]) -> dict[int, Verdict]:
    """What each row does. `refused` are the refusals of MACs and names of monitors, by the number of the row."""
    first: dict[tuple[int, str], int] = {}
    monitors = Counter(line.of("monitor") for line in lines if line.of("monitor"))
    default_name = monitors.most_common(1)[0][0] if monitors else ""
    found = {}
    for line in lines:
        if Decision.LEAVE_OUT in line.decisions:
            found[line.number] = Verdict(Result.LEFT_OUT)
            continue
        verdict = Verdict(values=dict.fromkeys(CELLS, ""))
        _clean(line, verdict)
        _place(line, verdict, facts, lines)
        before = first.setdefault(place_of(line, facts), line.number)
        if before != line.number and verdict.values["number"]:
            verdict.wrong("number", _("Also in row %(n)s") % {"n": before}, _leave_out())
        verdict.flat = facts.flats.get(place_of(line, facts))
        _resident(line, verdict, facts)
        _monitor(line, verdict, facts, refused.get(line.number), default_name)
        _conclude(verdict)
        found[line.number] = verdict
    return found


def _leave_out() -> Way:
    return Way(Decision.LEAVE_OUT, _("Leave out"))


def _use(cell: str, value: str) -> Way:
    return Way(Decision.USE, _("Use %(value)s") % {"value": value}, cell, value)


def _clean(line: Line, verdict: Verdict) -> None:
    for cell in CELLS:
        try:
            value = text.line(line.of(cell)) if cell != "mac" else line.of(cell).strip()
        except Refused as refusal:
            verdict.wrong(cell, refusal)
            continue
        if (most := LONGEST.get(cell)) and len(value) > most:
            verdict.wrong(cell, _("Longer than %(n)s characters") % {"n": most})
        verdict.values[cell] = value


def _place(line: Line, verdict: Verdict, facts: Facts, lines: Sequence[Line]) -> None:
    verdict.building_id, key = place_of(line, facts)
    if not verdict.building_id:
        names = [name for _pk, name in facts.buildings.values()]
        near = difflib.get_close_matches(line.of("building"), names, n=2, cutoff=NEAR) if line.of("building") else []
        ways = [_use("building", near[0])] if len(near) == 1 else []
        verdict.wrong(
            "building", _("No such building") if line.of("building") else _("Building is missing"), *ways, _leave_out()
        )
    if not key:
        gap = _gap(line, lines)
        verdict.wrong("number", _("Number is missing"), *([_use("number", gap)] if gap else []), _leave_out())
    if not verdict.values["floor"]:
        flat, floor = facts.flats.get((verdict.building_id, key)), floor_in(verdict.values["number"])
        if flat is not None:
            verdict.values["floor"] = flat.floor
        else:
            verdict.wrong("floor", _("Floor is missing"), *([_use("floor", floor)] if floor else []))


def _gap(line: Line, lines: Sequence[Line]) -> str:
    """The only number that lacks among those of the same building and floor; "" for none or several."""
    taken: dict[str, dict[int, int]] = {}
    for other in lines:
        same = (other.of("building"), other.of("floor")) == (line.of("building"), line.of("floor"))
        if same and (found := _COUNTED.fullmatch(other.of("number"))):
            taken.setdefault(found[1], {})[int(found[2])] = len(found[2])
    if len(taken) != 1:
        return ""
    ((prefix, numbers),) = taken.items()
    lacking = sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers))
    return f"{prefix}{lacking[0]:0{max(numbers.values())}d}" if len(lacking) == 1 else ""


def _resident(line: Line, verdict: Verdict, facts: Facts) -> None:
    values = verdict.values
    if not (values["master"] or values["email"] or values["mobile"]):
        return
    there = verdict.flat.master if verdict.flat else None
    if there is not None and Decision.KEEP in line.decisions:
        return
    _reachable(verdict, facts)
    if there is None:
        verdict.adds_master = True
        if not values["master"]:
            verdict.wrong("master", _("Name is missing"))
        elif not values["email"] and not values["mobile"]:
            verdict.wrong(
                "email", _("An email or a mobile number is needed"), Way(Decision.USE, _("Without resident"), "master")
            )
        return
    for cell, was in (("master", there.name), ("email", there.email), ("mobile", there.mobile)):
        if values[cell] and cell not in verdict.problems and identity_key(values[cell]) != identity_key(was):
            keep = Way(Decision.KEEP, _("Keep %(name)s as is") % {"name": there.name})
            verdict.wrong(
                cell, _("%(was)s lives there: an import does not change people") % {"was": was or there.name}, keep
            )
            return


def _reachable(verdict: Verdict, facts: Facts) -> None:
    """Clean email and mobile number, as the form of a resident does."""
    values = verdict.values
    if values["email"]:
        try:
            values["email"] = mail.address(values["email"]).shown
        except Refused as refusal:
            mended = _mended(values["email"])
            verdict.wrong("email", refusal, *([_use("email", mended)] if mended else []))
    if values["mobile"]:
        try:
            values["mobile"] = phones.number(values["mobile"], facts.country)
        except Refused as refusal:
            verdict.wrong("mobile", refusal)


def _mended(typed: str) -> str:
    """The address that was probably meant; "" where it is none either."""
    meant = f" {typed} "
    for wrong, right in _MISTYPED:
        meant = meant.replace(wrong, right)
    try:
        return mail.address(meant.replace(" ", "")).shown
    except Refused:
        return ""


def _monitor(line: Line, verdict: Verdict, facts: Facts, refusal: Refused | None, default_name: str) -> None:
    typed, flat, pending = verdict.values["mac"], verdict.flat, Way(Decision.PENDING, _("Mark pending"))
    needs_one = facts.requires_monitor if flat is None else flat.needs_monitor and not flat.macs
    if Decision.PENDING in line.decisions or not typed:
        verdict.is_pending = needs_one
        if flat is None and needs_one and Decision.PENDING not in line.decisions:
            verdict.wrong("mac", _("MAC is missing: a monitor is required"), pending)
        return
    if flat is not None and flat.macs:
        reading = mac.read(typed).mac
        if (reading is None or reading.value not in flat.macs) and Decision.KEEP not in line.decisions:
            there = ", ".join(str(Mac(value)) for value in sorted(flat.macs))
            keep = Way(Decision.KEEP, _("Keep the monitor"))
            verdict.wrong("mac", _("%(macs)s is there already: swap it at the apartment") % {"macs": there}, keep)
        return
    verdict.adds_monitor = True
    if not verdict.values["monitor"]:
        verdict.wrong("monitor", _("Name is missing"), *([_use("monitor", default_name)] if default_name else []))
    if refusal is None:
        return
    if refusal.field == "name":
        verdict.wrong("monitor", refusal)
        return
    ways = [pending] if needs_one else []
    if isinstance(refusal, MacRefused) and refusal.suggestion:
        ways.insert(0, _use("mac", str(refusal.suggestion)))
    if isinstance(refusal, ForeignOui) and refusal.may_confirm:
        ways.append(Way(Decision.CONFIRM, _("The label says so")))
    verdict.wrong("mac", refusal, *ways)


def _conclude(verdict: Verdict) -> None:
    if verdict.problems:
        if not verdict.ways:
            verdict.ways.append(_leave_out())
        return
    flat = verdict.flat
    if flat is None:
        verdict.result = Result.NEW
        verdict.told += [] if not verdict.is_pending else [_("monitor pending")]
        return
    if verdict.values["floor"] != flat.floor:
        verdict.told.append(_("Floor was %(was)s") % {"was": flat.floor})
    if verdict.values["name"] and verdict.values["name"] != flat.name:
        verdict.told.append(_("Name new"))
    if verdict.adds_master:
        verdict.told.append(_("Resident new"))
    if verdict.adds_monitor:
        verdict.told.append(_("Monitor new"))
    verdict.result = Result.CHANGED if verdict.told else Result.UNCHANGED
