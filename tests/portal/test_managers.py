"""Choosing who looks after a site: plain tick boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client

from accounts import actions
from accounts.models import Membership, Organization
from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment, targets
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, form_in, untimed
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
    text = page.content.decode()
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
    for shown in (address, f"/sites/{site.pk}/", f"/users/{manager}/", f"/sites/{site.pk}/billing/"):
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
