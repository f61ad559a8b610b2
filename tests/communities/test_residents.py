"""Residents: who may add and change them, what is needed of one, and whose the App is when people move (R31, R32, R33)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent
from communities.actions import assignments, residents
from communities.models import Apartment, Entitlement, Resident, Site
from tests.people import NOW, People, Person


@pytest.fixture
def flat(make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Apartment:
    """Quay House 1.01, where nobody lives yet."""
    return make_apartment(make_site(), master=False)


def add(by: Person, flat: Apartment, name: str = "Ada", *, now: datetime = NOW, **fields: Any) -> Resident:
    told = {"email": "ada@example.org", **fields}
    return residents.add_resident(by.actor, apartment_id=flat.pk, name=name, now=now, **told)


def edit(by: Person, resident: Resident, **fields: Any) -> Resident:
    values = {name: getattr(resident, name) for name in ("version", *residents.RESIDENT_FIELDS)}
    return residents.edit_resident(by.actor, resident_id=resident.pk, now=NOW, **values | fields)


def app() -> Entitlement:
    return Entitlement.objects.get(service_type="app")


@pytest.mark.rule("R2")
def test_residents_are_the_work_of_who_configures_the_site_and_of_its_managers(people: People, flat: Apartment) -> None:
    add(people.ivan, flat)
    for person in (people.tess, people.petra):
        with pytest.raises(Apartment.DoesNotExist):  # the site is not theirs yet
            add(person, flat)
    assignments.set_managers(
        people.ivan.actor, site_id=flat.site_id, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    assignments.set_technicians(
        people.ivan.actor, site_id=flat.site_id, membership_ids=[people.tess.membership.pk], now=NOW
    )
    for person in (people.tess, people.petra):
        edit(person, add(person, flat), name=f"By {person.email}")
    for person in (people.dora, people.sam, people.olga):
        with pytest.raises(NotPermitted):
            add(person, flat)
    assert Resident.objects.count() == 3


@pytest.mark.rule("R1")
def test_somebody_elses_resident_does_not_exist(people: People, flat: Apartment) -> None:
    resident = add(people.ivan, flat)
    for stranger in (people.igor, people.ines, people.paul):
        with pytest.raises(Apartment.DoesNotExist):
            add(stranger, flat)
        with pytest.raises(Resident.DoesNotExist):
            edit(stranger, resident, name="Eve")
        with pytest.raises(Resident.DoesNotExist):
            residents.remove_resident(stranger.actor, resident_id=resident.pk, now=NOW)
    assert Resident.objects.get().name == "Ada"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " \u200b"}, "name"),
        ({"email": "", "mobile": ""}, "email"),
        ({"email": "ada@"}, "email"),
        ({"email": "", "mobile": "12"}, "mobile"),
    ],
)
def test_a_resident_has_a_name_and_can_be_reached(
    people: People, flat: Apartment, fields: dict[str, Any], field: str
) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(Refused) as refused:
        add(people.ivan, flat, **fields)
    assert refused.value.field == field
    assert not Resident.objects.exists()
    assert AuditEvent.objects.count() == before


def test_a_number_alone_reaches_a_resident_and_is_read_by_the_country_of_the_site(
    people: People, flat: Apartment
) -> None:
    assert add(people.ivan, flat, email="", mobile="040 1234567").mobile == "+49401234567"


def test_the_database_keeps_nobody_who_can_not_be_reached(people: People, flat: Apartment) -> None:
    resident = add(people.ivan, flat)
    with pytest.raises(IntegrityError), transaction.atomic():
        Resident.objects.filter(pk=resident.pk).update(email="", mobile="")


@pytest.mark.rule("R9")
def test_the_audit_tells_which_fields_changed_and_no_value_of_a_person(people: People, flat: Apartment) -> None:
    resident = edit(people.ivan, add(people.ivan, flat), name="Ada King", remark="has the key")
    assert resident.version == 2
    event = AuditEvent.objects.get(action="resident.changed")
    assert (event.before, event.after) == ({}, {"fields": ["name", "remark"]})
    assert event.subject_label == str(flat)
    residents.remove_resident(people.ivan.actor, resident_id=resident.pk, now=NOW)
    for row in AuditEvent.objects.filter(subject_type="resident"):
        assert "Ada" not in f"{row.before} {row.after} {row.subject_label}"
        assert "example.org" not in f"{row.before} {row.after} {row.subject_label}"


def test_who_saves_second_is_told_and_overwrites_nothing(people: People, flat: Apartment) -> None:
    resident = add(people.ivan, flat)
    edit(people.ivan, resident, name="Ada King")
    with pytest.raises(Conflict):
        edit(people.ivan, Resident.objects.get(), version=1, name="Ada Byron")
    assert Resident.objects.get().name == "Ada King"


@pytest.mark.rule("R32")
def test_an_apartment_has_one_family_master(people: People, flat: Apartment) -> None:
    add(people.ivan, flat, "First")
    second = add(people.ivan, flat, "Second")
    with pytest.raises(IntegrityError), transaction.atomic():
        Resident.objects.filter(pk=second.pk).update(is_master=True)
    assert Resident.objects.get(is_master=True).name == "First"


@pytest.mark.rule("R32")
def test_the_master_is_followed_by_who_came_first_and_by_nobody_while_it_stays(people: People, flat: Apartment) -> None:
    master = add(people.ivan, flat, "Master")
    later = add(people.ivan, flat, "Later", now=NOW + timedelta(days=2))
    earlier = add(people.ivan, flat, "Earlier", now=NOW + timedelta(days=1))
    residents.remove_resident(people.ivan.actor, resident_id=later.pk, now=NOW)
    assert Resident.objects.get(is_master=True) == master
    add(people.ivan, flat, "Later again", now=NOW + timedelta(days=3))
    residents.remove_resident(people.ivan.actor, resident_id=master.pk, now=NOW)
    assert Resident.objects.get(is_master=True) == earlier


@pytest.mark.rule("R25", "R32")
def test_the_app_is_billed_for_an_occupied_apartment_only(people: People, flat: Apartment) -> None:
    assert not Entitlement.objects.filter(service_type="app").exclude(variant="").exists()
    resident = add(people.ivan, flat)
    assert app().variant
    residents.remove_resident(people.ivan.actor, resident_id=resident.pk, now=NOW)
    assert app().variant == ""


@pytest.mark.rule("R33")
def test_who_moves_in_has_the_app_that_was_paid_for_the_apartment(people: People, flat: Apartment) -> None:
    resident = add(people.ivan, flat)
    paid_until = NOW + timedelta(days=20)
    Entitlement.objects.pay_until(paid_until, paid_variant=app().variant)
    residents.remove_resident(people.ivan.actor, resident_id=resident.pk, now=NOW)
    assert not app().is_usable(NOW)
    add(people.ivan, flat, "Next", now=NOW + timedelta(days=1))
    assert app().is_usable(NOW + timedelta(days=1))
    assert app().expires_at == paid_until


@pytest.mark.rule("R31")
def test_the_master_is_not_one_of_the_63(people: People, flat: Apartment) -> None:
    master = add(people.ivan, flat)
    keys = {name: getattr(master, name) for name in ("apartment_id", "site_id", "distributor_id", "installer_id")}
    Resident.objects.bulk_create(
        Resident(**keys, name=f"Member {n}", email="m@example.org", created_at=NOW) for n in range(62)
    )
    add(people.ivan, flat, "The last one")
    with pytest.raises(Refused, match="at most 63"):
        add(people.ivan, flat, "One more")
    assert Resident.objects.filter(is_master=False).count() == 63
