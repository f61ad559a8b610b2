"""The changes of a sheet: many cells and new apartments as one batch, all or none, each refusal at its cell (R14–R18, R20–R23)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities import catalogue
from communities.actions import apartments, assignments, residents, sites
from communities.models import Apartment, Building, Entitlement, Resident, ServiceChange, Site
from devices import actions, bulk
from devices.actions import Edit, New, Person, apply_sheet
from devices.errors import SheetOutdated, SheetRefused
from devices.models import Device, LibraryEntry
from tests.devices.macs import FIRST, SECOND, THIRD, counts, monitor
from tests.people import NOW, People

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
Stock = Callable[..., list[LibraryEntry]]
Apply = Callable[..., Any]


@pytest.fixture
def flats(people: People, harbour: Site, quay: Building, stock: Stock) -> dict[str, Apartment]:
    """1.01 with a monitor and Ada, 1.02 waiting for one, 2.01 without With Indoor Monitor; three monitors in the library."""
    stock(FIRST, SECOND, THIRD)
    made = {}
    for number, is_on in (("1.01", True), ("1.02", True), ("2.01", False)):
        made[number] = apartments.create_apartment(
            people.ivan.actor, building_id=quay.pk, floor=number[0], number=number,
            switches={"indoor_monitor": is_on, "landline": False}, now=NOW,
        )  # fmt: skip
    actions.add_monitor(people.ivan.actor, apartment_id=made["1.01"].pk, entry=monitor(), now=NOW)
    residents.add_resident(
        people.ivan.actor, apartment_id=made["1.01"].pk, name="Ada", email="ada@example.org", now=NOW
    )
    return {number: Apartment.objects.get(pk=flat.pk) for number, flat in made.items()}


@pytest.fixture
def apply(people: People, harbour: Site) -> Apply:
    """Apply changes of the sheet of Harbour View as Ivan."""

    def do(edits: dict[int, Edit] | None = None, new: dict[str, New] | None = None) -> Any:
        return apply_sheet(people.ivan.actor, site_id=harbour.pk, edits=edits or {}, new=new or {}, now=LATER)

    return do


def wrong(apply: Apply, edits: dict[int, Edit] | None = None, new: dict[str, New] | None = None) -> dict[Any, str]:
    """The cells that are refused, after looking that nothing changed."""
    before = (counts(), list(Apartment.objects.order_by("pk").values()), Resident.objects.count())
    with pytest.raises(SheetRefused) as refused:
        apply(edits, new)
    assert (counts(), list(Apartment.objects.order_by("pk").values()), Resident.objects.count()) == before
    return {cell: str(error) for cell, error in refused.value.errors.items()}


@pytest.mark.rule("R14")
@pytest.mark.rule("R16")
def test_many_cells_change_as_one_batch(apply: Apply, flats: dict[str, Apartment], quay: Building) -> None:
    one, two, three = flats.values()
    done = apply(
        {
            one.pk: Edit(one.version, number="1.1", master=Person("Ada Byron"), switches={"landline": True}),
            two.pk: Edit(two.version, master=Person("Ben", "+49 40 1234567"), monitor=monitor(SECOND, "Hall")),
            three.pk: Edit(
                three.version, switches={"indoor_monitor": True, "landline": True}, monitor=monitor(THIRD, "Hall")
            ),
        }
    )
    assert done.count == 8
    one, two, three = (Apartment.objects.get(pk=row.pk) for row in (one, two, three))
    assert (one.number, one.landline, str(one.target)) == ("1.1", True, "Quay House 1.1")
    assert Resident.objects.get(apartment=one).name == "Ada Byron"
    assert Resident.objects.get(apartment=one).email == "ada@example.org"
    assert Resident.objects.get(apartment=two).mobile == "+49401234567"
    assert (two.monitor_pending, three.monitor_pending, three.indoor_monitor) == (False, False, True)
    assert Device.objects.monitors().count() == 3
    assert Entitlement.objects.filter(target=two.target_id, service_type=catalogue.MAIN_SERVICE).wanted().count() == 1
    batch = AuditEvent.objects.get(action="site.sheet_changed")
    below = AuditEvent.objects.filter(batch=batch).values_list("action", flat=True)
    assert sorted(below) == [
        "apartment.changed", "apartment.changed", "device.registered", "device.registered", "resident.added", "resident.changed",
    ]  # fmt: skip
    told = AuditEvent.objects.get(batch=batch, action="resident.changed")
    assert told.after == {"fields": ["name"]}  # no name of a person in what can't be erased


@pytest.mark.rule("R17")
def test_switched_on_without_a_monitor_it_is_refused_at_its_cell_or_waits(
    apply: Apply, flats: dict[str, Apartment]
) -> None:
    flat = flats["2.01"]
    on = {"indoor_monitor": True}
    assert set(wrong(apply, {flat.pk: Edit(flat.version, switches=on)})) == {(flat.pk, "mac")}
    done = apply({flat.pk: Edit(flat.version, switches=on, may_wait=True)})
    flat.refresh_from_db()
    assert (flat.indoor_monitor, flat.monitor_pending) == (True, True)
    assert done.change.count == 1


@pytest.mark.rule("R18")
@pytest.mark.rule("R23")
def test_a_new_apartment_comes_with_its_monitor_and_inherits(
    apply: Apply, flats: dict[str, Apartment], quay: Building
) -> None:
    row = New(quay.pk, "3", "3.01", Person("Cem", "cem@example.org"))
    assert set(wrong(apply, new={"n1": row})) == {("n1", "mac")}
    assert set(wrong(apply, new={"n1": New(quay.pk, "3", "3.01", monitor=monitor(SECOND, ""))})) == {
        ("n1", "monitor_name")
    }
    (made,) = apply(new={"n1": New(quay.pk, "3", "3.01", row.master, monitor(SECOND, "Hall"))}).created
    made = Apartment.objects.get(pk=made.pk)
    assert made.switches == {"indoor_monitor": True, "landline": True, "video_storage": False}
    assert (made.monitor_pending, str(made.target)) == (False, "Quay House 3.01")
    assert Resident.objects.get(apartment=made).is_master
    assert Device.objects.get(apartment=made).name == "Hall"
    assert Entitlement.objects.filter(target=made.target_id).wanted().count() == 2  # App and Premium Plan


@pytest.mark.rule("R20")
@pytest.mark.rule("R21")
def test_switched_off_the_monitor_stays(apply: Apply, flats: dict[str, Apartment]) -> None:
    flat = flats["1.01"]
    apply({flat.pk: Edit(flat.version, switches={"indoor_monitor": False})})
    assert Device.objects.monitors().filter(apartment=flat).count() == 1


@pytest.mark.rule("R22")
def test_nothing_goes_above_the_ceiling(apply: Apply, flats: dict[str, Apartment]) -> None:
    flat = flats["1.01"]
    found = wrong(apply, {flat.pk: Edit(flat.version, switches={"video_storage": True})})
    assert found == {(flat.pk, "video_storage"): "Video Storage is off in Harbour View. Switch it on there first."}


def test_every_wrong_cell_is_named_at_once(apply: Apply, flats: dict[str, Apartment], quay: Building) -> None:
    one, two, three = flats.values()
    found = wrong(
        apply,
        {
            one.pk: Edit(one.version, number="1.02", master=Person("")),
            two.pk: Edit(two.version, number=" ", master=Person("Ben"), monitor=monitor(FIRST, "Hall")),
            three.pk: Edit(three.version, number="7.07", monitor=monitor(SECOND, "Hall")),
        },
        {"n1": New(quay.pk, "", "7.07", Person("", "x@example.org"), monitor(SECOND, "Hall"))},
    )
    assert set(found) == {
        (one.pk, "master"), (two.pk, "number"), (two.pk, "master"), (two.pk, "mac"), ("n1", "number"), ("n1", "floor"),
        ("n1", "master"), ("n1", "mac"),
    }  # fmt: skip
    assert "already in Quay House 1.01" in found[two.pk, "mac"]


def test_apartments_may_exchange_their_numbers(apply: Apply, flats: dict[str, Apartment]) -> None:
    one, two, _three = flats.values()
    apply({one.pk: Edit(one.version, number="1.02"), two.pk: Edit(two.version, number="1.01")})
    assert Apartment.objects.get(number="1.02").pk == one.pk
    assert Apartment.objects.get(number_key="1.01").pk == two.pk


@pytest.mark.rule("R16")
def test_what_somebody_else_changed_meanwhile_is_a_conflict(
    apply: Apply, people: People, flats: dict[str, Apartment]
) -> None:
    one, two, _three = flats.values()
    on = {"landline": True}
    apply({two.pk: Edit(two.version, switches=on)})
    before = counts()
    for stale in (
        Edit(two.version, switches={"landline": False}),
        Edit(two.version + 1, switches={}, master_was=actions.mark_of("Somebody")),
    ):
        with pytest.raises(SheetOutdated) as outdated:
            apply({one.pk: Edit(one.version, switches=on), two.pk: stale})
        assert outdated.value.apartment_ids == [two.pk]
    assert counts() == before


def test_apartments_and_buildings_of_other_sites_are_not_found(
    apply: Apply, people: People, flats: dict[str, Apartment], make_site: Callable[..., Site]
) -> None:
    other = sites.add_building(people.ivan.actor, site_id=make_site("Elsewhere").pk, name="Annex", now=NOW)
    foreign = apartments.create_apartment(people.ivan.actor, building_id=other.pk, floor="1", number="1", now=NOW)
    with pytest.raises(ObjectDoesNotExist):
        apply({foreign.pk: Edit(1, number="2")})
    with pytest.raises(ObjectDoesNotExist):
        apply(new={"n1": New(other.pk, "1", "3", monitor=monitor(SECOND, "Hall"))})


def test_a_manager_changes_family_masters_alone(people: People, flats: dict[str, Apartment], harbour: Site) -> None:
    manages = {people.petra.membership.pk: False}
    assignments.set_managers(people.ivan.actor, site_id=harbour.pk, pm_app_by_membership=manages, now=NOW)
    one, two, _three = flats.values()

    def do(edits: dict[int, Edit], new: dict[str, New] | None = None) -> Any:
        return apply_sheet(people.petra.actor, site_id=harbour.pk, edits=edits, new=new or {}, now=LATER)

    for more in ({"number": "9"}, {"switches": {"landline": True}}, {"monitor": monitor(SECOND, "Hall")}):
        with pytest.raises(NotPermitted):
            do({one.pk: Edit(one.version, master=Person("Ada Byron"), **more)})
    with pytest.raises(NotPermitted):
        do({}, {"n1": New(one.building_id, "1", "9")})
    done = do(
        {
            one.pk: Edit(one.version, master=Person("Ada Byron")),
            two.pk: Edit(two.version, master=Person("Ben", "ben@x.example")),
        }
    )
    assert done.count == 2
    found = Resident.objects.filter(is_master=True).order_by("apartment__number").values_list("name", "is_accepted")
    assert list(found) == [
        ("Ada Byron", True),
        ("Ben", False),
    ]  # as when a manager adds the person on the apartment's page


def test_where_nothing_changes_it_is_refused(apply: Apply, flats: dict[str, Apartment]) -> None:
    flat = flats["1.01"]
    with pytest.raises(Refused, match="Nothing is changed"):
        apply({flat.pk: Edit(flat.version, number="1.01", master=Person("Ada"), switches=flat.switches)})


def test_the_switches_of_a_sheet_can_be_taken_back(
    apply: Apply, people: People, flats: dict[str, Apartment], harbour: Site
) -> None:
    Site.objects.filter(pk=harbour.pk).update(video_storage=True)
    one, two, _three = flats.values()
    done = apply(
        {
            one.pk: Edit(one.version, switches={"video_storage": True}),
            two.pk: Edit(two.version, number="1.2", switches={"landline": True}),
        }
    )
    change = ServiceChange.objects.get(pk=done.change.pk)
    run = bulk.undo_run(change)
    assert {str(row.apartment): row.switches for row in run.undone} == {
        "Quay House 1.01": ["video_storage"], "Quay House 1.2": ["landline"],
    }  # fmt: skip
    actions.undo_bulk_change(people.ivan.actor, change_id=change.pk, digest=run.digest, now=LATER)
    assert not Apartment.objects.filter(video_storage=True).exists()
    assert not Apartment.objects.filter(landline=True).exists()
    assert Apartment.objects.get(pk=two.pk).number == "1.2"  # what is no switch stays


def test_forty_apartments_take_as_many_statements_as_two(
    apply: Apply, people: People, quay: Building, stock: Stock
) -> None:
    macs = [f"0C11050001{n:02X}" for n in range(40)]
    stock(*macs)
    made = [
        apartments.create_apartment(people.ivan.actor, building_id=quay.pk, floor="1", number=f"A{n}", now=NOW)
        for n in range(40)
    ]

    def edits(some: list[Apartment], macs: list[str], word: str) -> dict[int, Edit]:
        rows = {row.pk: Apartment.objects.get(pk=row.pk) for row in some}
        return {
            pk: Edit(row.version, number=f"{word}{at}", master=Person(f"{word} {at}", "x@example.org"), switches={"landline": False},
                     monitor=monitor(mac, f"{word} Hall"))
            for at, ((pk, row), mac) in enumerate(zip(rows.items(), macs, strict=True))
        }  # fmt: skip

    few = edits(made[:2], macs[:2], "B")
    with CaptureQueriesContext(connection) as asked_few:
        apply(few)
    many = edits(made[2:], macs[2:], "C")
    with CaptureQueriesContext(connection) as asked_many:
        apply(many)
    assert len(asked_many) <= len(asked_few) + 2
    assert len(asked_many) <= 60
