"""What is archived is billed for nothing, stands nowhere and keeps its paid time; what never held anything may be deleted (R78)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

import pytest

from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent
from communities import consistency, expiries, reports
from communities.actions import apartments, archives, residents, sites
from communities.errors import NameTaken
from communities.models import Apartment, Building, Entitlement, Resident, Site
from subscriptions import dashboard
from subscriptions.differences import Scope, number
from tests.people import NOW, People
from tests.portal.places import pay

MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]
pytestmark = pytest.mark.rule("R78")


@pytest.fixture
def site(make_site: MakeSite, make_apartment: MakeApartment) -> Site:
    """Two apartments; everything of 1.01 is paid for."""
    made = make_site(booking=True, landline=True)
    for number_ in ("1.01", "1.02"):
        make_apartment(made, number_, indoor_monitor=False)
    for item in Entitlement.objects.filter(target__number="1.01"):
        pay(item)
    return made


def variants(number_: str) -> set[str]:
    """What is billed for an apartment."""
    return set(Entitlement.objects.filter(target__number=number_).values_list("variant", flat=True))


def home(number_: str = "1.01") -> Apartment:
    """The apartment, archived or not."""
    return Apartment.every.get(number=number_)


def test_nothing_of_an_archived_apartment_is_billed_and_its_paid_time_stays(people: People, site: Site) -> None:
    before = dict(Entitlement.objects.filter(target__number="1.01").values_list("pk", "expires_at"))
    was = variants("1.01")
    archives.archive_apartment(people.ivan.actor, apartment_id=home().pk, now=NOW)
    assert variants("1.01") == {""}
    assert variants("1.02") == was
    assert dict(Entitlement.objects.filter(target__number="1.01").values_list("pk", "expires_at")) == before
    assert Resident.objects.filter(apartment=home()).exists()
    archives.restore_apartment(people.ivan.actor, apartment_id=home().pk, now=NOW)
    assert variants("1.01") == was
    assert not list(consistency.verify())
    assert [row.action for row in AuditEvent.objects.order_by("-pk")[:2]] == [
        "apartment.restored",
        "apartment.archived",
    ]


def test_no_list_tile_or_count_has_what_is_archived(people: People, site: Site) -> None:
    archives.archive_apartment(people.ivan.actor, apartment_id=home().pk, now=NOW)
    assert [row.number for row in Apartment.objects.visible_to(people.ivan.actor)] == ["1.02"]
    assert reports.apartments_of(site).all == 1
    for _round in range(2):
        [firm] = dashboard.installers(people.ivan.actor, now=NOW)
        assert (firm.sites, firm.apartments) == (1, 1)
        [standing] = dashboard.standings(people.ivan.actor, now=NOW, prices=None).values()
        assert (standing.items, standing.unused) == (2, 0)
        assert number(Scope(people.ivan.actor, NOW, UTC, None)) == 2  # the other one is not paid for
        assert not list(expiries.faults())
        expiries.fold(now=NOW)
    archives.archive_site(people.ivan.actor, site_id=site.pk, now=NOW)
    [firm] = dashboard.installers(people.ivan.actor, now=NOW)
    assert (firm.sites, firm.apartments) == (0, 0)
    assert dashboard.standings(people.ivan.actor, now=NOW, prices=None) == {}
    assert not Site.objects.visible_to(people.ivan.actor).exists()


@pytest.mark.parametrize("what", ["apartment", "building", "site"])
def test_what_an_open_order_holds_is_not_archived(people: People, site: Site, what: str) -> None:
    Entitlement.objects.filter(target__number="1.01").update(reserved_by=1)
    ids = {"apartment": home().pk, "building": Building.objects.get().pk, "site": site.pk}
    with pytest.raises(Refused, match="open order"):
        getattr(archives, f"archive_{what}")(people.ivan.actor, **{f"{what}_id": ids[what]}, now=NOW)
    assert Apartment.objects.count() == 2
    assert "" not in variants("1.01")


def test_a_site_comes_back_with_what_was_archived_with_it(people: People, site: Site) -> None:
    actor = people.ivan.actor
    archives.archive_apartment(actor, apartment_id=home("1.02").pk, now=NOW)
    later = NOW + timedelta(hours=1)
    archives.archive_site(actor, site_id=site.pk, now=later)
    assert not Building.objects.exists()
    assert not Apartment.objects.exists()
    with pytest.raises(Refused, match="is archived"):
        sites.add_building(actor, site_id=site.pk, name="Other", now=later)
    with pytest.raises(Refused, match="is archived"):
        archives.restore_apartment(actor, apartment_id=home().pk, now=later)
    archives.restore_site(actor, site_id=site.pk, now=later)
    assert [row.number for row in Apartment.objects.all()] == ["1.01"]
    assert Building.objects.count() == 1
    assert variants("1.01") != {""} == variants("1.02")
    assert not list(consistency.verify())
    assert not list(expiries.faults())


def test_a_building_comes_back_with_its_apartments(people: People, site: Site) -> None:
    actor, building = people.ivan.actor, Building.objects.get()
    archives.archive_building(actor, building_id=building.pk, now=NOW)
    assert not Apartment.objects.exists()
    with pytest.raises(Refused, match="is archived"):
        archives.restore_apartment(actor, apartment_id=home().pk, now=NOW)
    archives.restore_building(actor, building_id=building.pk, now=NOW)
    assert Apartment.objects.count() == 2


@pytest.mark.rule("R77")
def test_a_name_is_free_while_its_owner_is_archived_and_asked_for_when_that_comes_back(
    people: People, site: Site, make_site: MakeSite, make_apartment: MakeApartment
) -> None:
    actor, building = people.ivan.actor, Building.objects.get()
    old = home().pk
    archives.archive_apartment(actor, apartment_id=old, now=NOW)
    make_apartment(site, "1.01", indoor_monitor=False)
    with pytest.raises(NameTaken, match=r"another apartment 1\.01"):
        archives.restore_apartment(actor, apartment_id=old, now=NOW)
    archives.archive_building(actor, building_id=building.pk, now=NOW)
    sites.add_building(actor, site_id=site.pk, name=building.name, now=NOW)
    with pytest.raises(NameTaken, match="another building"):
        archives.restore_building(actor, building_id=building.pk, now=NOW)
    archives.archive_site(actor, site_id=site.pk, now=NOW)
    make_site(site.name)
    with pytest.raises(NameTaken, match="another site"):
        archives.restore_site(actor, site_id=site.pk, now=NOW)
    assert Apartment.every.get(pk=old).archived_at is not None


@pytest.mark.rule("R22")
def test_what_the_community_switched_off_meanwhile_is_off_in_what_comes_back(people: People, site: Site) -> None:
    archives.archive_apartment(people.ivan.actor, apartment_id=home().pk, now=NOW)
    assert home().landline
    Site.objects.filter(pk=site.pk).update(landline=False)
    archives.restore_apartment(people.ivan.actor, apartment_id=home().pk, now=NOW)
    assert not home().landline


def test_what_never_held_anything_is_deleted(
    people: People, site: Site, make_apartment: MakeApartment, make_site: MakeSite
) -> None:
    actor = people.ivan.actor
    empty = make_apartment(site, "9.01", indoor_monitor=False, master=False)
    archives.delete_apartment(actor, apartment_id=empty.pk, now=NOW)
    assert not Apartment.every.filter(number="9.01").exists()
    assert not Entitlement.objects.filter(target__number="9.01").exists()
    bare = sites.add_building(actor, site_id=site.pk, name="Bare", now=NOW)
    archives.delete_building(actor, building_id=bare.pk, now=NOW)
    other = make_site("Nothing there")
    archives.delete_site(actor, site_id=other.pk, now=NOW)
    assert [row.name for row in Site.every.all()] == [site.name]
    assert not list(consistency.verify())
    assert not list(expiries.faults())


def test_what_held_something_is_not_deleted(people: People, site: Site) -> None:
    actor = people.ivan.actor
    with pytest.raises(Refused, match="lives in"):
        archives.delete_apartment(actor, apartment_id=home("1.02").pk, now=NOW)
    for tenant in Resident.objects.all():
        residents.remove_resident(actor, resident_id=tenant.pk, now=NOW)
    with pytest.raises(Refused, match="paid time"):
        archives.delete_apartment(actor, apartment_id=home().pk, now=NOW)
    with pytest.raises(Refused, match="has apartments"):
        archives.delete_building(actor, building_id=Building.objects.get().pk, now=NOW)
    with pytest.raises(Refused, match="has buildings"):
        archives.delete_site(actor, site_id=site.pk, now=NOW)
    assert Apartment.objects.count() == 2


def test_only_who_builds_archives_and_only_in_its_own_sight(people: People, site: Site) -> None:
    for who in (people.petra, people.dora, people.olga):
        with pytest.raises((NotPermitted, Apartment.DoesNotExist)):
            archives.archive_apartment(who.actor, apartment_id=home().pk, now=NOW)
    with pytest.raises(NotPermitted):
        archives.archive_site(people.tess.actor, site_id=site.pk, now=NOW)
    with pytest.raises(Apartment.DoesNotExist):
        archives.archive_apartment(people.igor.actor, apartment_id=home().pk, now=NOW)


def test_nothing_is_done_in_an_archived_apartment(people: People, site: Site) -> None:
    actor, flat = people.ivan.actor, home()
    archives.archive_apartment(actor, apartment_id=flat.pk, now=NOW)
    with pytest.raises(Apartment.DoesNotExist):
        residents.add_resident(actor, apartment_id=flat.pk, name="New", email="n@example.org", now=NOW)
    with pytest.raises(Apartment.DoesNotExist):
        apartments.change_apartment(
            actor, apartment_id=flat.pk, version=2, floor="1", number="1.01", name="", switches=flat.switches, now=NOW
        )
