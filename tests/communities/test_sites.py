"""Sites and apartments: names, inheritance, ceilings, people."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities.actions import apartments, assignments, residents, sites
from communities.errors import CeilingOff, NameTaken
from communities.models import Apartment, Building, Entitlement, ManagerAssignment, Resident, Site
from tests.people import NOW, People
from tests.sites import ADDRESS, OPTIONS


def edit(people: People, site: Site, **changes):
    fresh = Site.objects.get(pk=site.pk)
    switches = {**fresh.switches, **{code: on for code, on in changes.items() if code in fresh.switches}}
    return sites.edit_site(
        changes.get("actor", people.ivan.actor),
        site_id=site.pk,
        version=changes.get("version", fresh.version),
        basics={"name": changes.get("name", fresh.name), **ADDRESS},
        free_members=changes.get("free_members"),
        switches=switches,
        options={**OPTIONS, **changes.get("options", {})},
        now=NOW,
        ceiling_confirmed=changes.get("confirmed", False),
    )


@pytest.mark.rule("R77")
@pytest.mark.parametrize("twin", ["harbour view", "HARBOUR  VIEW", " Harbour View "])
def test_a_site_name_is_unique_per_installer_in_any_case(
    people: People, make_site: Callable[..., Site], twin: str
) -> None:
    make_site("Harbour View")
    with pytest.raises(NameTaken):
        make_site(twin)
    make_site("Harbour View", by=people.ines)
    assert Site.objects.count() == 2


@pytest.mark.rule("R77")
def test_casefolding_knows_more_than_ascii(make_site: Callable[..., Site]) -> None:
    make_site("Große Straße")
    with pytest.raises(NameTaken):
        make_site("GROSSE STRASSE")


def test_only_installers_create_sites(people: People, make_site: Callable[..., Site]) -> None:
    for person in (people.dora, people.sam, people.tess, people.petra, people.olga):
        with pytest.raises(NotPermitted):
            make_site("Nowhere", by=person)
    assert not Site.objects.exists()


@pytest.mark.rule("R9")
def test_an_edit_is_audited_with_before_and_after(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site()
    edit(people, site, booking=True)
    event = AuditEvent.objects.get(action="site.changed")
    assert (event.before, event.after) == ({"booking": False}, {"booking": True})
    assert (event.user, event.site_id, event.installer) == (people.ivan.membership.user, site.pk, people.ivan.firm)


def test_who_saves_second_is_told(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site()
    edit(people, site, booking=True)
    with pytest.raises(Conflict):
        edit(people, site, version=1, booking=False)
    assert Site.objects.get().booking is True


@pytest.mark.rule("R22")
def test_a_ceiling_goes_down_with_all_apartments_after_a_confirmation(
    people: People, make_site, make_apartment
) -> None:
    site = make_site(landline=True)
    first, second = make_apartment(site, "1.01"), make_apartment(site, "1.02", landline=False)
    with pytest.raises(Refused, match="in 1 apartment"):
        edit(people, site, landline=False)
    assert Apartment.objects.get(pk=first.pk).landline is True
    edit(people, site, landline=False, confirmed=True)
    assert not Apartment.objects.filter(landline=True).exists()
    assert Apartment.objects.get(pk=first.pk).version == first.version + 1
    told = AuditEvent.objects.filter(action="site.changed").latest("pk")  # who had it can be told for ever (R9)
    assert (told.before["landline"], told.after["landline"]) == (True, False)
    assert told.after["landline_off_in"] == 1
    (row,) = told.rows.all()
    assert (row.action, row.subject_id, row.subject_label) == ("apartment.service_lost", first.pk, str(first))
    assert (row.before, row.after, row.site_id) == ({"landline": True}, {"landline": False}, site.pk)
    assert not Entitlement.objects.exclude(variant="").filter(service_type="premium").exists()
    with pytest.raises(CeilingOff):
        apartments.change_apartment(
            people.ivan.actor, apartment_id=second.pk, version=1, floor="1", number="1.02", name="",
            switches={"indoor_monitor": True, "landline": True, "video_storage": False}, now=NOW,
        )  # fmt: skip


@pytest.mark.rule("R23")
def test_a_new_apartment_inherits_its_community(people: People, make_site, make_apartment) -> None:
    apartment = make_apartment(make_site(landline=True, video_storage=False, indoor_monitor=False))
    assert apartment.switches == {"indoor_monitor": False, "landline": True, "video_storage": False}


@pytest.mark.rule("R24")
def test_pm_landline_is_refused_without_the_pm_app(people: People, make_site: Callable[..., Site]) -> None:
    with pytest.raises(Refused, match="needs the PM App"):
        make_site(pm_landline=True)
    site = make_site(pm_app=True, pm_landline=True)
    with pytest.raises(Refused, match="needs the PM App"):
        edit(people, site, pm_app=False)
    edit(people, site, pm_app=False, pm_landline=False)


@pytest.mark.rule("R12")
def test_an_unpaid_pm_app_switches_freely(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site(pm_app=True)
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
    )
    assert edit(people, site, pm_app=False).pm_app is False
    assert edit(people, site, pm_app=True).pm_app is True


def test_free_members_are_the_distributors_to_change_later(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site()
    with pytest.raises(NotPermitted):
        edit(people, site, free_members=9)
    edit(people, site, actor=people.dora.actor, free_members=9)
    assert Site.objects.get().free_members == 9


@pytest.mark.rule("R32")
@pytest.mark.rule("R33")
def test_the_first_resident_is_master_and_the_next_one_follows(people: People, make_site, make_apartment) -> None:
    apartment = make_apartment(make_site(), master=False)
    add = lambda name: residents.add_resident(  # noqa: E731
        people.ivan.actor, apartment_id=apartment.pk, name=name, email="a@example.org", now=NOW
    )
    first, second = add("First"), add("Second")
    assert (first.is_master, second.is_master) == (True, False)
    Entitlement.objects.pay_until(NOW + timedelta(days=9), paid_variant="monitor")
    residents.remove_resident(people.ivan.actor, resident_id=first.pk, now=NOW)
    assert Resident.objects.get().is_master is True
    residents.remove_resident(people.ivan.actor, resident_id=second.pk, now=NOW)
    app = Entitlement.objects.get(service_type="app")
    assert (app.variant, app.paid_variant, app.expires_at) == ("", "monitor", NOW + timedelta(days=9))


@pytest.mark.rule("R31")
def test_an_apartment_has_at_most_63_members(people: People, make_site, make_apartment) -> None:
    apartment = make_apartment(make_site())
    pattern = Resident.objects.get()
    Resident.objects.bulk_create(
        Resident(
            apartment=apartment, site_id=pattern.site_id, distributor_id=pattern.distributor_id, installer_id=pattern.installer_id,
            name=f"Member {n}", email="m@example.org", created_at=NOW,
        )
        for n in range(63)
    )  # fmt: skip
    with pytest.raises(Refused, match="at most 63"):
        residents.add_resident(
            people.ivan.actor, apartment_id=apartment.pk, name="64th", email="m@example.org", now=NOW
        )


@pytest.mark.rule("R3")
def test_an_unassigned_manager_loses_the_site_at_once_and_gets_it_back_with_its_paid_time(
    people: People, make_site
) -> None:
    site = make_site()
    assign = lambda who: assignments.set_managers(people.ivan.actor, site_id=site.pk, pm_app_by_membership=who, now=NOW)  # noqa: E731
    assign({people.petra.membership.pk: True})
    assert Site.objects.visible_to(people.petra.actor).get() == site
    Entitlement.objects.pay_until(NOW + timedelta(days=9), paid_variant="plain")
    with pytest.raises(Refused, match="is paid for"):
        assign({people.petra.membership.pk: False})
    assign({})
    assert not Site.objects.visible_to(people.petra.actor).exists()
    assign({people.petra.membership.pk: True})
    assert Entitlement.objects.get().is_usable(NOW)
    assert ManagerAssignment.objects.count() == 1


@pytest.mark.rule("R1")
def test_only_the_installers_own_people_can_be_chosen(people: People, make_site) -> None:
    site = make_site()
    for stranger in (people.paul, people.dora, people.tess):
        with pytest.raises(Refused, match="not yours to choose"):
            assignments.set_managers(
                people.ivan.actor, site_id=site.pk, pm_app_by_membership={stranger.membership.pk: True}, now=NOW
            )
    with pytest.raises(Site.DoesNotExist):
        assignments.set_technicians(people.igor.actor, site_id=site.pk, membership_ids=[], now=NOW)
    assert not ManagerAssignment.objects.exists()


@pytest.mark.rule("R4")
def test_managers_build_nothing(people: People, make_site) -> None:
    site = make_site()
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    with pytest.raises(NotPermitted):
        sites.add_building(people.petra.actor, site_id=site.pk, name="Shed", now=NOW)
    building = sites.add_building(people.ivan.actor, site_id=site.pk, name="Quay", now=NOW)
    with pytest.raises(NotPermitted):
        apartments.create_apartment(people.petra.actor, building_id=building.pk, floor="1", number="1", now=NOW)
    assert not Apartment.objects.exists()
    assert Building.objects.count() == 1
