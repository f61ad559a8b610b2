"""Buildings with all their apartments and family masters, created in sets: for new sites and new buildings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import audit
from accounts.errors import Refused
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed import text
from accounts.typed.keys import identity_key
from communities import catalogue, structure
from communities.actions.apartments import APARTMENT_CREATED, AUDITED, inherited
from communities.actions.residents import RESIDENT_ADDED, cleaned
from communities.actions.site_rules import refuse_no_community
from communities.actions.sites import BUILDING_CREATED
from communities.actions.targets import made_for
from communities.errors import NameTaken, StructureRefused
from communities.models import Apartment, Building, Resident, Site, keys_of

LONGEST_NAME = 64
Place = tuple[int, int]  # of an apartment: its building's place, and its own in the building, from 0


@dataclass(frozen=True, slots=True)
class NewApartment:
    """An apartment to create. `switches` are those that differ from the community's (R23); a service above the community's ceiling stays
    off (R22). With a `master` it has a family master."""

    floor: str
    number: str
    name: str = ""
    switches: Mapping[str, bool] = field(default_factory=dict)
    master: str = ""
    email: str = ""

    @property
    def has_master(self) -> bool:
        """Whether somebody is named."""
        return bool(text.line(self.master) or text.line(self.email))

    def switched(self, community: Mapping[str, bool]) -> dict[str, bool]:
        """Its three switches at a community with these (R22, R23)."""
        chosen = {code: bool(self.switches.get(code, community[code])) for code in catalogue.APARTMENT_SWITCHES}
        return {code: on and (code not in catalogue.CEILING_SWITCHES or community[code]) for code, on in chosen.items()}


@dataclass(frozen=True, slots=True)
class NewBuilding:
    """A building to create, with its apartments."""

    name: str
    apartments: Sequence[NewApartment] = ()


def refuse_structure(buildings: Sequence[NewBuilding], *, taken: Collection[str] = (), country: str) -> None:
    """Refuse buildings that can't be created, with all that is wrong at once (StructureRefused), and more apartments than
    APARTMENTS_AT_ONCE. For the arguments see `structure_errors`."""
    if problem := too_many(sum(len(building.apartments) for building in buildings)):
        raise problem
    if errors := structure_errors(buildings, taken=taken, country=country):
        raise StructureRefused(errors)


def too_many(count: int) -> Refused | None:
    """The refusal of more apartments than can be created at once."""
    if count <= settings.APARTMENTS_AT_ONCE:
        return None
    words = _("%(count)s apartments are too many: at most %(n)s can be created at once.")
    return Refused(words % {"count": count, "n": settings.APARTMENTS_AT_ONCE}, field="buildings")


def structure_errors(
    buildings: Sequence[NewBuilding], *, taken: Collection[str] = (), country: str
) -> dict[tuple[int, int | None], Refused]:
    """What is wrong with buildings that shall be created, by the places of building and apartment: names that are missing, twice or in
    `taken` (name keys), and of apartments what `structure.faults_in` finds and family masters who can't be reached (R32, R77)."""
    errors: dict[tuple[int, int | None], Refused] = {}
    names = set(taken)
    for at, building in enumerate(buildings):
        if problem := _problem_of(building, names):
            errors[at, None] = problem
        names.add(identity_key(building.name))
        errors |= {(at, place): error for place, error in _problems_in(building, country)}
    return errors


def _problem_of(building: NewBuilding, names: Collection[str]) -> Refused | None:
    name = text.line(building.name)
    if not identity_key(name):
        return Refused(_("The building needs a name."), field="name")
    if len(name) > LONGEST_NAME:
        return Refused(_("The name is longer than %(n)s characters.") % {"n": LONGEST_NAME}, field="name")
    if identity_key(name) in names:
        return NameTaken(_("This community already has a building called “%(name)s”.") % {"name": name})
    return None


def _problems_in(building: NewBuilding, country: str) -> Iterator[tuple[int, Refused]]:
    units = [structure.Unit(text.line(row.floor), text.line(row.number)) for row in building.apartments]
    for fault in structure.faults_in(units):
        yield fault.at, Refused(fault.text, field="number")
    for at, row in enumerate(building.apartments):
        if row.has_master:
            try:
                cleaned(row.master, row.email, "", "", country=country)
            except Refused as refusal:
                yield at, Refused(str(refusal), field={"name": "master"}.get(refusal.field or "", refusal.field))


def build(
    actor: Actor,
    site: Site,
    buildings: Sequence[NewBuilding],
    *,
    with_monitor: Collection[Place],
    batch: AuditEvent | None,
    language: str,
    now: datetime,
) -> tuple[dict[Place, Apartment], AuditEvent | None]:
    """Create these buildings, apartments and family masters, as checked by `refuse_structure`; seven statements and one more for each
    thousand rows of the audit. Apartments that require a monitor and are not in `with_monitor` wait for one (R17). The caller holds the
    site's lock and brings the entitlements into line. `batch` is the row of the audit below which the others stand; without one that is the
    row of the only building. It is returned with the apartments."""
    refuse_no_community(site)
    houses = Building.objects.bulk_create(Building(**keys_of(site), name=text.line(row.name)) for row in buildings)
    events = [_told(actor, BUILDING_CREATED, row, site, batch, now, {"name": row.name}) for row in houses]
    if batch is None and len(events) == 1:
        batch = events.pop()
        batch.save(force_insert=True)
    made = _apartments(site, houses, buildings, with_monitor, now)
    Apartment.objects.bulk_create(made_for(list(made.values())))
    new = {place: buildings[place[0]].apartments[place[1]] for place in made}
    masters = Resident.objects.bulk_create(
        Resident(
            **keys_of(site), apartment=made[place], language=language, is_master=True, created_at=now,
            **cleaned(row.master, row.email, "", "", country=site.country),
        )
        for place, row in new.items()
        if row.has_master
    )  # fmt: skip

    def tell_apartment(row: Apartment) -> AuditEvent:
        after = {"building": row.building.name, **audit.fields_of(row, AUDITED)}
        return _told(actor, APARTMENT_CREATED, row, site, batch, now, after)

    def tell_master(row: Resident) -> AuditEvent:
        return _told(actor, RESIDENT_ADDED, row, site, batch, now, {"master": True}, label=str(row.apartment))

    audit.record_all(chain(events, map(tell_apartment, made.values()), map(tell_master, masters)))
    return made, batch


def _apartments(
    site: Site,
    houses: Sequence[Building],
    buildings: Sequence[NewBuilding],
    with_monitor: Collection[Place],
    now: datetime,
) -> dict[Place, Apartment]:
    community, keys = inherited(site), keys_of(site)
    found: dict[Place, Apartment] = {}
    for house_at, (house, building) in enumerate(zip(houses, buildings, strict=True)):
        for at, row in enumerate(building.apartments):
            switches = row.switched(community)
            found[house_at, at] = Apartment(
                **keys, building=house, floor=text.line(row.floor), number=text.line(row.number), name=text.line(row.name),
                monitor_pending=switches["indoor_monitor"] and (house_at, at) not in with_monitor, created_at=now, **switches,
            )  # fmt: skip
    return found


def _told(
    actor: Actor,
    word: audit.Word,
    row: Building | Apartment | Resident,
    site: Site,
    batch: AuditEvent | None,
    now: datetime,
    after: dict[str, object],
    label: str = "",
) -> AuditEvent:
    return audit.event(
        actor, word, row, now=now, tenant=site, site_id=site.pk, batch=batch, after=after, label=label or None
    )
