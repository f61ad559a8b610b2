"""What the changes of a sheet would do: the dry run of many cells, with the cell that each refusal belongs to (R14, R17–R23). Nothing here
writes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.scope import Actor
from accounts.typed import text
from accounts.typed.keys import identity_key
from communities import catalogue
from communities.actions.apartments import inherited
from communities.actions.residents import cleaned
from communities.errors import CeilingOff, NameTaken
from communities.models import Apartment, Building, Resident, ServiceChangeRow, Site
from devices.actions.checks import MonitorEntry
from devices.actions.many import check_many
from devices.actions.registration import lock_entries
from devices.bulk import MONITOR, has_monitor
from devices.errors import MonitorRequired

Key = int | str  # an apartment by its id, a new one by what the caller calls it
Cell = tuple[Key, str]
LONGEST = {"number": 16, "floor": 32, "master": 120}


@dataclass(frozen=True, slots=True)
class Person:
    """A family master as typed: a name, and for somebody new an email address or a telephone number."""

    name: str
    contact: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing is typed."""
        return not (text.line(self.name) or text.line(self.contact))

    @property
    def ways(self) -> tuple[str, str]:
        """Email and mobile: the contact is one of them."""
        return (self.contact, "") if "@" in self.contact else ("", self.contact)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is typed into the row of an apartment. None leaves a cell as it is; `switches` has those that are set. `version` and the mark
    `master_was` of the family master's name say what the page showed. With `may_wait` it waits for its monitor (R17)."""

    version: int
    number: str | None = None
    master: Person | None = None
    master_was: str | None = None
    switches: Mapping[str, bool] = field(default_factory=dict)
    monitor: MonitorEntry | None = None
    may_wait: bool = False


@dataclass(frozen=True, slots=True)
class New:
    """An apartment that is added; its switches are the community's (R23)."""

    building_id: int
    floor: str
    number: str
    master: Person = Person("")
    monitor: MonitorEntry | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """An apartment of the sheet as it is now."""

    apartment: Apartment
    has_monitor: bool
    master: Resident | None

    @property
    def values(self) -> dict[str, bool]:
        """Its switches, and whether it waits for a monitor."""
        return {name: getattr(self.apartment, name) for name in ServiceChangeRow.VALUES}


@dataclass(slots=True)
class SheetRun:
    """What the changes do if nobody changes one of the apartments first. `errors` has the refusal of each cell that is wrong, `outdated` the
    ids of apartments that somebody else changed since the page was shown."""

    site: Site
    edits: Mapping[int, Edit]
    new: Mapping[str, New]
    homes: dict[int, Home]
    buildings: dict[int, Building]
    errors: dict[Cell, Refused] = field(default_factory=dict)
    outdated: list[int] = field(default_factory=list)

    def after(self, pk: int) -> dict[str, bool]:
        """The values of an apartment then. Whether it waits for a monitor follows from what is typed (R17)."""
        home, edit = self.homes[pk], self.edits[pk]
        values = {**home.values, **edit.switches}
        values["monitor_pending"] = values[MONITOR] and not home.has_monitor and edit.monitor is None
        return values

    @property
    def switched(self) -> list[int]:
        """The apartments that get another switch."""
        codes = catalogue.APARTMENT_SWITCHES
        return [
            pk for pk, home in self.homes.items() if any(self.after(pk)[code] != home.values[code] for code in codes)
        ]

    @property
    def renumbered(self) -> dict[int, str]:
        """The apartments that get another number."""
        return {
            pk: text.line(edit.number)
            for pk, edit in self.edits.items()
            if edit.number is not None and text.line(edit.number) != self.homes[pk].apartment.number
        }

    @property
    def monitors(self) -> dict[Key, MonitorEntry]:
        """The monitors that are registered, by their apartment."""
        found: dict[Key, MonitorEntry] = {pk: edit.monitor for pk, edit in self.edits.items() if edit.monitor}
        return found | {key: row.monitor for key, row in self.new.items() if row.monitor}

    @property
    def masters(self) -> dict[int, Person]:
        """The family masters that are entered, or get another name or contact."""
        return {
            pk: edit.master
            for pk, edit in self.edits.items()
            if edit.master is not None and not self._is_same(self.homes[pk].master, edit.master)
        }

    @property
    def lacking(self) -> list[int]:
        """The apartments that would need an indoor monitor and have none, and were not let wait for it (R17)."""
        return [
            pk
            for pk, edit in self.edits.items()
            if edit.switches.get(MONITOR)
            and not self.homes[pk].apartment.indoor_monitor
            and not self.homes[pk].has_monitor
            and edit.monitor is None
            and not edit.may_wait
        ]

    @property
    def waiting(self) -> list[int]:
        """The apartments that get With Indoor Monitor and then wait for their monitor."""
        return [
            pk
            for pk in self.switched
            if self.after(pk)["monitor_pending"] and not self.homes[pk].apartment.indoor_monitor
        ]

    @property
    def changed(self) -> set[int]:
        """The apartments in which something changes."""
        return {
            *self.switched,
            *self.renumbered,
            *self.masters,
            *(key for key in self.monitors if isinstance(key, int)),
        }

    @property
    def count(self) -> int:
        """How many cells change; an apartment that is added is one."""
        codes = catalogue.APARTMENT_SWITCHES
        switched = sum(self.after(pk)[code] != home.values[code] for pk, home in self.homes.items() for code in codes)
        own = sum(isinstance(key, int) for key in self.monitors)
        return switched + len(self.renumbered) + len(self.masters) + own + len(self.new)

    @staticmethod
    def _is_same(now: Resident | None, typed: Person) -> bool:
        if now is None:
            return typed.is_blank
        return text.line(typed.name) == now.name and not typed.contact


def dry_run_of_sheet(
    actor: Actor, site: Site, edits: Mapping[int, Edit], new: Mapping[str, New], *, lock: bool = False
) -> SheetRun:
    """What the changes do now; at most ten statements, however many cells. Apartments and buildings of other sites are not found. With `lock`
    the apartments, family masters and MACs of the library are locked, each in the order of ids; the caller holds the site's lock."""
    run = SheetRun(site, edits, new, _homes(site, edits, lock=lock), _buildings(site, new))
    run.outdated = [
        pk
        for pk, edit in edits.items()
        if run.homes[pk].apartment.version != edit.version
        or (edit.master_was is not None and mark_of(_name(run.homes[pk].master)) != edit.master_was)
    ]
    _check_switches(run)
    _check_numbers(run)
    _check_masters(run)
    _check_monitors(actor, run, lock=lock)
    return run


def _homes(site: Site, edits: Mapping[int, Edit], *, lock: bool) -> dict[int, Home]:
    if not edits:
        return {}
    rows = Apartment.objects.filter(site=site, pk__in=edits).select_related("building").order_by("pk")
    people = Resident.objects.filter(apartment__in=edits, site=site, is_master=True).order_by("pk")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
        people = people.select_for_update(of=("self",), no_key=True)
    found = {row.pk: row for row in rows.annotate(has_one=has_monitor())}
    if set(found) != set(edits):
        raise Apartment.DoesNotExist
    masters = {person.apartment_id: person for person in people}
    return {pk: Home(row, getattr(row, "has_one"), masters.get(pk)) for pk, row in found.items()}  # noqa: B009 the annotation


def _buildings(site: Site, new: Mapping[str, New]) -> dict[int, Building]:
    wanted = {row.building_id for row in new.values()}
    found = Building.objects.filter(site=site).in_bulk(wanted) if wanted else {}
    if set(found) != wanted:
        raise Building.DoesNotExist
    return found


def mark_of(shown: str) -> str:
    """A short mark of a text that a page showed, by which it is known again."""
    return f"{zlib.crc32(shown.encode()):08x}"


def _name(master: Resident | None) -> str:
    return master.name if master else ""


def _check_switches(run: SheetRun) -> None:
    """The ceiling of the community (R22), and monitors that are lacking (R17, R18)."""
    site = run.site
    for pk, edit in run.edits.items():
        for code in catalogue.CEILING_SWITCHES:
            if edit.switches.get(code) and not getattr(site, code):
                words = _("%(service)s is off in %(site)s. Switch it on there first.")
                told = words % {"service": catalogue.BY_CODE[code].label, "site": site.name}
                run.errors[pk, code] = CeilingOff(told, field=code)
    for pk in run.lacking:
        run.errors[pk, "mac"] = MonitorRequired(
            _("%(apartment)s has no monitor. The switch needs one before it can be applied.")
            % {"apartment": run.homes[pk].apartment.number}
        )
    if inherited(site)[MONITOR]:
        for key, row in run.new.items():
            if row.monitor is None:
                run.errors[key, "mac"] = MonitorRequired(
                    _("A new apartment needs the MAC address and the name of its monitor.")
                )


def _check_numbers(run: SheetRun) -> None:
    """Numbers of a building are unique, also where several change at once (R77)."""
    wanted: list[tuple[Key, int, str]] = [
        (pk, run.homes[pk].apartment.building_id, number) for pk, number in run.renumbered.items()
    ]
    wanted += [(key, row.building_id, text.line(row.number)) for key, row in run.new.items()]
    for name, row in run.new.items():
        if not text.line(row.floor):
            run.errors[name, "floor"] = Refused(_("The apartment needs a floor."), field="floor")
        elif len(text.line(row.floor)) > LONGEST["floor"]:
            run.errors[name, "floor"] = _too_long("floor")
    same = Q(pk__in=[])
    for _key, building, number in wanted:
        same |= Q(building=building, number_key=identity_key(number))
    there = Apartment.objects.filter(same).exclude(pk__in=run.renumbered) if wanted else Apartment.objects.none()
    taken = set(there.values_list("building", "number_key")) if wanted else set()
    for key, building, number in wanted:
        place = (building, identity_key(number))
        if not place[1]:
            run.errors[key, "number"] = Refused(_("The apartment needs a number."), field="number")
        elif len(number) > LONGEST["number"]:
            run.errors[key, "number"] = _too_long("number")
        elif place in taken:
            run.errors[key, "number"] = NameTaken(
                _("This building already has an apartment of this number."), field="number"
            )
        taken.add(place)


def _too_long(name: str) -> Refused:
    return Refused(_("At most %(n)s characters.") % {"n": LONGEST[name]}, field=name)


def _check_masters(run: SheetRun) -> None:
    """Who is entered has a name and can be reached; who lives there is not removed by emptying a cell."""
    for pk, person in run.masters.items():
        there = run.homes[pk].master
        if person.is_blank:
            words = _("Move-out and removal are on the page of the apartment.")
            run.errors[pk, "master"] = Refused(words, field="master")
        else:
            _check_person(run, pk, person, there)
    for name, row in run.new.items():
        if not row.master.is_blank:
            _check_person(run, name, row.master, None)


def _check_person(run: SheetRun, key: Key, person: Person, there: Resident | None) -> None:
    try:
        if len(text.line(person.name)) > LONGEST["master"]:
            raise _too_long("master")
        values_of(run.site, person, there)
    except Refused as refusal:
        run.errors[key, "master"] = Refused(str(refusal), field="master")


def values_of(site: Site, person: Person, there: Resident | None) -> dict[str, str]:
    """What is saved of a family master; who is there keeps what is not typed."""
    email, mobile = person.ways
    if there is not None:
        email, mobile = email or there.email, mobile or there.mobile
    remark, kept = (there.remark, there.mobile) if there else ("", "")
    return cleaned(person.name, email, mobile, remark, country=site.country, kept=kept)


def _check_monitors(actor: Actor, run: SheetRun, *, lock: bool) -> None:
    """The MACs in the order of R69, each with its name."""
    entries = run.monitors
    if not entries:
        return
    if lock:
        lock_entries(run.site, texts=[entry.mac for entry in entries.values()])
    labels: dict[Key, str] = {pk: str(home.apartment) for pk, home in run.homes.items()}
    labels |= {key: f"{run.buildings[row.building_id].name} {row.number}" for key, row in run.new.items()}
    checked = check_many(actor, site=run.site, entries=entries, labels=labels)
    for key, refusal in checked.errors.items():
        run.errors[key, "monitor_name" if refusal.field == "name" else "mac"] = refusal
