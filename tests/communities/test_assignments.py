"""The managers and technicians of a site, chosen from either side: who may choose whom, and what the chosen then see (R1, R3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.actions import members
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent, Membership
from communities.actions import assignments
from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment
from tests.people import NOW, People, Person

MakeSite = Callable[..., Site]


def give(people: People, person: Person, *sites: Site, seen_ids: list[int] | None = None) -> Membership:
    ids = [site.pk for site in sites]
    return assignments.set_sites_of(
        people.ivan.actor, membership_id=person.membership.pk, site_ids=ids, now=NOW, seen_ids=seen_ids
    )


def seen_by(person: Person) -> list[str]:
    return sorted(Site.objects.visible_to(person.actor).values_list("name", flat=True))


@pytest.mark.rule("R3")
@pytest.mark.parametrize("name", ["petra", "tess"])
def test_the_chosen_see_exactly_their_sites_from_that_moment_on(people: People, make_site: MakeSite, name: str) -> None:
    first, second, third = make_site("First"), make_site("Second"), make_site("Third")
    person: Person = getattr(people, name)
    assert seen_by(person) == []
    give(people, person, first, second)
    assert seen_by(person) == ["First", "Second"]
    give(people, person, second, third)
    assert seen_by(person) == ["Second", "Third"]
    give(people, person)
    assert seen_by(person) == []


@pytest.mark.rule("R9")
def test_a_choice_of_several_sites_is_one_batch_with_a_row_for_each(people: People, make_site: MakeSite) -> None:
    first, second = make_site("First"), make_site("Second")
    give(people, people.tess, first, second)
    whole = AuditEvent.objects.get(action="member.sites_set")
    assert whole.after == {"sites": 2}
    assert {row.subject_id for row in whole.rows.all()} == {first.pk, second.pk}
    before = AuditEvent.objects.count()
    give(people, people.tess, first, second)
    assert AuditEvent.objects.count() == before  # nothing changed, nothing is told


@pytest.mark.rule("R1")
def test_sites_and_people_of_others_are_refused_and_nothing_is_changed(people: People, make_site: MakeSite) -> None:
    mine, foreign = make_site("Mine"), make_site("Foreign", by=people.ines)
    with pytest.raises(Refused, match="1 of the chosen sites"):
        give(people, people.petra, mine, foreign)
    with pytest.raises(Membership.DoesNotExist):
        give(people, people.paul, mine)
    with pytest.raises(Refused, match="not yours to choose"):
        give(people, people.ivan, mine)  # a colleague who is no technician
    for person in (people.dora, people.tess, people.petra):
        with pytest.raises(NotPermitted):
            assignments.set_sites_of(
                person.actor, membership_id=people.petra.membership.pk, site_ids=[mine.pk], now=NOW
            )
    assert not ManagerAssignment.objects.exists()
    assert not TechnicianAssignment.objects.exists()


def test_a_choice_that_began_with_other_sites_is_a_conflict(people: People, make_site: MakeSite) -> None:
    first, second = make_site("First"), make_site("Second")
    give(people, people.petra, first)
    with pytest.raises(Conflict):
        give(people, people.petra, second, seen_ids=[])
    assert seen_by(people.petra) == ["First"]
    give(people, people.petra, second, seen_ids=[first.pk])
    assert seen_by(people.petra) == ["Second"]


def test_who_chooses_people_from_an_older_page_is_told(people: People, make_site: MakeSite) -> None:
    site = make_site()
    give(people, people.tess, site)
    with pytest.raises(Conflict):
        assignments.set_managers(
            people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW,
            version=site.version,
        )  # fmt: skip
    with pytest.raises(Conflict):
        assignments.set_technicians(
            people.ivan.actor, site_id=site.pk, membership_ids=[], now=NOW, version=site.version
        )
    assert (seen_by(people.tess), ManagerAssignment.objects.count()) == (["Harbour View"], 0)


@pytest.mark.rule("R3", "R33")
def test_paid_time_stays_on_an_assignment_that_ended_and_comes_back_with_it(
    people: People, make_site: MakeSite
) -> None:
    site = make_site(pm_app=True)
    chosen = {people.petra.membership.pk: True}
    assignments.set_managers(people.ivan.actor, site_id=site.pk, pm_app_by_membership=chosen, now=NOW)
    Entitlement.objects.pay_until(NOW + timedelta(days=9), paid_variant="plain")
    give(people, people.petra)
    assert not Entitlement.objects.get().is_usable(NOW)
    give(people, people.petra, site)  # without its PM App, which is ticked at the site
    assert not Entitlement.objects.get().is_usable(NOW)
    assignments.set_managers(people.ivan.actor, site_id=site.pk, pm_app_by_membership=chosen, now=NOW)
    assert Entitlement.objects.get().is_usable(NOW)
    assert Entitlement.objects.get().expires_at == NOW + timedelta(days=9)


def test_who_is_deactivated_keeps_its_sites_and_can_not_be_chosen_anew(people: People, make_site: MakeSite) -> None:
    first, second = make_site("First"), make_site("Second")
    give(people, people.tess, first)
    tess = Membership.objects.get(pk=people.tess.membership.pk)
    members.set_member_active(people.ivan.actor, membership_id=tess.pk, is_active=False, now=NOW)
    ids = [tess.pk]
    assignments.set_technicians(people.ivan.actor, site_id=first.pk, membership_ids=ids, now=NOW)  # as the page had it
    assert TechnicianAssignment.objects.get().site == first
    with pytest.raises(Refused, match="not yours to choose"):
        assignments.set_technicians(people.ivan.actor, site_id=second.pk, membership_ids=ids, now=NOW)
