"""Facts of many apartments of a site, written in sets: their numbers, their family masters, and apartments that are added to buildings.

The caller has checked everything, holds the locks of the site and of the apartments, and brings the entitlements into line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Concat

from accounts import audit
from accounts.models import AuditEvent
from accounts.scope import Actor
from accounts.typed import keys
from accounts.typed.columns import keys_of_model
from accounts.typed.keys import identity_key
from communities.actions.apartments import APARTMENT_CREATED, AUDITED, inherited
from communities.actions.residents import RESIDENT_ADDED, RESIDENT_CHANGED, says_yes
from communities.actions.targets import made_for, relabel
from communities.models import Apartment, Building, Resident, Site, keys_of

NUMBER_KEYS = ("number_key", "number_order", "search_key")


@dataclass(frozen=True, slots=True)
class Master:
    """A family master to write: the cleaned values, and who is there already, if anybody is."""

    apartment: Apartment
    values: Mapping[str, str]
    there: Resident | None = None

    @property
    def fields(self) -> list[str]:
        """The names of the values that differ from those of who is there."""
        return [name for name, value in self.values.items() if self.there is None or getattr(self.there, name) != value]


def renumber(site: Site, apartments: Sequence[Apartment], numbers: Mapping[int, str]) -> None:
    """Give apartments of one site other numbers, which may be those that others of them had; at most five statements."""
    if not numbers:
        return
    of_site = Apartment.objects.filter(site=site, pk__in=numbers)
    were = {(row.building_id, row.number_key) for row in apartments if row.pk in numbers}
    changed = [row for row in apartments if row.pk in numbers]
    if any((row.building_id, identity_key(numbers[row.pk])) in were for row in changed):
        of_site.update(number_key=Concat(Value(keys.LAST), Cast("pk", TextField()), output_field=TextField()))
    for row in changed:
        row.number = numbers[row.pk]
        for column in keys_of_model(Apartment):
            setattr(row, column.attname, column.of(row))
    Apartment.objects.bulk_update(changed, ["number", *NUMBER_KEYS], batch_size=200)
    of_site.update(version=F("version") + 1)
    relabel(site, apartment_ids=list(numbers))


def set_masters(
    actor: Actor, site: Site, masters: Iterable[Master], *, language: str, batch: AuditEvent, now: datetime
) -> list[AuditEvent]:
    """Enter family masters, or correct those who are there; at most two statements. Returns the rows of the audit, not written yet: of a
    person they name the fields alone."""
    changed, added = list[Resident](), list[Resident]()
    events = list[AuditEvent]()
    for one in masters:
        person = one.there
        if person is None:
            row = Resident(
                **keys_of(site),
                apartment=one.apartment,
                **one.values,
                language=language,
                is_master=True,
                is_accepted=says_yes(actor),
                created_at=now,
            )
            added.append(row)
        elif fields := one.fields:
            for name, value in one.values.items():
                setattr(person, name, value)
            person.version += 1
            for column in keys_of_model(Resident):
                setattr(person, column.attname, column.of(person))
            changed.append(person)
            events.append(
                _told(actor, RESIDENT_CHANGED, person, site, batch, now, {"fields": fields}, str(one.apartment))
            )
    if changed:
        columns = [column.name for column in keys_of_model(Resident)]
        Resident.objects.bulk_update(changed, ["name", "email", "mobile", "version", *columns], batch_size=200)
    Resident.objects.bulk_create(added)
    events += [
        _told(actor, RESIDENT_ADDED, row, site, batch, now, {"master": True}, str(row.apartment)) for row in added
    ]
    return events


def add_apartments(
    actor: Actor, site: Site, rows: Sequence[tuple[Building, str, str]], *, batch: AuditEvent, now: datetime
) -> tuple[list[Apartment], list[AuditEvent]]:
    """Add apartments, each by its building, floor and number, with the switches of the community (R23); two statements. They do not wait for
    a monitor: the caller registers those that are required (R18). Returns them with the rows of the audit, not written yet."""
    switches = inherited(site)
    made = [
        Apartment(
            **keys_of(site), building=building, floor=floor, number=number, name="", monitor_pending=False, created_at=now, **switches
        )
        for building, floor, number in rows
    ]  # fmt: skip
    Apartment.objects.bulk_create(made_for(made))
    events = []
    for row in made:
        after = {"building": row.building.name, **audit.fields_of(row, AUDITED)}
        events.append(_told(actor, APARTMENT_CREATED, row, site, batch, now, after, str(row)))
    return made, events


def _told(
    actor: Actor,
    word: audit.Word,
    row: Apartment | Resident,
    site: Site,
    batch: AuditEvent,
    now: datetime,
    after: dict[str, object],
    label: str,
) -> AuditEvent:
    return audit.event(actor, word, row, now=now, tenant=site, site_id=site.pk, batch=batch, after=after, label=label)
