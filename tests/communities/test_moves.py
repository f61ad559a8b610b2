"""Members and what they cost, moving in, out and over, another family master, and the installer's yes (R30 to R33)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities.actions import assignments, moving, residents, sites
from communities.actions.moving import Entry
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Lease, Resident, Site, Stage
from tests.people import NOW, People, Person
from tests.sites import ADDRESS, OPTIONS

DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)


@pytest.fixture
def site(people: People, make_site: Callable[..., Site]) -> Site:
    """Harbour View with one free member an apartment; Petra looks after it."""
    made = make_site()
    Site.objects.filter(pk=made.pk).update(free_members=1)
    wanted = {people.petra.membership.pk: False}
    assignments.set_managers(people.ivan.actor, site_id=made.pk, pm_app_by_membership=wanted, now=NOW)
    return Site.objects.get(pk=made.pk)


@pytest.fixture
def flat(site: Site, make_apartment: Callable[..., Apartment]) -> Apartment:
    """Quay House 1.01 with its family master."""
    return make_apartment(site)


@pytest.fixture
def other(site: Site, make_apartment: Callable[..., Apartment]) -> Apartment:
    """Quay House 1.02, where nobody lives."""
    return make_apartment(site, "1.02", master=False)


def add(by: Person, flat: Apartment, name: str, **more: Any) -> Resident:
    told = {"email": "x@example.org", "now": NOW, **more}
    return residents.add_resident(by.actor, apartment_id=flat.pk, name=name, **told)


def slots(flat: Apartment) -> list[int]:
    """The numbers of the slots that are billed."""
    rows = Entitlement.objects.filter(target__parent=flat.target_id, service_type=ServiceType.ADDITIONAL_APP).wanted()
    return sorted(number or 0 for number in rows.values_list("target__slot", flat=True))


def names(flat: Apartment, **where: Any) -> list[str]:
    return sorted(Resident.objects.filter(apartment=flat, **where).values_list("name", flat=True))


@pytest.mark.rule("R30")
def test_members_beyond_the_free_number_are_billed_and_the_master_is_not_one(people: People, flat: Apartment) -> None:
    assert slots(flat) == []
    add(people.ivan, flat, "Free")
    assert slots(flat) == []
    third = add(people.ivan, flat, "First beyond")
    add(people.ivan, flat, "Second beyond")
    assert slots(flat) == [1, 2]
    residents.remove_resident(people.ivan.actor, resident_id=third.pk, now=NOW)
    assert slots(flat) == [1]


@pytest.mark.rule("R30")
def test_another_free_number_changes_what_is_billed(people: People, site: Site, flat: Apartment) -> None:
    for name in ("A", "B", "C"):
        add(people.ivan, flat, name)
    assert slots(flat) == [1, 2]
    free(people, site, 2)
    assert slots(flat) == [1]
    free(people, site, 0)
    assert slots(flat) == [1, 2, 3]


def free(people: People, site: Site, count: int) -> Site:
    now_is = Site.objects.get(pk=site.pk)
    return sites.edit_site(
        people.dora.actor, site_id=site.pk, version=now_is.version, basics={"name": site.name, **ADDRESS}, free_members=count,
        switches=now_is.switches, options=OPTIONS, now=NOW,
    )  # fmt: skip


@pytest.mark.rule("R30")
def test_whom_a_manager_adds_beyond_the_free_number_waits_and_costs_nothing(people: People, flat: Apartment) -> None:
    assert add(people.petra, flat, "Free").stage == Stage.PRESENT
    waiting = add(people.petra, flat, "Beyond")
    assert (waiting.stage, slots(flat)) == (Stage.WAITING, [])
    for person in (people.petra, people.dora):
        with pytest.raises(NotPermitted):
            moving.accept_resident(person.actor, resident_id=waiting.pk, now=NOW)
    with pytest.raises(Resident.DoesNotExist):
        moving.accept_resident(people.igor.actor, resident_id=waiting.pk, now=NOW)
    moving.accept_resident(people.ivan.actor, resident_id=waiting.pk, now=NOW)
    moving.accept_resident(people.ivan.actor, resident_id=waiting.pk, now=NOW)  # a second click
    assert (names(flat, stage="present"), slots(flat)) == (["Beyond", "Free", "Resident 1.01"], [1])
    assert AuditEvent.objects.filter(action="resident.admitted").count() == 1


@pytest.mark.rule("R30")
def test_who_waits_moves_up_where_a_member_leaves_or_the_free_number_grows(
    people: People, site: Site, flat: Apartment
) -> None:
    member = add(people.petra, flat, "Free")
    for name in ("Longest", "Later"):
        add(people.petra, flat, name)
    residents.remove_resident(people.petra.actor, resident_id=member.pk, now=NOW)
    assert (names(flat, stage="present"), names(flat, stage="waiting")) == (["Longest", "Resident 1.01"], ["Later"])
    free(people, site, 2)
    assert (names(flat, stage="waiting"), slots(flat)) == ([], [])
    assert AuditEvent.objects.filter(action="resident.admitted").count() == 2


@pytest.mark.rule("R31")
def test_nobody_is_accepted_as_the_sixty_fourth_member(people: People, flat: Apartment) -> None:
    waiting = [add(people.petra, flat, name) for name in ("Free", "Beyond")][1]
    keys = {name: getattr(waiting, name) for name in ("apartment_id", "site_id", "distributor_id", "installer_id")}
    Resident.objects.bulk_create(
        Resident(**keys, name=f"Member {n}", email="m@example.org", created_at=NOW) for n in range(62)
    )
    with pytest.raises(Refused, match="at most 63"):
        moving.accept_resident(people.ivan.actor, resident_id=waiting.pk, now=NOW)
    waiting.refresh_from_db()
    assert (waiting.stage, waiting.is_accepted) == (Stage.WAITING, False)


@pytest.mark.rule("R32")
def test_another_member_is_made_the_master_and_nothing_costs_more(people: People, flat: Apartment) -> None:
    add(people.ivan, flat, "Free")
    heir = add(people.ivan, flat, "Beyond")
    moving.make_master(people.petra.actor, resident_id=heir.pk, now=NOW)
    assert (names(flat, is_master=True), slots(flat)) == (["Beyond"], [1])
    for person in (people.dora, people.olga):
        with pytest.raises(NotPermitted):
            moving.make_master(person.actor, resident_id=heir.pk, now=NOW)


@pytest.mark.rule("R32")
def test_only_who_lives_there_is_made_the_master(people: People, flat: Apartment) -> None:
    add(people.petra, flat, "Free")
    for one in (add(people.petra, flat, "Waits"), add(people.ivan, flat, "Comes", lease=Lease(TODAY + DAY))):
        with pytest.raises(Refused, match="lives in"):
            moving.make_master(people.ivan.actor, resident_id=one.pk, now=NOW)
    assert names(flat, is_master=True) == ["Resident 1.01"]


@pytest.mark.rule("R32")
def test_who_removes_a_master_names_who_follows(people: People, flat: Apartment) -> None:
    add(people.ivan, flat, "First")
    heir = add(people.ivan, flat, "Chosen")
    master = Resident.objects.get(is_master=True)
    with pytest.raises(Refused):
        residents.remove_resident(people.ivan.actor, resident_id=master.pk, heir_id=master.pk, now=NOW)
    residents.remove_resident(people.ivan.actor, resident_id=master.pk, heir_id=heir.pk, now=NOW)
    assert names(flat, is_master=True) == ["Chosen"]


@pytest.mark.rule("R33")
def test_a_move_takes_the_person_and_leaves_the_paid_time(people: People, flat: Apartment, other: Apartment) -> None:
    paid_until = NOW + 20 * DAY
    Entitlement.objects.filter(target=flat.target_id).pay_until(paid_until, paid_variant="monitor")
    master = Resident.objects.get(is_master=True)
    moved = moving.move_resident(people.petra.actor, resident_id=master.pk, version=1, apartment_id=other.pk, now=NOW)
    assert (moved.apartment_id, moved.is_master, moved.stage) == (other.pk, True, Stage.PRESENT)
    apps = {app.target_id: app for app in Entitlement.objects.filter(service_type=ServiceType.APP)}
    old, new = apps[flat.target_id], apps[other.target_id]
    assert (old.variant, old.expires_at, bool(new.variant), new.expires_at) == ("", paid_until, True, None)
    with pytest.raises(Conflict):
        moving.move_resident(people.ivan.actor, resident_id=master.pk, version=1, apartment_id=flat.pk, now=NOW)
    with pytest.raises(Refused, match="already"):
        moving.move_resident(people.ivan.actor, resident_id=master.pk, version=2, apartment_id=other.pk, now=NOW)


@pytest.mark.rule("R1")
def test_nobody_moves_into_an_apartment_of_another_site(
    people: People, flat: Apartment, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]
) -> None:
    elsewhere = make_apartment(make_site("Pier Court"), master=False)
    master = Resident.objects.get(is_master=True)
    with pytest.raises(Apartment.DoesNotExist):
        moving.move_resident(people.ivan.actor, resident_id=master.pk, version=1, apartment_id=elsewhere.pk, now=NOW)
    with pytest.raises(Resident.DoesNotExist):
        moving.move_resident(people.igor.actor, resident_id=master.pk, version=1, apartment_id=flat.pk, now=NOW)


@pytest.mark.rule("R33")
def test_a_household_moves_out_and_the_next_one_has_what_was_paid(people: People, flat: Apartment) -> None:
    for name in ("Free", "Beyond"):
        add(people.ivan, flat, name)
    paid_until = NOW + 20 * DAY
    Entitlement.objects.filter(site=flat.site_id).pay_until(paid_until, paid_variant="monitor")
    assert moving.move_out(people.petra.actor, apartment_id=flat.pk, now=NOW) == 3
    assert (names(flat, stage="ended"), slots(flat)) == (["Beyond", "Free", "Resident 1.01"], [])
    app = Entitlement.objects.get(target=flat.target_id, service_type=ServiceType.APP)
    assert (app.variant, app.expires_at) == ("", paid_until)
    with pytest.raises(Refused, match="Nobody lives"):
        moving.move_out(people.ivan.actor, apartment_id=flat.pk, now=NOW)
    family = [Entry(name=name, email="n@example.org") for name in ("New", "Newer", "Newest")]
    moving.move_in(people.ivan.actor, apartment_id=flat.pk, people=family, now=NOW + DAY)
    app.refresh_from_db()
    assert (names(flat, is_master=True), app.is_usable(NOW + DAY), slots(flat)) == (["New"], True, [1])


@pytest.mark.rule("R30", "R32")
def test_a_future_household_counts_from_its_first_day_only(people: People, flat: Apartment) -> None:
    family = [Entry(name=name, email="n@example.org") for name in ("New", "Newer", "Newest")]
    with pytest.raises(Refused, match="still lives there") as refused:
        moving.move_in(people.ivan.actor, apartment_id=flat.pk, people=family, begins=TODAY + 9 * DAY, now=NOW)
    assert refused.value.field == "begins"
    moving.move_in(
        people.ivan.actor, apartment_id=flat.pk, people=family, begins=TODAY + 9 * DAY, replaces=True, now=NOW
    )
    assert (names(flat, stage="present"), slots(flat)) == (["Resident 1.01"], [])
    assert Resident.objects.get(is_master=True).lease_until == TODAY + 8 * DAY
    assert names(flat, stage="future", becomes_master=True) == ["New"]


def test_a_household_that_leaves_later_takes_along_who_arrives_before(people: People, flat: Apartment) -> None:
    add(people.ivan, flat, "Arrives before", lease=Lease(TODAY + 2 * DAY))
    add(people.ivan, flat, "Leaves earlier", lease=Lease(ends=TODAY + 3 * DAY))
    add(people.ivan, flat, "Arrives after", lease=Lease(TODAY + 9 * DAY))
    assert moving.move_out(people.ivan.actor, apartment_id=flat.pk, on=TODAY + 5 * DAY, now=NOW) == 3
    ends = dict(Resident.objects.filter(apartment=flat).values_list("name", "lease_until"))
    assert ends == {
        "Resident 1.01": TODAY + 5 * DAY, "Arrives before": TODAY + 5 * DAY, "Leaves earlier": TODAY + 3 * DAY, "Arrives after": None,
    }  # fmt: skip
    assert names(flat, stage="ended") == []


@pytest.mark.parametrize(
    ("lease", "field"),
    [(Lease(TODAY + DAY, TODAY), "lease_until"), (Lease(ends=TODAY - DAY), "lease_until")],
)
def test_a_lease_ends_after_it_begins_and_not_in_the_past(
    people: People, flat: Apartment, lease: Lease, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        add(people.ivan, flat, "New", lease=lease)
    assert (refused.value.field, Resident.objects.count()) == (field, 1)


@pytest.mark.rule("R9")
def test_the_audit_tells_moves_without_names(people: People, flat: Apartment, other: Apartment) -> None:
    new = add(people.ivan, flat, "Ada Lovelace", email="ada@example.org")
    moving.move_resident(people.ivan.actor, resident_id=new.pk, version=1, apartment_id=other.pk, now=NOW)
    moving.move_out(people.ivan.actor, apartment_id=flat.pk, now=NOW)
    moving.move_in(
        people.ivan.actor, apartment_id=flat.pk, people=[Entry(name="Bob Babbage", mobile="040 1234567")], now=NOW
    )
    rows = AuditEvent.objects.filter(at=NOW, subject_type__in=["resident", "apartment"])
    told = " ".join(f"{row.before} {row.after} {row.subject_label}" for row in rows)
    assert not {word for word in ("Ada", "Bob", "example.org", "1234567") if word in told}
    moved = AuditEvent.objects.get(action="resident.moved")
    assert (moved.before, moved.after) == ({"apartment": "Quay House 1.01"}, {"apartment": "Quay House 1.02"})
    assert AuditEvent.objects.get(action="household.left").after == {"people": 1}
