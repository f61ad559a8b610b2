"""A form sent after its session had ended comes back filled to whom it belongs, and is not saved yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Organization
from communities.models import Apartment, Building, Site
from smartplus import past_forms
from tests.people import PASSWORD, People, Person
from tests.portal.html import assert_clean, form_in
from tests.portal.places import apartment_form, building, site_form

pytestmark = pytest.mark.django_db
SAID = "What you had typed before you signed in is here again. It is not saved yet."


@pytest.fixture(params=[True, False], ids=["session ended", "cookies gone"])
def leave(request: pytest.FixtureRequest) -> Callable[[Client], None]:
    """How a session ends: on the server, while the browser keeps its cookies, or with all cookies of the browser."""

    def end(client: Client) -> None:
        if request.param:
            client.session.flush()
        else:
            client.cookies.clear()

    return end


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def enter(client: Client, person: Person, address: str = "/sign-in/") -> Any:
    form = form_in(client.get(address).content, "password")
    return client.post("/sign-in/", {**form, "username": person.email, "password": PASSWORD})


def says(page: bytes) -> bool:
    """Whether the page tells of it, beside the words that every page has ready for its script."""
    return page.decode().count(SAID) > 1


def send(client: Client, address: str, form: dict[str, Any]) -> str:
    """Post it from its page; where the answer leads to sign in."""
    late = client.post(address, form, headers={"referer": f"http://testserver{address}"})
    if late.status_code == 302:
        return str(late["Location"])
    assert late.status_code == 403
    (way,) = re.findall(r'<a class="b p" href="(/sign-in/[^"]*)"', late.content.decode())
    return str(way)


def test_a_new_site_comes_back_filled_and_is_saved_once(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.ivan)
    form = {
        **form_in(browser.get("/sites/new/").content, "postal_code"),
        **site_form("Quay <b>Court</b>", booking="on"),
    }
    form.pop("indoor_monitor")
    leave(browser)
    way = send(browser, "/sites/new/", form)
    assert not Site.objects.exists()
    answer = enter(browser, people.ivan, way)
    assert answer["Location"] == "/sites/new/"
    page = browser.get("/sites/new/")
    assert_clean(page.content)
    assert says(page.content)
    again = form_in(page.content, "postal_code")
    for field in ("name", "street", "city", "postal_code", "time_zone", "booking"):
        assert again[field] == form[field], field
    assert again["country"] == "Germany"
    assert "indoor_monitor" not in again  # it was switched off
    assert not Site.objects.exists()
    assert browser.post("/sites/new/", again).status_code == 302
    assert Site.objects.get().name == "Quay <b>Court</b>"
    fresh = browser.get("/sites/new/").content
    assert "Quay" not in form_in(fresh, "postal_code").get("name", "")
    assert not says(fresh)


def test_rows_that_were_added_come_back_too(
    people: People, browser: Client, make_site: Callable[..., Site], leave: Callable[[Client], None]
) -> None:
    site = make_site()
    house = building(people, site)
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/apartments/new/"
    form = {
        **form_in(browser.get(address).content, "number"),
        **apartment_form(house, ("0C:11:05:2A:11:5E", "Hall"), ("0C:11:05:2A:11:60", "Bedroom")),
    }
    leave(browser)
    enter(browser, people.ivan, send(browser, address, form))
    page = browser.get(address).content
    assert says(page)
    again = form_in(page, "number")
    assert (again["number"], again["monitors-1-mac"], again["monitors-1-name"]) == (
        "9.01",
        "0C:11:05:2A:11:60",
        "Bedroom",
    )
    assert not Apartment.objects.exists()


def test_somebody_else_who_signs_in_gets_nothing(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **site_form("Secret Court")}
    leave(browser)
    enter(browser, people.ines, send(browser, "/sites/new/", form))
    page = browser.get("/sites/new/").content
    assert "Secret Court" not in page.decode()
    assert not says(page)
    assert past_forms.LATER not in browser.session


def test_a_page_that_can_not_be_filled_shows_the_form_to_be_sent(
    people: People, browser: Client, make_site: Callable[..., Site], leave: Callable[[Client], None]
) -> None:
    make_site()
    enter(browser, people.ivan)
    page = f"/users/{people.tess.membership.pk}/"
    form = form_in(browser.get(page).content, "sites")
    leave(browser)
    late = browser.post(
        f"{page}sites/", {**form, "unheard_of": "Typed here"}, headers={"referer": f"http://testserver{page}"}
    )
    assert late.status_code in {302, 403}
    enter(browser, people.ivan, f"/sign-in/?next={page}")
    found = browser.get(page)
    assert_clean(found.content)
    assert "What you typed is kept" in found.content.decode()
    assert "Typed here" in found.content.decode()
    again = form_in(found.content, "unheard_of")
    assert browser.post(f"{page}sites/", again).status_code == 302
    assert "What you typed is kept" not in browser.get(page).content.decode()


def test_an_edit_that_comes_back_still_knows_what_was_saved(
    people: People, browser: Client, make_site: Callable[..., Site], leave: Callable[[Client], None]
) -> None:
    """Somebody saves while the form waits: what was typed counts as typed, and the difference is told."""
    site = make_site("Harbour View")
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/edit/"
    form = {**form_in(browser.get(address).content, "postal_code"), "street": "Am Kai 1"}
    leave(browser)
    enter(browser, people.ivan, send(browser, address, form))
    again = form_in(browser.get(address).content, "postal_code")
    assert again["street"] == "Am Kai 1"
    Site.objects.filter(pk=site.pk).update(street="Hafenstraße 9", version=site.version + 1)
    clash = browser.post(address, again)
    assert clash.status_code == 409
    assert form_in(clash.content, "postal_code")["street"] == "Am Kai 1"
    assert "Hafenstraße 9" in clash.content.decode()


def test_passwords_are_never_kept(people: People, browser: Client, leave: Callable[[Client], None]) -> None:
    enter(browser, people.ivan)
    form = form_in(browser.get("/settings/address/").content, "email")
    leave(browser)
    way = send(
        browser, "/settings/address/", {**form, "email": "new@hafen.example", "password": PASSWORD, "code": "123456"}
    )
    kept = str(dict(browser.session.items()))
    assert "new@hafen.example" in kept
    assert PASSWORD not in kept
    assert "123456" not in kept
    enter(browser, people.ivan, way)
    again = form_in(browser.get("/settings/address/").content, "email")
    assert again["email"] == "new@hafen.example"
    assert "password" not in again or not again["password"]


def test_a_stranger_keeps_nothing_here(client: Client, people: People) -> None:
    for token in ("", "1.x:y"):
        client.post("/sites/new/", {**site_form(), "form_token": token})
        assert past_forms.LATER not in client.session


def test_a_form_of_megabytes_is_not_kept(
    people: People, browser: Client, leave: Callable[[Client], None], make_site: Callable[..., Site]
) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **site_form("x" * past_forms.MOST_KEPT)}
    leave(browser)
    send(browser, "/sites/new/", form)
    assert past_forms.LATER not in browser.session


def test_it_waits_for_an_hour(people: People, browser: Client, leave: Callable[[Client], None]) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **site_form("Quay Court")}
    leave(browser)
    way = send(browser, "/sites/new/", form)
    enter(browser, people.ivan, way)
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        assert "Quay Court" not in browser.get("/sites/new/").content.decode()


def test_what_is_sent_while_new_terms_wait_comes_back_after_them(
    people: People, browser: Client, make_site: Callable[..., Site]
) -> None:
    """A second factor that is demanded from now on stands between the form and its page as well."""
    site = make_site()
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/buildings/new/"
    form = {**form_in(browser.get(address).content, "name"), "name": "Quay House"}
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=True)
    assert send(browser, address, form).startswith("/settings/security/")
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=False)
    page = browser.get(address).content
    assert says(page)
    assert form_in(page, "name")["name"] == "Quay House"
    assert not Building.objects.exists()
