"""Choosing who looks after a site: plain tick boxes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client

from accounts import actions
from accounts.models import Membership, Organization
from communities.actions import assignments
from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment, targets
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import assert_clean, form_in, page_of, untimed
from tests.portal.places import everything, pay


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Harbour View."""
    return make_site()


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@pytest.mark.rule("R13")
def test_ticks_assign_managers_and_technicians(people: People, ivan: Client, site: Site) -> None:
    address = f"/sites/{site.pk}/managers/"
    page = ivan.get(address)
    text = page.content.decode()
    assert "Petra Holm" in text
    assert "Tess Marin" in text
    assert "Paul White" not in text
    assert_clean(page.content)
    petra, tess = people.petra.membership.pk, people.tess.membership.pk
    assert (
        ivan.post(address, {"version": 1, "managers": [petra], "pm_app": [petra], "technicians": [tess]}).status_code
        == 302
    )
    assert list(ManagerAssignment.objects.values_list("membership", "pm_app", "ended_at")) == [(petra, True, None)]
    assert list(TechnicianAssignment.objects.values_list("membership", flat=True)) == [tess]
    assert Entitlement.objects.get().service_type == "pm_app"
    assert ivan.post(address, {"version": 3, "pm_app": [petra]}).status_code == 302
    assert ManagerAssignment.objects.get().ended_at == NOW
    assert not TechnicianAssignment.objects.exists()


def test_a_paid_pm_app_can_not_be_unticked_while_its_manager_stays(people: People, ivan: Client, site: Site) -> None:
    address, petra = f"/sites/{site.pk}/managers/", people.petra.membership.pk
    ivan.post(address, {"version": 1, "managers": [petra], "pm_app": [petra]})
    pay(Entitlement.objects.get())
    page = ivan.get(address)
    text = page_of(page)
    assert "The PM App is paid until 14 Mar 2027" in untimed(text)
    assert f'name="pm_app" value="{petra}" checked disabled' in text
    assert f'<input type="hidden" name="pm_app" value="{petra}">' in text
    assert_clean(page.content)
    before = everything()
    forged = ivan.post(address, {"version": 2, "managers": [petra], "technicians": [people.tess.membership.pk]})
    assert forged.status_code == 422
    assert "The PM App of Petra Holm is paid for. It can be given up when it has run out." in forged.content.decode()
    assert ManagerAssignment.objects.get().pm_app is True
    assert everything() == before
    assert not TechnicianAssignment.objects.exists()
    assert_clean(forged.content)


@pytest.mark.rule("R1")
def test_people_of_others_can_not_be_ticked(people: People, ivan: Client, site: Site) -> None:
    before = everything()
    for field, person in (("managers", people.paul), ("technicians", people.petra), ("technicians", people.ines)):
        response = ivan.post(f"/sites/{site.pk}/managers/", {field: [person.membership.pk]})
        assert response.status_code == 422
        assert "One of the chosen people is not yours to choose." in response.content.decode()
        assert person.membership.user.name not in response.content.decode() or person is people.petra
    assert everything() == before


def test_a_deactivated_person_keeps_its_sites_until_it_is_unticked(people: People, ivan: Client, site: Site) -> None:
    address, petra, tess = f"/sites/{site.pk}/managers/", people.petra.membership.pk, people.tess.membership.pk
    ivan.post(address, {"version": 1, "managers": [petra], "pm_app": [petra], "technicians": [tess]})
    Membership.objects.filter(pk__in=[petra, tess]).update(is_active=False)
    form = form_in(ivan.get(address).content, "managers")
    assert (form["managers"], form["technicians"]) == (str(petra), str(tess))
    assert ivan.post(address, form).status_code == 302
    assert ManagerAssignment.objects.get().ended_at is None
    assert TechnicianAssignment.objects.exists()
    assert "Deactivated" in ivan.get(address).content.decode()
    assert ivan.post(address, {**form, "managers": [], "pm_app": [], "technicians": []}).status_code == 302
    assert ManagerAssignment.objects.get().ended_at == NOW
    assert not TechnicianAssignment.objects.exists()
    assert "Petra Holm" not in ivan.get(address).content.decode()  # nobody new can be ticked who is deactivated
    fresh = form_in(ivan.get(address).content, "version")
    assert ivan.post(address, {**fresh, "managers": [petra]}).status_code == 422
    assert ManagerAssignment.objects.get().ended_at == NOW


def test_who_saves_without_the_deactivated_ones_loses_none_by_their_firm(
    people: People, ivan: Client, site: Site
) -> None:
    address, petra = f"/sites/{site.pk}/managers/", people.petra.membership.pk
    ivan.post(address, {"version": 1, "managers": [petra]})
    Organization.objects.filter(pk=people.petra.firm.pk).update(is_active=False)
    assert ivan.post(address, form_in(ivan.get(address).content, "managers")).status_code == 302
    assert ManagerAssignment.objects.get().ended_at is None


def test_ticking_the_pm_app_assigns_too(people: People, ivan: Client, site: Site) -> None:
    address, petra = f"/sites/{site.pk}/managers/", people.petra.membership.pk
    assert ivan.post(address, {"version": 1, "pm_app": [petra]}).status_code == 302
    assert list(ManagerAssignment.objects.values_list("membership", "pm_app", "ended_at")) == [(petra, True, None)]
    assert Entitlement.objects.get().service_type == "pm_app"


def invited(people: People, firm: Organization, email: str, name: str, *, is_technician: bool = False) -> int:
    return actions.invite(
        people.ivan.actor,
        organization_id=firm.pk,
        email=email,
        name=name,
        language="en",
        is_technician=is_technician,
        now=NOW,
    ).pk


def test_invited_people_are_chosen_before_they_join_under_the_name_they_were_invited_with(
    people: People, ivan: Client, site: Site
) -> None:
    manager = invited(people, people.petra.firm, people.paul.email, "New Manager")  # has a login in another tree
    worker = invited(people, people.ivan.firm, "new@hafen.example", "New Technician", is_technician=True)
    address = f"/sites/{site.pk}/managers/"
    page = ivan.get(address).content.decode()
    assert "New Manager" in page
    assert "Invited" in page
    form = {"version": 1, "managers": [manager], "pm_app": [manager], "technicians": [worker]}
    assert ivan.post(address, form).status_code == 302
    assert ManagerAssignment.objects.get().membership_id == manager
    assert TechnicianAssignment.objects.get().membership_id == worker
    for shown in (address, f"/sites/{site.pk}/facts/", f"/users/{manager}/", f"/sites/{site.pk}/billing/"):
        page = ivan.get(shown).content.decode()
        assert "New Manager" in page
        assert "Paul White" not in page
    assert Entitlement.objects.annotate(label=targets.words()).values_list("label", flat=True).get() == "New Manager"


def test_the_persons_own_page_offers_the_sites_before_it_has_joined(people: People, ivan: Client, site: Site) -> None:
    worker = invited(people, people.ivan.firm, "new@hafen.example", "New Technician", is_technician=True)
    form = form_in(ivan.get(f"/users/{worker}/").content, "sites")
    assert ivan.post(f"/users/{worker}/sites/", {**form, "sites": [site.pk]}).status_code == 302
    assert TechnicianAssignment.objects.get().membership_id == worker


def test_an_invitation_with_sites_is_withdrawn_and_its_paid_time_stays(
    people: People, ivan: Client, site: Site
) -> None:
    manager = invited(people, people.petra.firm, "new@holm.example", "New Manager")
    ivan.post(f"/sites/{site.pk}/managers/", {"version": 1, "managers": [manager], "pm_app": [manager]})
    pay(Entitlement.objects.get())
    assert ivan.post(f"/users/{manager}/invitation/", {"do": "cancel"}).status_code == 302
    member = Membership.objects.get(pk=manager)
    assert (member.is_active, member.invitations.open().exists()) == (False, False)
    assert ManagerAssignment.objects.get().membership_id == manager
    assert ivan.post(f"/users/{manager}/activity/", {"active": "yes"}).status_code == 302
    assert ivan.post(f"/users/{manager}/invitation/", {"do": "resend"}).status_code == 302
    assert member.invitations.open().count() == 1


# --- where there are many -----------------------------------------------------------------------------------------------

EACH = 60  # more than a page of either kind


@pytest.fixture
def many(people: People) -> dict[str, list[int]]:
    """Managers called Manager 01, … and technicians called Worker 01, …"""
    return {
        name: [
            actions.add_member(
                SYSTEM,
                organization=firm,
                email=f"{name}{n:02}@many.example",
                name=f"{name.title()} {n:02}",
                now=NOW,
                is_technician=is_technician,
            ).pk
            for n in range(EACH)
        ]
        for name, firm, is_technician in (("manager", people.petra.firm, False), ("worker", people.ivan.firm, True))
    }


def boxes(page: bytes, name: str) -> list[int]:
    """The boxes of one name on a page."""
    return [
        int(value)
        for value in re.findall(rf'type="checkbox" name="{name}" value="(\d+)"', " ".join(page.decode().split()))
    ]


def test_of_many_only_the_assigned_are_shown_and_others_are_found_by_name_or_mail(
    ivan: Client, site: Site, many: dict[str, list[int]]
) -> None:
    address = f"/sites/{site.pk}/managers/"
    page = ivan.get(address)
    assert (boxes(page.content, "managers"), boxes(page.content, "technicians")) == ([], [])
    assert len(page.content) < 20_000
    assert_clean(page.content)
    before = everything()
    found = ivan.post(address, {**form_in(page.content, "version"), "find": "1", "find_manager": "manager 07"})
    assert found.status_code == 200
    assert boxes(found.content, "managers") == [many["manager"][7]]
    assert_clean(found.content)
    ticked = {**form_in(found.content, "version"), "managers": [many["manager"][7]]}
    also = ivan.post(address, {**ticked, "find": "2", "find_technician": "worker42@many"})
    assert boxes(also.content, "technicians") == [many["worker"][42]]
    assert form_in(also.content, "version")["managers"] == str(many["manager"][7])  # still ticked
    assert everything() == before
    saved = {**form_in(also.content, "version"), "technicians": [many["worker"][42]]}
    assert ivan.post(address, saved).status_code == 302
    assert ManagerAssignment.objects.get().membership_id == many["manager"][7]
    assert TechnicianAssignment.objects.get().membership_id == many["worker"][42]
    page = ivan.get(address)
    assert (boxes(page.content, "managers"), boxes(page.content, "technicians")) == (
        [many["manager"][7]],
        [many["worker"][42]],
    )


def test_a_search_with_more_hits_than_are_shown_says_so_and_one_without_too(
    ivan: Client, site: Site, many: dict[str, list[int]]
) -> None:
    address = f"/sites/{site.pk}/managers/"
    form = form_in(ivan.get(address).content, "version")
    many_hits = ivan.post(address, {**form, "find": "1", "find_manager": "manager"})
    assert len(boxes(many_hits.content, "managers")) == 25
    assert "The first 25; a longer word finds fewer" in many_hits.content.decode()
    none = ivan.post(address, {**form, "find": "2", "find_technician": "xylophone"})
    assert "Nobody else matches “xylophone”." in none.content.decode()
    assert boxes(none.content, "technicians") == []


@pytest.mark.rule("R1")
def test_a_search_finds_nobody_who_is_not_to_be_chosen_here(
    people: People, ivan: Client, site: Site, many: dict[str, list[int]]
) -> None:
    address = f"/sites/{site.pk}/managers/"
    Membership.objects.filter(pk=many["manager"][3]).update(is_active=False)
    form = form_in(ivan.get(address).content, "version")
    for box, text in (
        ("find_manager", people.paul.membership.user.name),  # of another installer
        ("find_manager", "worker 01"),  # a technician
        ("find_manager", "manager 03"),  # deactivated
        ("find_technician", people.ivan.membership.user.name),  # a colleague
    ):
        page = ivan.post(address, {**form, "find": "1", box: text})
        assert (boxes(page.content, "managers"), boxes(page.content, "technicians")) == ([], []), text
    before = everything()
    for field, person in (("managers", people.paul.membership.pk), ("technicians", many["manager"][0])):
        assert ivan.post(address, {**form, field: [person]}).status_code == 422
    assert everything() == before


def test_who_is_on_another_page_of_the_assigned_stays(
    people: People, ivan: Client, site: Site, many: dict[str, list[int]]
) -> None:
    address = f"/sites/{site.pk}/managers/"
    with_app = many["manager"][-1]
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={pk: pk == with_app for pk in many["manager"]}, now=NOW
    )
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=many["worker"], now=NOW)
    first = ivan.get(address)
    shown = boxes(first.content, "managers")
    assert set(shown) > set(many["manager"][:50])  # and who else may be chosen, since those are few
    assert with_app not in shown
    form = form_in(first.content, "version")
    form["managers"] = [pk for pk in form["managers"] if int(pk) != many["manager"][0]]
    form["technicians"] = [pk for pk in form["technicians"] if int(pk) != many["worker"][0]]
    assert ivan.post(address, form).status_code == 302
    left = ManagerAssignment.objects.filter(ended_at=None)
    assert set(left.values_list("membership", flat=True)) == set(many["manager"][1:])
    assert list(left.filter(pm_app=True).values_list("membership", flat=True)) == [with_app]
    assert set(TechnicianAssignment.objects.values_list("membership", flat=True)) == set(many["worker"][1:])
    [after] = set(re.findall(r'href="(\?managers_after=[^"]+)"', ivan.get(address).content.decode()))
    second = ivan.get(f"{address}{html.unescape(after)}")
    assert with_app in boxes(second.content, "managers")
    assert "technicians_after" in second.content.decode()  # which begins at its first page
    form = form_in(second.content, "version")
    form["managers"] = [pk for pk in form["managers"] if int(pk) != with_app]
    form["pm_app"] = []
    assert ivan.post(f"{address}{html.unescape(after)}", form).status_code == 302
    assert set(left.values_list("membership", flat=True)) == set(many["manager"][1:-1])


def test_a_clash_over_somebody_who_was_searched_for_keeps_the_tick(
    people: People, ivan: Client, site: Site, many: dict[str, list[int]]
) -> None:
    address = f"/sites/{site.pk}/managers/"
    form = form_in(ivan.get(address).content, "version")
    found = form_in(ivan.post(address, {**form, "find": "1", "find_manager": "manager 07"}).content, "version")
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={many["manager"][9]: False}, now=NOW
    )
    answer = ivan.post(address, {**found, "managers": [many["manager"][7]]})
    assert answer.status_code == 409
    assert "Property managers: Manager 07" in answer.content.decode()
    both = form_in(answer.content, "version")
    assert ivan.post(address, both).status_code == 302
    here = ManagerAssignment.objects.filter(ended_at=None).values_list("membership", flat=True)
    assert set(here) == {many["manager"][7], many["manager"][9]}


def test_a_site_with_very_many_managers_shows_some_on_its_overview(
    people: People, ivan: Client, site: Site, many: dict[str, list[int]]
) -> None:
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership=dict.fromkeys(many["manager"], False), now=NOW
    )
    page = ivan.get(f"/sites/{site.pk}/facts/").content.decode()
    assert page.count("Portal only") == 20
    assert "20 of 60 managers" in page
