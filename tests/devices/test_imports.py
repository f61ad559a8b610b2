"""Imports of apartments with residents and monitors: checked like the forms, dry run first, the same file again changes nothing (R79)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities import consistency as of_communities
from communities.actions.sites import add_building
from communities.models import Apartment, ApartmentImport, Entitlement, ImportRow, Resident, Site
from devices import actions, consistency, imported
from devices.actions import LibraryRow
from devices.imported import Decision
from devices.models import Device, LibraryEntry
from tests.people import NOW, People

pytestmark = [pytest.mark.django_db, pytest.mark.rule("R79")]
HEAD = ["building", "floor", "number", "master", "email", "mac", "monitor"]


def mac(n: int) -> str:
    return f"0C:11:05:2A:{n // 256:02X}:{n % 256:02X}"


@pytest.fixture
def site(people: People, make_site: Any) -> Site:
    """Harbour View with one building, and twenty MACs for it."""
    made: Site = make_site(landline=True)
    add_building(people.ivan.actor, site_id=made.pk, name="Quay House", now=NOW)
    rows = [LibraryRow(mac(n), "C313") for n in range(1, 21)]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    return made


@pytest.fixture
def begin(people: People, site: Site) -> Callable[..., ApartmentImport]:
    """Check these rows: building, floor, number, family master, email, MAC, name of the monitor."""

    def check(*rows: str, head: list[str] = HEAD) -> ApartmentImport:
        table = [head, *(row.split(";") for row in rows)]
        columns, first = imported.columns_of(table)
        return actions.start_import(
            people.ivan.actor, site_id=site.pk, name="quay.csv", size=1, columns=columns,
            lines=imported.lines_of(table, columns, first), language="en", now=NOW,
        )  # fmt: skip

    return check


def written(people: People, made: ApartmentImport, *, only_good: bool = False) -> actions.Written:
    actions.begin_import(people.ivan.actor, import_id=made.pk, only_good=only_good, now=NOW)
    numbers = actions.numbers_to_write(people.ivan.actor, made.pk)
    return actions.write_rows(people.ivan.actor, import_id=made.pk, numbers=numbers, now=NOW)


def row(made: ApartmentImport, number: int = 2) -> ImportRow:
    return ImportRow.objects.get(of=made, number=number)


GOOD = f"Quay House;3;3.01;Jens Okonkwo;jens@mail.example;{mac(1)};Hallway"


def test_nothing_is_written_before_it_is_begun_and_then_all_of_it(people: People, site: Site, begin: Any) -> None:
    made = begin(GOOD, f"Quay House;3;3.02;;;{mac(2)};Hallway")
    assert [each.result for each in made.rows.all()] == ["new", "new"]
    assert not Apartment.objects.exists() and not Device.objects.exists()
    done = written(people, made)
    assert (done.new, done.changed, done.unchanged, done.failed) == (2, 0, 0, {})
    flat = Apartment.objects.get(number="3.01")
    assert (flat.floor, flat.indoor_monitor, flat.landline, flat.monitor_pending) == ("3", True, True, False)
    master = Resident.objects.get(apartment=flat)
    assert (master.name, master.email, master.is_master) == ("Jens Okonkwo", "jens@mail.example", True)
    assert Device.objects.get(apartment=flat).name == "Hallway"
    assert Entitlement.objects.filter(target=flat.target_id).exclude(variant="").count() == 2
    assert LibraryEntry.objects.filter(status="registered").count() == 2
    assert row(made).apartment_id == flat.pk
    assert [*of_communities.verify(), *consistency.verify()] == []


@pytest.mark.rule("R9")
def test_it_is_one_batch_of_the_audit_without_names_of_people(people: People, begin: Any) -> None:
    written(people, begin(GOOD))
    whole = AuditEvent.objects.get(action="site.apartments_imported")
    inside = AuditEvent.objects.filter(batch=whole)
    assert sorted(event.action for event in inside) == ["apartment.created", "device.registered", "resident.added"]
    told = str([(event.before, event.after, event.subject_label) for event in (whole, *inside)])
    assert "Jens" not in told and "mail.example" not in told


def test_the_same_file_again_changes_nothing(people: People, begin: Any) -> None:
    rows = [GOOD, f"Quay House;3;3.02;Ada;ada@mail.example;{mac(2)};Hallway", "Quay House;3;3.03;;;;"]
    first = begin(*rows)
    actions.correct_import(people.ivan.actor, import_id=first.pk, cells={}, way=(4, 0), now=NOW)
    written(people, first)
    before = (Apartment.objects.count(), Resident.objects.count(), Device.objects.count(), AuditEvent.objects.count())
    second = begin(*rows)
    assert {each.result for each in second.rows.all()} == {"unchanged"}
    done = written(people, second)
    assert (done.new, done.changed, done.unchanged) == (0, 0, 3)
    assert before[:3] == (Apartment.objects.count(), Resident.objects.count(), Device.objects.count())
    assert AuditEvent.objects.count() == before[3] + 1  # that there was an import


@pytest.mark.parametrize(
    ("typed", "cell", "text", "way"),
    [
        ("Qay House;3;3.06;;;{mac};Hall", "building", "No such building", ("use", "building", "Quay House")),
        ("Elsewhere;3;3.06;;;{mac};Hall", "building", "No such building", ("leave_out", "", "")),
        ("Quay House;;3.06;;;{mac};Hall", "floor", "Floor is missing", ("use", "floor", "3")),
        ("Quay House;3;;Ida;i@m.example;{mac};Hall", "number", "Number is missing", ("leave_out", "", "")),
        ("Quay House;3;12345678901234567;;;{mac};Hall", "number", "Longer than 16", ("leave_out", "", "")),
        (
            "Quay House;3;3.06;David;david(at)mail.example;{mac};Hall",
            "email",
            "",
            ("use", "email", "david@mail.example"),
        ),
        ("Quay House;3;3.06;;david@mail.example;{mac};Hall", "master", "Name is missing", ("leave_out", "", "")),
        ("Quay House;3;3.06;David;;{mac};Hall", "email", "email or a mobile", ("use", "master", "")),
        ("Quay House;3;3.06;;;;Hall", "mac", "a monitor is required", ("pending", "", "")),
        ("Quay House;3;3.06;;;DC:11:05:2A:00:01;Hall", "mac", "Did you mean 0C:11:05:2A:00:01", ("use", "mac", mac(1))),
        ("Quay House;3;3.06;;;0C:11:05:99:00:01;Hall", "mac", "", ("pending", "", "")),
        ("Quay House;3;3.06;;;{mac};", "monitor", "Name is missing", ("leave_out", "", "")),
    ],
)
def test_a_wrong_cell_is_named_with_the_way_out(
    people: People, begin: Any, typed: str, cell: str, text: str, way: tuple[str, str, str]
) -> None:
    made = begin(typed.format(mac=mac(1)))
    found = row(made)
    assert found.result == "wrong"
    assert text in found.problems[cell]
    first = found.ways[0]
    assert (first[0], first[2], first[3]) == way
    corrected = actions.correct_import(people.ivan.actor, import_id=made.pk, cells={}, way=(2, 0), now=NOW)
    if way[0] == "leave_out":
        assert row(corrected).result == "left_out"
    elif cell != "floor" or way[0] == "use":
        assert row(corrected).result == "new"
    assert not Apartment.objects.exists()


def test_the_gap_in_the_numbers_of_a_floor_is_suggested(begin: Any) -> None:
    made = begin(*(f"Quay House;6;{n};;;{mac(at)};H" for at, n in enumerate(["6.03", "6.04", "", "6.06"], start=1)))
    assert row(made, 4).ways[0][2:] == ["number", "6.05"]


def test_what_stands_twice_in_the_file_is_wrong_the_second_time(begin: Any) -> None:
    made = begin(GOOD, f"quay house;3;3.01;;;{mac(2)};H", f"Quay House;3;3.02;;;{mac(1)};H")
    assert row(made, 2).result == "new"
    assert row(made, 3).problems["number"] == "Also in row 2"
    assert "Quay House 3.01 has the same MAC" in row(made, 4).problems["mac"]


def test_all_suggestions_are_taken_at_once_and_what_is_typed_is_checked(people: People, begin: Any) -> None:
    made = begin(
        f"Qay House;3;3.01;;;{mac(1)};H", "Quay House;3;3.02;;;DC:11:05:2A:00:02;H", "Quay House;3;3.03;;;;H",
    )  # fmt: skip
    actions.correct_import(people.ivan.actor, import_id=made.pk, cells={}, takes_all=True, now=NOW)
    assert [each.result for each in made.rows.all()] == ["new", "new", "wrong"]
    with pytest.raises(Refused, match="still to be corrected"):
        actions.begin_import(people.ivan.actor, import_id=made.pk, only_good=False, now=NOW)
    actions.correct_import(people.ivan.actor, import_id=made.pk, cells={4: {"mac": mac(3), "nonsense": "x"}}, now=NOW)
    assert row(made, 4).result == "new"
    assert "nonsense" not in row(made, 4).cells


@pytest.mark.rule("R17")
def test_an_apartment_may_wait_for_its_monitor_and_gets_it_by_a_later_import(people: People, begin: Any) -> None:
    made = begin("Quay House;3;3.01;Ada;ada@mail.example;;")
    actions.correct_import(people.ivan.actor, import_id=made.pk, cells={}, way=(2, 0), now=NOW)
    written(people, made)
    flat = Apartment.objects.get()
    assert flat.monitor_pending
    assert Entitlement.objects.get(target=flat.target_id, service_type="app").blocked
    later = begin(f"Quay House;3;3.01;;;{mac(1)};Hallway")
    assert (row(later).result, row(later).told) == ("changed", "Monitor new")
    written(people, later)
    flat.refresh_from_db()
    assert not flat.monitor_pending
    assert not Entitlement.objects.get(target=flat.target_id, service_type="app").blocked
    assert [*of_communities.verify(), *consistency.verify()] == []


def test_an_import_never_changes_a_person_or_swaps_a_monitor(people: People, begin: Any) -> None:
    written(people, begin(GOOD))
    for typed, cell in (
        (f"Quay House;3;3.01;Jens Okonkwo;other@mail.example;{mac(1)};H", "email"),
        (f"Quay House;3;3.01;Somebody Else;jens@mail.example;{mac(1)};H", "master"),
        (f"Quay House;3;3.01;Jens Okonkwo;jens@mail.example;{mac(2)};H", "mac"),
    ):
        made = begin(typed)
        assert cell in row(made).problems
        assert row(made).ways[0][0] == Decision.KEEP
        actions.correct_import(people.ivan.actor, import_id=made.pk, cells={}, way=(2, 0), now=NOW)
        assert row(made).result == "unchanged"
        written(people, made)
    resident = Resident.objects.get()
    assert (resident.name, resident.email) == ("Jens Okonkwo", "jens@mail.example")
    assert Device.objects.get().address.value == int(mac(1).replace(":", ""), 16)


def test_floor_and_name_of_an_apartment_follow_the_file(people: People, begin: Any) -> None:
    written(people, begin(GOOD))
    made = begin("4;3.01;Corner;", head=["floor", "number", "apartment name", "email"])
    assert row(made).told == "Floor was 3, Name new"
    written(people, made)
    flat = Apartment.objects.select_related("target").get()
    assert (flat.floor, flat.name, flat.version, flat.target.floor) == ("4", "Corner", 2, "4")
    assert "corner" in flat.search_key
    assert [*of_communities.verify(), *consistency.verify()] == []


def test_what_changed_since_the_check_is_left_out_with_its_reason_and_the_others_are_written(
    people: People, site: Site, begin: Any
) -> None:
    made = begin(GOOD, f"Quay House;3;3.02;;;{mac(2)};Hallway")
    actions.begin_import(people.ivan.actor, import_id=made.pk, only_good=False, now=NOW)
    taken = begin(f"Quay House;9;9.01;;;{mac(1)};Hallway")
    written(people, taken)
    done = actions.write_rows(people.ivan.actor, import_id=made.pk, numbers=[2, 3], now=NOW)
    assert (done.new, set(done.failed)) == (1, {2})
    label, reason = done.failed[2]
    assert label == "Quay House 3.01 Jens Okonkwo" and "already in Quay House 9.01" in reason
    assert row(made, 2).result == "failed" and row(made, 3).result == "new"
    again = actions.write_rows(people.ivan.actor, import_id=made.pk, numbers=[2, 3], now=NOW)
    assert (again.new, again.failed) == (0, {})


def test_a_begun_import_is_not_changed_any_more(people: People, begin: Any) -> None:
    made = begin(GOOD)
    actions.begin_import(people.ivan.actor, import_id=made.pk, only_good=True, now=NOW)
    for act, more in (
        (actions.correct_import, {"cells": {}}),
        (actions.begin_import, {"only_good": True}),
        (actions.discard_import, {}),
    ):
        with pytest.raises(Conflict):
            act(people.ivan.actor, import_id=made.pk, now=NOW, **more)


@pytest.mark.rule("R1")
@pytest.mark.rule("R4")
def test_only_who_configures_the_site_imports_there(people: People, site: Site, begin: Any) -> None:
    made = begin(GOOD)
    for person in (people.dora, people.petra):
        with pytest.raises(NotPermitted):
            actions.begin_import(person.actor, import_id=made.pk, only_good=True, now=NOW)
    with pytest.raises(ApartmentImport.DoesNotExist):
        actions.begin_import(people.igor.actor, import_id=made.pk, only_good=True, now=NOW)
    with pytest.raises(Site.DoesNotExist):
        actions.start_import(
            people.igor.actor, site_id=site.pk, name="x", size=1, columns=["number"], language="en", now=NOW,
            lines=[imported.Line(1, {"number": "1"})],
        )  # fmt: skip


def test_statements_do_not_grow_with_the_rows(people: People, begin: Any) -> None:
    def cost(numbers: range) -> int:
        made = begin(*(f"Quay House;3;{n};P{n};p{n}@m.example;{mac(n)};Hall" for n in numbers))
        actions.begin_import(people.ivan.actor, import_id=made.pk, only_good=False, now=NOW)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            actions.write_rows(
                people.ivan.actor,
                import_id=made.pk,
                numbers=actions.numbers_to_write(people.ivan.actor, made.pk),
                now=NOW,
            )
        return len(seen)

    few, many = cost(range(1, 3)), cost(range(3, 19))
    assert many <= few + 2
    assert many <= 50
