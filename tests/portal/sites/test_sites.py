"""Editing a community, and its overview, through the real pages (S1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from communities.actions import assignments
from communities.models import Apartment, Entitlement, Site
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean
from tests.portal.places import everything, pay, site_form

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


def edit_form(site: Site, **changes: Any) -> dict[str, Any]:
    """The edit form of a site as it stands, with changes."""
    switched_on = {code: "on" for code, on in site.switches.items() if on}
    return site_form(site.name, indoor_monitor=None, free_members=None, version=site.version) | switched_on | changes


@pytest.mark.rule("R12")
def test_without_an_active_pm_app_every_switch_is_free(ivan: Client, make_site: MakeSite) -> None:
    site = make_site(pm_app=True, booking=True)
    page = ivan.get(f"/sites/{site.pk}/edit/").content.decode()
    assert "Locked on" not in page
    form = edit_form(site, name="Harbour Point", landline="on")
    del form["pm_app"], form["booking"]
    assert ivan.post(f"/sites/{site.pk}/edit/", form).status_code == 302
    site.refresh_from_db()
    assert (site.name, site.pm_app, site.booking, site.landline, site.version) == (
        "Harbour Point",
        False,
        False,
        True,
        2,
    )


@pytest.fixture
def locked(people: People, make_site: MakeSite) -> Site:
    """Harbour View with one active PM App: Petra's, until 14 Mar 2027."""
    site = make_site(pm_app=True)
    assignments.set_managers(
        people.ivan.actor, site_id=site.pk, pm_app_by_membership={people.petra.membership.pk: True}, now=NOW
    )
    pay(Entitlement.objects.get(service_type="pm_app"))
    site.refresh_from_db()
    return site


@pytest.mark.rule("R11")
def test_while_a_pm_app_is_active_its_switch_is_locked_and_says_by_whom(ivan: Client, locked: Site) -> None:
    response = ivan.get(f"/sites/{locked.pk}/edit/")
    text = response.content.decode()
    assert "Locked on: 1 PM App is active: Petra Holm until 14 Mar 2027." in text
    switch = next(line for line in text.splitlines() if 'data-service="pm_app"' in line)
    assert "disabled" in switch
    assert "checked" in switch
    assert_clean(response.content)


@pytest.mark.rule("R11")
def test_a_forged_post_can_not_switch_a_locked_pm_app_off(ivan: Client, locked: Site) -> None:
    form = edit_form(locked, name="Forged")
    del form["pm_app"]
    before = everything()
    response = ivan.post(f"/sites/{locked.pk}/edit/", form)
    assert response.status_code == 422
    assert "Locked on: 1 PM App is active: Petra Holm until 14 Mar 2027." in response.content.decode()
    locked.refresh_from_db()
    assert (locked.pm_app, locked.name, locked.version) == (True, "Harbour View", 2)
    assert everything() == before
    assert_clean(response.content)


@pytest.mark.rule("R11")
def test_the_other_switches_of_a_locked_site_stay_free(ivan: Client, locked: Site) -> None:
    assert ivan.post(f"/sites/{locked.pk}/edit/", edit_form(locked, booking="on")).status_code == 302
    locked.refresh_from_db()
    assert (locked.pm_app, locked.booking) == (True, True)


@pytest.mark.rule("R24")
def test_landline_for_pm_goes_off_with_the_pm_app(ivan: Client, make_site: MakeSite) -> None:
    site = make_site(pm_app=True, pm_landline=True)
    form = edit_form(site)
    del form["pm_app"]
    assert ivan.post(f"/sites/{site.pk}/edit/", form).status_code == 302
    site.refresh_from_db()
    assert (site.pm_app, site.pm_landline) == (False, False)


@pytest.mark.rule("R22")
def test_switching_landline_off_asks_with_the_count_and_then_reaches_every_apartment(
    ivan: Client, make_site: MakeSite, make_apartment: Callable[..., Apartment]
) -> None:
    site = make_site(indoor_monitor=False, landline=True)
    make_apartment(site, "1.01")
    make_apartment(site, "1.02")
    form = edit_form(site)
    del form["landline"]
    assert "ceiling_confirmed" not in ivan.get(f"/sites/{site.pk}/edit/").content.decode()
    before = everything()
    response = ivan.post(f"/sites/{site.pk}/edit/", form)
    assert response.status_code == 422
    text = response.content.decode()
    assert "switches it off in 2 apartments. Confirm this below." in text
    assert 'name="ceiling_confirmed"' in text
    assert everything() == before
    assert Apartment.objects.filter(landline=True).count() == 2
    assert_clean(response.content)
    assert ivan.post(f"/sites/{site.pk}/edit/", {**form, "ceiling_confirmed": "on"}).status_code == 302
    assert Apartment.objects.filter(landline=True).count() == 0


def test_who_saves_second_sees_what_the_first_one_saved(
    people: People, ivan: Client, sign_in: SignIn, make_site: MakeSite
) -> None:
    site = make_site()
    assignments.set_technicians(people.ivan.actor, site_id=site.pk, membership_ids=[people.tess.membership.pk], now=NOW)
    site.refresh_from_db()
    assert sign_in(people.tess).post(f"/sites/{site.pk}/edit/", edit_form(site, city="Altona")).status_code == 302
    response = ivan.post(f"/sites/{site.pk}/edit/", edit_form(site, city="Harburg"))
    text = response.content.decode()
    assert response.status_code == 409
    assert "Tess Marin saved this" in text
    assert 'value="Harburg"' in text  # nothing typed is lost
    assert "Altona" in text
    assert Site.objects.get().city == "Altona"
    assert_clean(response.content)


def test_only_the_distributor_changes_the_free_members_later(
    people: People, ivan: Client, sign_in: SignIn, make_site: MakeSite
) -> None:
    site = make_site()
    address = f"/sites/{site.pk}/free-members/"
    dora = sign_in(people.dora)
    assert_clean(dora.get(address).content)
    assert dora.post(address, {"free_members": "64", "version": "1"}).status_code == 422
    assert dora.post(address, {"free_members": "6", "version": "1"}).status_code == 302
    assert ivan.post(address, {"free_members": "9", "version": "2"}).status_code == 403
    assert ivan.post(f"/sites/{site.pk}/edit/", edit_form(site, free_members="9", version="2")).status_code == 302
    assert dora.post(address, {"free_members": "7", "version": "1"}).status_code == 409
    site.refresh_from_db()
    assert (site.free_members, site.name) == (6, "Harbour View")


def test_the_overview_says_what_is_paid_and_what_needs_doing(
    people: People, ivan: Client, sign_in: SignIn, make_site: MakeSite, make_apartment: Callable[..., Apartment]
) -> None:
    site = make_site(indoor_monitor=False, booking=True)
    assert "No building yet" in ivan.get(f"/sites/{site.pk}/facts/").content.decode()
    make_apartment(site, "1.01")
    make_apartment(site, "1.02", master=False)
    for entitlement in Entitlement.objects.filter(target__number="1.01"):
        pay(entitlement)
    text = ivan.get(f"/sites/{site.pk}/facts/").content.decode()
    assert "1 apartment has no family master" in text
    assert "1 item is not activated" in text
    assert "1 × Premium Plan. Nordlys Distribution pays it: ask for it." in text
    assert "Paid in 1 of 2" in text
    assert "Request activation" in text
    assert (
        f"/subscription/?installer={people.ivan.firm.pk}"
        in sign_in(people.dora).get(f"/sites/{site.pk}/facts/").content.decode()
    )
    services = ivan.get(f"/sites/{site.pk}/services/")
    assert "14 Mar 2027" in services.content.decode()
    assert_clean(services.content)
