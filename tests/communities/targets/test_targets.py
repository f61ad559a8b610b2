"""Whatever is billed is one row: made with its owner, relabelled with it, counted into slots, and never anybody's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from accounts.typed.columns import keys_of_model
from communities import catalogue, consistency
from communities.actions import apartments, sites
from communities.actions.entitlements import Part, agree, configuration_of
from communities.actions.targets import relabel, slot_of
from communities.catalogue import ServiceType
from communities.models import Apartment, Block, Building, Entitlement, Site, Target, keys_of, targets
from tests import factories
from tests.communities.targets.scenes import Kinds, crowded, flat, slots
from tests.people import NOW, People


def test_every_owner_has_its_target_and_every_item_one_key_to_it(site: Site) -> None:
    assert sorted(Target.objects.values_list("kind", "building", "floor", "number")) == [
        ("apartment", "Quay House", "1", "1.01"),
        ("apartment", "Quay House", "1", "1.02"),
        ("manager", "", "", ""),
    ]
    assert {str(row.target) for row in Entitlement.objects.all()} == {
        "Quay House 1.01",
        "Quay House 1.02",
        "Petra Holm",
    }
    assert list(consistency.verify()) == []


def test_a_target_that_somebody_has_can_not_be_deleted(site: Site) -> None:
    for target in Target.objects.all():
        with pytest.raises(ProtectedError):
            target.delete()


def test_one_item_of_a_service_for_each_target(site: Site) -> None:
    one = Entitlement.objects.earliest("pk")
    with pytest.raises(IntegrityError), transaction.atomic():
        Entitlement.objects.create(**keys_of(site), target=one.target, service_type=one.service_type)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "member_slot"},
        {"kind": "apartment", "slot": 1},
        {"kind": "manager", "number": "Petra Holm"},
        {"kind": "account", "building": "Kim"},
        {"kind": "site", "floor": "1"},
        {"kind": "car"},
    ],
    ids=lambda fields: " ".join(map(str, fields.values())),
)
def test_the_database_refuses_targets_that_can_not_be(site: Site, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(**keys_of(site), **fields)


def test_a_site_is_one_target(site: Site) -> None:
    Target.objects.create(**keys_of(site), kind=Kinds.SITE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(**keys_of(site), kind=Kinds.SITE)


def test_no_name_of_a_person_stands_in_the_table(site: Site) -> None:
    apartments = Apartment.objects.filter(number="1.01")
    apartments.update(name="Family Schmidt")
    texts = [
        field.name for field in Target._meta.concrete_fields if isinstance(field, models.CharField | models.TextField)
    ]
    assert texts == ["kind", "building", "floor", "number", "name", "sort_key"]
    kept = str(list(Target.objects.values_list(*texts))).casefold()
    assert not [name for name in ("petra", "holm", "schmidt", "resident") if name in kept]


def test_slots_are_numbered_made_once_and_kept_when_they_are_not_wanted(site: Site) -> None:
    agree(site, crowded(site, 6))
    assert slots() == slots("1.02") == [(1, "each"), (2, "each")]
    agree(site, crowded(site, 7))
    agree(site, crowded(site, 5))
    assert slots() == [(1, "each"), (2, ""), (3, "")]
    assert Target.objects.filter(kind=Kinds.MEMBER_SLOT).count() == 6
    first = Target.objects.get(parent=flat("1.01").target_id, slot=1)
    assert (str(first), first.label, first.installer_id) == (
        "Quay House 1.01 (1)",
        "Quay House 1.01 (1)",
        site.installer_id,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        slot_of(flat("1.01").target, Kinds.MEMBER_SLOT, 1).save()
    assert list(consistency.verify()) == []


def test_slots_of_some_apartments_leave_the_others_alone(site: Site) -> None:
    agree(site, crowded(site, 5))
    one = configuration_of(site, apartment_ids=[flat("1.01").pk])
    agree(site, one, part=Part.HOMES)
    assert (slots("1.01"), slots("1.02")) == ([(1, "")], [(1, "each")])
    assert Entitlement.objects.get(service_type=ServiceType.PM_APP).variant == "plain"


def test_a_company_is_billed_for_its_doors_but_one_and_for_itself(site: Site) -> None:
    company = catalogue.Configuration(
        {**site.switches, "elevator_control": True}, project="commercial", site=site.pk, doors=(1, 2, 3)
    )
    for _again in range(2):
        agree(site, company)
    rows = Entitlement.objects.wanted().select_related(*targets.named()).order_by(*targets.order(), "pk")
    assert [str(row) for row in rows] == [
        "Elevator Control, Harbour View", "Door, Harbour View (1)", "Door, Harbour View (2)",
    ]  # fmt: skip
    said = Entitlement.objects.wanted().annotate(words=targets.words()).order_by(*targets.order(), "pk")
    assert list(said.values_list("words", flat=True)) == ["Harbour View", "Harbour View (1)", "Harbour View (2)"]
    assert Target.objects.filter(kind__in=[Kinds.SITE, Kinds.DOOR_SLOT]).count() == 3
    assert list(consistency.verify()) == []


def test_queries_say_what_the_object_says(site: Site) -> None:
    agree(site, crowded(site, 6))
    rows = Target.objects.annotate(said=targets.words(""), door=targets.label("")).select_related(*targets.named(""))
    assert len(rows) == 7
    assert [(row.said, row.door) for row in rows] == [(str(row), row.label) for row in rows]


def test_targets_stand_as_one_walks_through_the_site_and_people_come_last(
    people: People, site: Site, make_apartment: Callable[..., Apartment]
) -> None:
    ivan = people.ivan.actor
    annex = sites.add_building(ivan, site_id=site.pk, name="Annex 2", now=NOW)
    sites.add_building(ivan, site_id=site.pk, name="Annex 10", now=NOW)
    ten = Building.objects.get(name="Annex 10")
    for building, floor, number in (
        (ten, "1", "1"),
        (annex, "10", "1"),
        (annex, "2", "10"),
        (annex, "2", "9"),
        (annex, "UG", "99"),
    ):
        apartments.create_apartment(ivan, building_id=building.pk, floor=floor, number=number, now=NOW)
    agree(site, crowded(site, 5))
    rows = Target.objects.filter(site=site).select_related(*targets.named("")).order_by(*targets.order(""), "pk")
    assert [str(row) for row in rows if not row.slot] == [
        "Annex 2 99", "Annex 2 9", "Annex 2 10", "Annex 2 1", "Annex 10 1", "Quay House 1.01", "Quay House 1.02", "Petra Holm",
    ]  # fmt: skip
    assert [str(row) for row in rows][-5:-1] == [
        "Quay House 1.01", "Quay House 1.01 (1)", "Quay House 1.02", "Quay House 1.02 (1)",
    ]  # fmt: skip


def test_renaming_a_building_renames_its_targets_and_their_slots(people: People, site: Site) -> None:
    agree(site, crowded(site, 5))
    building = Building.objects.get()
    sites.rename_building(people.ivan.actor, building_id=building.pk, version=building.version, name="Pier 7", now=NOW)
    assert {str(row) for row in Target.objects.exclude(kind=Kinds.MANAGER)} == {
        "Pier 7 1.01", "Pier 7 1.01 (1)", "Pier 7 1.02", "Pier 7 1.02 (1)",
    }  # fmt: skip
    for row in Target.objects.all():
        assert [key.of(row) for key in keys_of_model(Target)] == [row.sort_key]
    assert list(consistency.verify()) == []


def test_numbering_an_apartment_anew_relabels_it_and_its_slots_alone(people: People, site: Site) -> None:
    agree(site, crowded(site, 5))
    one = flat("1.01")
    apartments.change_apartment(
        people.ivan.actor, apartment_id=one.pk, version=one.version, floor="3", number="3.01", name="", switches=one.switches,
        has_monitor=True, now=NOW,
    )  # fmt: skip
    assert {row.label for row in Target.objects.filter(floor="3")} == {"Quay House 3.01", "Quay House 3.01 (1)"}
    assert list(consistency.verify()) == []


def test_relabelling_takes_three_statements_however_many_apartments(site: Site) -> None:
    def cost(name: str) -> int:
        Building.objects.filter(site=site).update(name=name, name_order=f"{name.casefold()} house")
        with CaptureQueriesContext(
            connection,
        ) as found:
            relabel(site)
        assert set(Target.objects.filter(kind=Kinds.APARTMENT).values_list("building", flat=True)) == {name}
        return len(found)

    building = Building.objects.get()
    few = cost("A")
    factories.apartments(site, building, 300, items={}, until=None)
    assert (few, cost("B")) == (3, 3)
    with CaptureQueriesContext(connection) as again:
        relabel(site)
    assert len(again) == 3


@pytest.mark.rule("R17")
def test_an_apartment_that_waits_for_its_monitor_blocks_its_items_and_its_slots(
    people: People, site: Site, make_apartment: Callable[..., Apartment]
) -> None:
    waiting = make_apartment(site, "2.01", waits=True)
    agree(site, crowded(site, 5))

    def blocked() -> set[str]:
        rows = Entitlement.objects.exclude(blocked="").select_related("target")
        assert {row.blocked for row in rows} <= {Block.MONITOR_PENDING.value}
        return {str(row) for row in rows}

    its = {"App, Quay House 2.01", "Premium Plan, Quay House 2.01", "Additional App, Quay House 2.01 (1)"}
    assert blocked() == its
    one = Apartment.objects.get(pk=waiting.pk)

    def change(**fields: bool) -> None:
        one.refresh_from_db()
        apartments.change_apartment(
            people.ivan.actor, apartment_id=one.pk, version=one.version, floor=one.floor, number=one.number, name="",
            switches=one.switches | {code: on for code, on in fields.items() if code in one.switches},
            has_monitor=fields.get("has_monitor", False), now=NOW,
        )  # fmt: skip

    change(has_monitor=True)
    assert blocked() == set()
    change()
    assert blocked() == its
    change(indoor_monitor=False)
    assert blocked() == set()
    assert list(consistency.verify()) == []
