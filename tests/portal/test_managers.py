"""Choosing who looks after a site: plain tick boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client

from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
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
    assert "The PM App is paid until 14 Mar 2027" in text
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
