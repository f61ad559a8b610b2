"""A single-family house is one site with one unit that has its services."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from accounts.errors import NotPermitted, Refused
from communities import catalogue, consistency
from communities.actions import apartments, houses, residents, sites
from communities.actions.equipment import Piece, add_equipment
from communities.models import Apartment, Building, Entitlement, Site, targets
from tests.people import NOW, People
from tests.sites import ADDRESS, OPTIONS

ALL = ("landline", "third_party_camera", "dynamic_qr", "video_storage")


def wanted() -> list[tuple[str, str]]:
    rows = Entitlement.objects.wanted().select_related(*targets.named()).order_by("pk")
    return [(str(row), row.variant) for row in rows]


@pytest.mark.rule("R28")
def test_a_house_has_its_four_premium_services_and_is_called_by_its_name(
    people: People, make_villa: Callable[..., Apartment]
) -> None:
    unit = make_villa(**dict.fromkeys(ALL, True))
    residents.add_resident(people.ivan.actor, apartment_id=unit.pk, name="Ana", email="a@x.example", now=NOW)
    assert wanted() == [
        ("Premium Plan, Villa Elbe", "landline+third_party_camera+video_storage_30+dynamic_qr"),
        ("App, Villa Elbe", "no_monitor"),
    ]
    assert (str(unit), unit.building.name, unit.number) == ("Villa Elbe", "Villa Elbe", "")
    assert unit.switches == {"indoor_monitor": False, "landline": True, "video_storage": True}
    add_equipment(people.ivan.actor, site_id=unit.site_id, kind="lock", piece=Piece("Door", maker="iTec"), now=NOW)
    assert wanted()[-1] == ("Third Party Lock, Door", "each")
    assert list(consistency.verify()) == []


@pytest.mark.rule("R28")
@pytest.mark.parametrize("service", sorted({*catalogue.SWITCHES} - {*ALL, "indoor_monitor"}))
def test_a_house_has_no_other_service(people: People, make_villa: Callable[..., Apartment], service: str) -> None:
    needs = {"pm_app": True} if service == "pm_landline" else {}
    with pytest.raises(Refused, match="sites of this type"), transaction.atomic():
        make_villa(**{service: True, **needs})
    assert not Site.objects.exists() and not Building.objects.exists()


def test_the_unit_follows_its_house(people: People, make_villa: Callable[..., Apartment]) -> None:
    unit = make_villa(landline=True)
    off = dict.fromkeys(catalogue.SWITCHES, False)
    houses.change_house(
        people.ivan.actor, site_id=unit.site_id, version=1,
        basics={"name": "Villa Alster", **ADDRESS}, switches={**off, "video_storage": True},
        options={**OPTIONS, "retention_days": 90}, has_monitor=False, now=NOW,
    )  # fmt: skip
    unit = Apartment.objects.select_related("building").get()
    assert (str(unit), unit.switches["landline"], unit.switches["video_storage"]) == ("Villa Alster", False, True)
    assert wanted() == [("Premium Plan, Villa Alster", "video_storage_90")]
    assert list(consistency.verify()) == []


def test_a_house_that_waits_for_its_monitor_can_not_be_activated(
    people: People, make_villa: Callable[..., Apartment]
) -> None:
    unit = make_villa()
    on = {**dict.fromkeys(catalogue.SWITCHES, False), "indoor_monitor": True, "landline": True}
    houses.change_house(
        people.ivan.actor, site_id=unit.site_id, version=1, basics={"name": "Villa", **ADDRESS}, switches=on, options=OPTIONS,
        has_monitor=False, now=NOW,
    )  # fmt: skip
    assert Apartment.objects.get().monitor_pending
    assert set(Entitlement.objects.wanted().values_list("blocked", flat=True)) == {"monitor_pending"}


def test_a_house_gets_no_second_unit(people: People, make_villa: Callable[..., Apartment]) -> None:
    unit, ivan = make_villa(), people.ivan.actor
    for act in (
        lambda: sites.add_building(ivan, site_id=unit.site_id, name="Annex", now=NOW),
        lambda: sites.rename_building(ivan, building_id=unit.building_id, version=1, name="Annex", now=NOW),
        lambda: apartments.create_apartment(ivan, building_id=unit.building_id, floor="1", number="2", now=NOW),
    ):
        with pytest.raises(Refused, match="communities"):
            act()


def test_only_installers_create_houses(people: People) -> None:
    for who in (people.dora, people.tess, people.petra):
        with pytest.raises(NotPermitted):
            houses.create_house(
                who.actor, basics={"name": "Villa", **ADDRESS}, free_members=4, switches={}, options=OPTIONS, now=NOW
            )
