"""A community is created whole: site, buildings, apartments, family masters and monitors, or nothing (R17, R18, R22, R23, R69, R77)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities import catalogue, structure
from communities.actions import drafts
from communities.actions.buildings import NewApartment, NewBuilding
from communities.errors import NameTaken, StructureRefused
from communities.models import Apartment, Building, Entitlement, Resident, Site, SiteDraft
from devices import actions, consistency
from devices.actions import MonitorEntry, NewSite
from devices.errors import (
    DuplicateMac,
    ForeignOui,
    MacInUse,
    MacNotUsable,
    MonitorsMissing,
    PlacesRefused,
    WrongLength,
)
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, monitor
from tests.people import NOW, People, Person
from tests.sites import ADDRESS, OPTIONS

pytestmark = pytest.mark.django_db
Stock = Callable[..., list[LibraryEntry]]
ALL = (Site, Building, Apartment, Resident, Device, Entitlement, AuditEvent, SiteDraft)


def grid(*floors: int, units: int = 2) -> list[NewApartment]:
    return [NewApartment(str(floor), f"{floor}.{unit:02}") for floor in floors for unit in range(1, units + 1)]


def new(*buildings: NewBuilding, name: str = "Kaispeicher", **more: Any) -> NewSite:
    switches = {**catalogue.DEFAULTS, **more.pop("switches", {})}
    return NewSite({"name": name, **ADDRESS}, 4, switches, OPTIONS, buildings, **{"may_wait": True, **more})


@pytest.fixture
def create(people: People) -> Callable[..., Site]:
    """Create what is described from a draft of Ivan's, or of `by`."""

    def act(what: NewSite, *, by: Person | None = None) -> Site:
        actor = (by or people.ivan).actor
        draft = drafts.start_draft(actor, parts={}, now=NOW)
        return actions.create_site(actor, draft_id=draft.pk, version=draft.version, new=what, now=NOW)

    return act


def counted() -> list[int]:
    return [model._default_manager.count() for model in ALL]


@pytest.mark.rule("R23", "R9")
def test_everything_is_created_at_once(create: Callable[..., Site], stock: Stock, people: People) -> None:
    stock(FIRST, SECOND)
    flats = grid(1, 2)
    flats[0] = replace(flats[0], master="Greta Sommer", email="Greta <greta@mail.example>")
    monitors = {(0, 0): monitor("0c-11-05-00-00-01", " Hall "), (0, 3): monitor(SECOND)}
    site = create(
        new(NewBuilding("Pier House", flats), NewBuilding("Boat House"), monitors=monitors, switches={"booking": True})
    )
    assert [row.name for row in Building.objects.filter(site=site)] == ["Boat House", "Pier House"]
    rows = Apartment.objects.filter(site=site).order_by("number_order")
    assert [(row.number, row.floor, row.indoor_monitor, row.landline, row.monitor_pending) for row in rows] == [
        ("1.01", "1", True, False, False), ("1.02", "1", True, False, True), ("2.01", "2", True, False, True), ("2.02", "2", True, False, False),
    ]  # fmt: skip
    master = Resident.objects.get()
    assert (master.name, master.email, master.is_master, str(master.apartment)) == (
        "Greta Sommer",
        "greta@mail.example",
        True,
        "Pier House 1.01",
    )
    assert [(str(d.address), d.name, str(d.apartment)) for d in Device.objects.order_by("mac")] == [
        ("0C:11:05:00:00:01", "Hall", "Pier House 1.01"), ("0C:11:05:00:00:02", "Hall", "Pier House 2.02"),
    ]  # fmt: skip
    assert {(e.status, e.installer_id, e.version) for e in LibraryEntry.objects.all()} == {
        ("registered", people.ivan.firm.pk, 2)
    }
    items = Entitlement.objects.filter(site=site).wanted().order_by("target__sort_key", "service_type")
    assert [(str(item.target), item.service_type, item.blocked) for item in items.select_related("target")] == [
        ("Pier House 1.01", "app", ""), ("Pier House 1.01", "premium", ""), ("Pier House 1.02", "premium", "monitor_pending"),
        ("Pier House 2.01", "premium", "monitor_pending"), ("Pier House 2.02", "premium", ""),
    ]  # fmt: skip
    assert list(consistency.verify()) == []
    assert not SiteDraft.objects.exists()
    whole = AuditEvent.objects.get(action="site.created")
    assert {(row.action, row.batch_id) for row in AuditEvent.objects.exclude(pk=whole.pk).filter(site_id=site.pk)} == {
        ("building.created", whole.pk), ("apartment.created", whole.pk), ("resident.added", whole.pk), ("device.registered", whole.pk),
    }  # fmt: skip
    assert "Greta" not in str(list(AuditEvent.objects.values()))


@pytest.mark.rule("R22", "R23")
def test_differing_switches_stay_below_the_ceiling(create: Callable[..., Site]) -> None:
    flats = [
        NewApartment("1", "1", switches={"indoor_monitor": False, "landline": True}),
        NewApartment("1", "2", switches={"video_storage": False}),
        NewApartment("1", "3"),
    ]
    site = create(new(NewBuilding("House", flats), switches={"video_storage": True}))
    rows = Apartment.objects.filter(site=site).order_by("number_order")
    assert [(row.indoor_monitor, row.landline, row.video_storage, row.monitor_pending) for row in rows] == [
        (False, False, True, False), (True, False, False, True), (True, False, True, True),
    ]  # fmt: skip


@pytest.mark.rule("R17", "R18")
def test_apartments_without_a_monitor_are_named_unless_they_may_wait(create: Callable[..., Site], stock: Stock) -> None:
    stock(FIRST)
    flats = [*grid(1), NewApartment("2", "2.01", switches={"indoor_monitor": False})]
    before = counted()
    with pytest.raises(MonitorsMissing) as refusal:
        create(new(NewBuilding("House", flats), monitors={(0, 0): monitor()}, may_wait=False))
    assert refusal.value.places == [(0, 1)]
    SiteDraft.objects.all().delete()
    assert counted() == before


@pytest.mark.rule("R77", "R32")
def test_all_that_is_wrong_with_a_structure_is_said_at_once(create: Callable[..., Site]) -> None:
    wrong = [
        *grid(1),
        NewApartment("3", "1.01"),
        NewApartment("", "4"),
        NewApartment("5", "5", master="Kim"),
        NewApartment("6", "6", email="x@y.example"),
    ]
    before = counted()
    with pytest.raises(StructureRefused) as refusal:
        create(new(NewBuilding("Pier", wrong), NewBuilding(" "), NewBuilding("PIER"), NewBuilding("x" * 65)))
    errors = refusal.value.errors
    assert {at: (type(error), error.field) for at, error in errors.items()} == {
        (0, 2): (Refused, "number"), (0, 3): (Refused, "number"), (0, 4): (Refused, "email"), (0, 5): (Refused, "master"),
        (1, None): (Refused, "name"), (2, None): (NameTaken, "name"), (3, None): (Refused, "name"),
    }  # fmt: skip
    SiteDraft.objects.all().delete()
    assert counted() == before


@pytest.mark.rule("R69", "R70", "R68")
def test_every_wrong_monitor_is_named_and_nothing_is_created(
    create: Callable[..., Site],
    stock: Stock,
    people: People,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Apartment],
) -> None:
    stock(FIRST, SECOND, THIRD, "0C110500000D")
    stock("0C11050000FE", by=people.mallory)
    there = make_apartment(make_site("Harbour View"))
    actions.add_monitor(people.ivan.actor, apartment_id=there.pk, entry=monitor(THIRD), now=NOW)
    monitors = {
        (0, 0): monitor(FIRST), (0, 1): monitor("0C:11:05"), (0, 2): monitor("0c.1105.0000.01"), (0, 3): monitor("0C11050000FE"),
        (0, 4): monitor(THIRD), (0, 5): monitor(SECOND, " "), (0, 6): monitor("DC1105000002"),
    }  # fmt: skip
    before = counted()
    with pytest.raises(PlacesRefused) as refusal:
        create(new(NewBuilding("House", grid(1, units=7)), monitors=monitors))
    errors = refusal.value.errors
    assert {at[1]: type(error) for at, error in errors.items()} == {
        1: WrongLength, 2: DuplicateMac, 3: MacNotUsable, 4: MacInUse, 5: Refused, 6: ForeignOui,
    }  # fmt: skip
    assert str(errors[0, 2]) == "House 1.01 has the same MAC."
    assert str(errors[0, 4]) == "0C:11:05:00:00:03 is already in Harbour View, Quay House 1.01."
    assert str(errors[0, 6].suggestion) == "0C:11:05:00:00:02"
    SiteDraft.objects.all().delete()
    assert counted() == before


def test_a_draft_of_another_version_creates_nothing(people: People) -> None:
    draft = drafts.start_draft(people.ivan.actor, parts={}, now=NOW)
    drafts.save_draft(people.ivan.actor, draft_id=draft.pk, parts={}, step="review", now=NOW)
    before = counted()
    with pytest.raises(Conflict):
        actions.create_site(people.ivan.actor, draft_id=draft.pk, version=draft.version, new=new(), now=NOW)
    assert counted() == before


@pytest.mark.rule("R1", "R2")
def test_only_the_installer_creates_sites_and_only_of_its_drafts(people: People) -> None:
    draft = drafts.start_draft(people.ivan.actor, parts={}, now=NOW)
    for person, error in ((people.dora, NotPermitted), (people.tess, NotPermitted), (people.igor, ObjectDoesNotExist)):
        with pytest.raises(error):
            actions.create_site(person.actor, draft_id=draft.pk, version=1, new=new(), now=NOW)
    assert not Site.objects.exists()


@pytest.mark.rule("R77")
def test_the_name_of_a_site_is_still_unique(create: Callable[..., Site]) -> None:
    create(new())
    with pytest.raises(NameTaken):
        create(new(name=" kaispeicher"))
    assert SiteDraft.objects.count() == 1


def test_more_apartments_than_the_setting_allows_are_refused(create: Callable[..., Site], settings: Settings) -> None:
    settings.APARTMENTS_AT_ONCE = 3
    with pytest.raises(Refused, match="4 apartments are too many: at most 3"):
        create(new(NewBuilding("House", grid(1, 2))))
    assert not Site.objects.exists()


def test_many_apartments_cost_no_more_statements_than_few(create: Callable[..., Site], stock: Stock) -> None:
    macs = [f"0C11050001{number:02X}" for number in range(60)]
    stock(*macs)

    def cost(name: str, count: int, start: int) -> int:
        flats = [NewApartment("1", str(at), master=f"R{at}", email=f"r{at}@x.example") for at in range(count)]
        monitors = {(0, at): MonitorEntry(macs[start + at], "Hall") for at in range(count)}
        with CaptureQueriesContext(connection) as seen:
            create(new(NewBuilding("House", flats), name=name, monitors=monitors))
        return len(seen)

    assert cost("Many", 50, 2) <= cost("Few", 2, 0) + 3  # SQLite cuts long inserts in two


@pytest.mark.rule("R17", "R23")
def test_a_building_with_its_apartments_joins_a_site(
    people: People, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]
) -> None:
    site = make_site(booking=True)
    make_apartment(site)
    units = structure.units_of(structure.Grid(floors=2, units=2))
    flats = [NewApartment(unit.floor, unit.number) for unit in units]
    for by in (people.ivan, people.igor, people.petra):
        if by is not people.ivan:
            with pytest.raises((ObjectDoesNotExist, NotPermitted)):
                actions.add_building(by.actor, site_id=site.pk, building=NewBuilding("Annexe", flats), now=NOW)
            continue
        house = actions.add_building(by.actor, site_id=site.pk, building=NewBuilding("Annexe", flats), now=NOW)
    assert (house.name, Apartment.objects.filter(building=house, monitor_pending=True).count()) == ("Annexe", 4)
    assert (
        Entitlement.objects.filter(
            target__apartment__building=house, service_type="premium", blocked="monitor_pending"
        ).count()
        == 4
    )
    whole = AuditEvent.objects.get(action="building.created", subject_id=house.pk)
    assert AuditEvent.objects.filter(batch=whole, action="apartment.created").count() == 4
    with pytest.raises(StructureRefused):
        actions.add_building(people.ivan.actor, site_id=site.pk, building=NewBuilding("quay house", flats), now=NOW)
    with pytest.raises(MonitorsMissing):
        actions.add_building(
            people.ivan.actor, site_id=site.pk, building=NewBuilding("Third", flats), may_wait=False, now=NOW
        )
    assert Building.objects.filter(site=site).count() == 2
