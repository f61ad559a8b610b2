"""Buildings and apartments as communities know them: names, three switches, ceilings, what is inherited (R14, R17, R22, R23, R77)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities import catalogue
from communities.actions import apartments, sites
from communities.errors import CeilingOff, NameTaken
from communities.models import Apartment, Building, Entitlement, Site
from tests.people import NOW, People, Person


@pytest.fixture
def harbour(make_site: Callable[..., Site]) -> Site:
    """Harbour View, with landline on and video storage off."""
    return make_site(landline=True)


@pytest.fixture
def quay(people: People, harbour: Site) -> Building:
    return sites.add_building(people.ivan.actor, site_id=harbour.pk, name="Quay House", now=NOW)


def create(by: Person, building: Building, number: str = "1.01", **fields: Any) -> Apartment:
    return apartments.create_apartment(by.actor, building_id=building.pk, floor="1", number=number, now=NOW, **fields)


def change(by: Person, apartment: Apartment, **changes: Any) -> Apartment:
    fresh = Apartment.objects.get(pk=apartment.pk)
    values: dict[str, Any] = {name: getattr(fresh, name) for name in ("version", "floor", "number", "name")}
    switches = {**fresh.switches, **{code: on for code, on in changes.items() if code in fresh.switches}}
    told = {name: value for name, value in changes.items() if name not in fresh.switches}
    return apartments.change_apartment(by.actor, apartment_id=fresh.pk, switches=switches, now=NOW, **values | told)


# --- buildings ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R77")
@pytest.mark.parametrize("twin", ["quay house", "QUAY  HOUSE", " Quay House "])
def test_a_building_name_is_taken_once_in_its_community_in_any_case(
    people: People, harbour: Site, quay: Building, make_site: Callable[..., Site], twin: str
) -> None:
    with pytest.raises(NameTaken):
        sites.add_building(people.ivan.actor, site_id=harbour.pk, name=twin, now=NOW)
    other = sites.add_building(people.ivan.actor, site_id=harbour.pk, name="Pier House", now=NOW)
    with pytest.raises(NameTaken):
        sites.rename_building(people.ivan.actor, building_id=other.pk, version=1, name=twin, now=NOW)
    sites.add_building(people.ivan.actor, site_id=make_site("Elsewhere").pk, name=twin, now=NOW)
    assert list(Building.objects.filter(site=harbour).values_list("name", flat=True)) == ["Pier House", "Quay House"]


def test_a_building_keeps_its_own_name_in_another_case(people: People, quay: Building) -> None:
    renamed = sites.rename_building(people.ivan.actor, building_id=quay.pk, version=1, name="QUAY HOUSE", now=NOW)
    assert (renamed.name, renamed.version) == ("QUAY HOUSE", 2)
    with pytest.raises(Conflict):
        sites.rename_building(people.ivan.actor, building_id=quay.pk, version=1, name="Pier House", now=NOW)
    assert Building.objects.get().name == "QUAY HOUSE"


@pytest.mark.rule("R9")
def test_a_building_needs_a_name_and_its_renaming_is_audited(people: People, harbour: Site, quay: Building) -> None:
    for empty in ("", " \u200b "):
        with pytest.raises(Refused, match="needs a name"):
            sites.add_building(people.ivan.actor, site_id=harbour.pk, name=empty, now=NOW)
        with pytest.raises(Refused, match="needs a name"):
            sites.rename_building(people.ivan.actor, building_id=quay.pk, version=1, name=empty, now=NOW)
    sites.rename_building(people.ivan.actor, building_id=quay.pk, version=1, name="Pier House", now=NOW)
    event = AuditEvent.objects.get(action="building.renamed")
    assert (event.before, event.after) == ({"name": "Quay House"}, {"name": "Pier House"})


@pytest.mark.rule("R1")
def test_somebody_elses_building_can_not_be_renamed(people: People, quay: Building) -> None:
    for stranger in (people.igor, people.ines, people.tess):  # Tess is not on the site
        with pytest.raises(Building.DoesNotExist):
            sites.rename_building(stranger.actor, building_id=quay.pk, version=1, name="Mine", now=NOW)
    for person in (people.dora, people.petra, people.olga):
        with pytest.raises(NotPermitted):
            sites.rename_building(person.actor, building_id=quay.pk, version=1, name="Mine", now=NOW)
    assert Building.objects.get().name == "Quay House"


# --- numbers ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R77")
@pytest.mark.parametrize("twin", ["1.a", " 1.A "])
def test_a_number_is_taken_once_in_its_building_in_any_case(
    people: People, harbour: Site, quay: Building, twin: str
) -> None:
    first = create(people.ivan, quay, "1.A")
    with pytest.raises(NameTaken):
        create(people.ivan, quay, twin)
    second = create(people.ivan, quay, "1.B")
    with pytest.raises(NameTaken):
        change(people.ivan, second, number=twin)
    pier = sites.add_building(people.ivan.actor, site_id=harbour.pk, name="Pier House", now=NOW)
    create(people.ivan, pier, twin)
    assert change(people.ivan, first, number="1.a").number == "1.a"  # its own
    with pytest.raises(IntegrityError), transaction.atomic():
        Apartment.objects.filter(pk=second.pk).update(number_key=Apartment.objects.get(pk=first.pk).number_key)


# --- switches -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R14", "R23")
def test_three_switches_are_inherited_and_each_may_be_chosen_otherwise(people: People, quay: Building) -> None:
    assert create(people.ivan, quay).switches == {"indoor_monitor": True, "landline": True, "video_storage": False}
    chosen = create(people.ivan, quay, "1.02", switches={"indoor_monitor": False, "landline": False})
    assert chosen.switches == {"indoor_monitor": False, "landline": False, "video_storage": False}
    with_others = create(people.ivan, quay, "1.03", switches={"landline": False, "booking": True, "pm_app": True})
    assert with_others.switches == {"indoor_monitor": True, "landline": False, "video_storage": False}
    assert tuple(with_others.switches) == catalogue.APARTMENT_SWITCHES


@pytest.mark.rule("R22")
def test_what_the_community_has_off_is_on_in_no_apartment(people: People, quay: Building) -> None:
    with pytest.raises(CeilingOff):
        create(people.ivan, quay, switches={"video_storage": True})
    apartment = create(people.ivan, quay)
    with pytest.raises(CeilingOff):
        change(people.ivan, apartment, video_storage=True)
    assert Apartment.objects.get().video_storage is False
    assert AuditEvent.objects.filter(action="apartment.changed").count() == 0


@pytest.mark.rule("R22")
def test_the_monitor_is_no_ceiling_an_apartment_may_differ_both_ways(
    people: People, make_site: Callable[..., Site]
) -> None:
    for required in (True, False):
        site = make_site(f"Required {required}", indoor_monitor=required)
        building = sites.add_building(people.ivan.actor, site_id=site.pk, name="Quay", now=NOW)
        apartment = create(people.ivan, building, switches={"indoor_monitor": not required})
        assert apartment.indoor_monitor is not required
        assert change(people.ivan, apartment, indoor_monitor=required, has_monitor=True).indoor_monitor is required


@pytest.mark.rule("R14", "R25")
def test_what_is_billed_follows_the_switches(people: People, make_apartment, harbour: Site) -> None:
    apartment = make_apartment(harbour)
    premium = Entitlement.objects.get(service_type="premium", target=apartment.target_id)
    assert premium.variant == "landline"
    change(people.ivan, apartment, landline=False, has_monitor=True)
    premium.refresh_from_db()
    assert premium.variant == ""
    change(people.ivan, apartment, landline=True, has_monitor=True)
    premium.refresh_from_db()
    assert premium.variant == "landline"


@pytest.mark.rule("R17")
def test_what_waits_for_its_monitor_stops_waiting_with_it_or_without_the_requirement(
    people: People, quay: Building
) -> None:
    apartment = create(people.ivan, quay)
    assert apartment.monitor_pending
    assert change(people.ivan, apartment, has_monitor=True).monitor_pending is False
    assert change(people.ivan, apartment, has_monitor=False).monitor_pending is True
    assert change(people.ivan, apartment, indoor_monitor=False).monitor_pending is False
    assert create(people.ivan, quay, "1.02", switches={"indoor_monitor": False}).monitor_pending is False


@pytest.mark.rule("R9")
def test_a_change_is_audited_with_before_and_after_and_a_stale_one_refused(people: People, quay: Building) -> None:
    apartment = create(people.ivan, quay)
    change(people.ivan, apartment, name="The corner", landline=False)
    event = AuditEvent.objects.get(action="apartment.changed")
    assert event.before == {"name": "", "landline": True}
    assert event.after == {"name": "The corner", "landline": False}
    with pytest.raises(Conflict):
        change(people.ivan, apartment, version=1, name="Stale")
    assert Apartment.objects.get().name == "The corner"


@pytest.mark.rule("R1")
def test_somebody_elses_apartment_does_not_exist(people: People, quay: Building) -> None:
    apartment = create(people.ivan, quay)
    for stranger in (people.igor, people.ines, people.tess):
        with pytest.raises(Building.DoesNotExist):
            create(stranger, quay, "1.02")
        with pytest.raises(Apartment.DoesNotExist):
            change(stranger, apartment, name="Mine")
    assert Apartment.objects.get().name == ""
