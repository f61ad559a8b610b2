"""A form sent after its session had ended comes back filled to whom it belongs, and is not saved yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import Membership, Organization, User
from communities.models import Apartment, Building, Site
from smartplus import past_forms, throttle
from smartplus.portal.library import forms as library
from tests.people import NOW, PASSWORD, SYSTEM, People, Person
from tests.portal.html import assert_clean, form_in
from tests.portal.places import apartment_form, building, site_form

pytestmark = pytest.mark.django_db
NOT_DONE = "What you sent before was not done. If you still want it, please do it again."
SAID = "What you had typed is here again. It is not saved yet."


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
        "planned_apartments": "10",  # beside the form: what the bill reckons with
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


def test_what_was_typed_and_has_no_place_on_its_page_is_shown_to_be_copied(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.ivan)
    form = form_in(browser.get("/sites/new/").content, "postal_code")
    leave(browser)
    enter(browser, people.ivan, send(browser, "/sites/new/", {**form, "name": "Quay", "unheard_of": "Typed here"}))
    found = browser.get("/sites/new/")
    assert_clean(found.content)
    assert "What you typed" in found.content.decode()
    assert "Typed here" in found.content.decode()
    assert not says(found.content)
    assert 'name="unheard_of"' not in found.content.decode()  # nothing here sends it
    assert "Typed here" not in browser.get("/sites/new/").content.decode()


def test_a_button_is_never_pressed_again(
    people: People, browser: Client, make_site: Callable[..., Site], leave: Callable[[Client], None]
) -> None:
    """Whatever stands on a page and is sent elsewhere: the person comes back to the page and reads that it was not done."""
    site = make_site()
    enter(browser, people.ivan)
    colleague = people.tess.membership
    for page, address, more in (
        (f"/users/{colleague.pk}/", f"/users/{colleague.pk}/activity/", {"active": "no"}),
        (f"/users/{colleague.pk}/", f"/users/{colleague.pk}/sites/", {"sites": str(site.pk)}),
        ("/settings/", "/membership/", {"membership": "1", "language": "de"}),
        (f"/sites/{site.pk}/edit/", "/membership/", {"membership": str(people.ivan.membership.pk), "name": "Other"}),
    ):
        token = form_in(browser.get("/settings/").content, "time_zone")["form_token"]
        leave(browser)
        referer = {"referer": f"http://testserver{page}"}
        browser.post(address, {"form_token": token, "csrfmiddlewaretoken": "x" * 64, **more}, headers=referer)
        enter(browser, people.ivan, f"/sign-in/?next={page}")
        answer = browser.get(page, follow=True)
        assert_clean(answer.content)
        html = answer.content.decode()
        assert answer.request["PATH_INFO"] == page
        assert not says(answer.content)
        assert "What you typed" not in html
        assert "Other" not in html
        assert NOT_DONE in html, address
        assert NOT_DONE not in browser.get(page).content.decode()
    colleague.refresh_from_db()
    assert colleague.is_active


@pytest.mark.parametrize("address", ["/sign-out/", "/language/", "/membership/", "/settings/"])
def test_a_form_that_belongs_to_another_page_changes_nothing_in_this_one(
    people: People,
    browser: Client,
    make_site: Callable[..., Site],
    leave: Callable[[Client], None],
    address: str,
) -> None:
    """The menu's forms stand on every page, and names of fields are the same on many."""
    site = make_site()
    house = building(people, site)
    Building.objects.filter(pk=house.pk).update(name="Old House")
    enter(browser, people.ivan)
    for page, field in (
        (f"/buildings/{house.pk}/edit/", "name"),
        ("/sites/new/", "name"),
        (f"/sites/{site.pk}/apartments/new/", "number"),
    ):
        whole = form_in(browser.get("/settings/").content, "time_zone")
        form = {name: whole[name] for name in ("csrfmiddlewaretoken", "form_token")} | {field: "Typed Elsewhere"}
        leave(browser)
        browser.post(address, form, headers={"referer": f"http://testserver{page}"})
        enter(browser, people.ivan, f"/sign-in/?next={page}")
        after = browser.get(page, follow=True)
        assert after.status_code == 200
        assert not says(after.content)
        assert "Typed Elsewhere" not in after.content.decode()


@pytest.mark.parametrize("address", ["/sign-out/", "/language/"])
def test_what_anybody_may_send_is_not_kept(people: People, browser: Client, address: str) -> None:
    enter(browser, people.ivan)
    form = form_in(browser.get("/settings/").content, "time_zone")
    browser.cookies.clear()
    browser.post(address, form, headers={"referer": "http://testserver/settings/"})
    assert past_forms.LATER not in browser.session


@pytest.fixture
def second_firm(people: People) -> Membership:
    """Ivan also works for Norden."""
    return actions.add_member(SYSTEM, organization=people.ines.firm, email=people.ivan.email, name="Ivan", now=NOW)


@pytest.mark.parametrize("address", ["/sites/new/", "/settings/billing/"])
def test_a_form_comes_back_under_the_membership_it_was_typed_under_and_no_other(
    people: People, browser: Client, second_firm: Membership, leave: Callable[[Client], None], address: str
) -> None:
    """Signing in begins with the first membership; the form was the second one's."""
    enter(browser, people.ivan)
    token = form_in(browser.get("/settings/").content, "time_zone")["csrfmiddlewaretoken"]
    browser.post("/membership/", {"membership": second_firm.pk, "csrfmiddlewaretoken": token})
    form = {**form_in(browser.get(address).content, "postal_code"), "city": "Bergen by the sea"}
    leave(browser)
    enter(browser, people.ivan, send(browser, address, form))
    page = browser.get(address)
    assert_clean(page.content)
    html = page.content.decode()
    assert "This form was made for Norden Port AS, and now you work for Hafen Intercom GmbH." in html
    assert not says(page.content)
    assert 'name="city"' not in html
    plain = browser.get(address).content  # told once; the page of this membership is its own, and empty
    assert "Bergen by the sea" not in plain.decode()
    assert not says(plain)
    token = form_in(browser.get("/settings/").content, "time_zone")["csrfmiddlewaretoken"]
    back = {"membership": second_firm.pk, "next": address, "csrfmiddlewaretoken": token}
    assert browser.post("/membership/", back)["Location"] == address
    again = browser.get(address).content
    assert says(again)
    assert form_in(again, "postal_code")["city"] == "Bergen by the sea"


def test_a_page_that_the_other_membership_does_not_have_leads_back_too(
    people: People,
    browser: Client,
    second_firm: Membership,
    make_site: Callable[..., Site],
    leave: Callable[[Client], None],
) -> None:
    site = make_site()
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/buildings/new/"
    form = {**form_in(browser.get(address).content, "name"), "name": "Quay House"}
    leave(browser)
    way = send(browser, address, form)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=False)
    enter(browser, people.ivan, way)
    assert browser.get(address).status_code == 404  # the membership is over: nothing leads back
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=True)
    page = browser.get(address)
    assert page.status_code == 404
    assert "This form was made for Hafen Intercom GmbH" in page.content.decode()


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


def test_of_a_form_of_megabytes_is_kept_that_it_was_not_done(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **site_form("x" * past_forms.MOST_KEPT)}
    leave(browser)
    way = send(browser, "/sites/new/", form)
    assert len(str(dict(browser.session.items()))) < 1000
    enter(browser, people.ivan, way)
    assert NOT_DONE in browser.get("/sites/new/", follow=True).content.decode()


def test_the_largest_field_of_any_form_is_kept() -> None:
    assert library.MAX_CHARACTERS + 10_000 <= past_forms.MOST_KEPT


def test_who_is_not_signed_in_fills_no_store_of_sessions(people: People, browser: Client) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **site_form("Quay Court")}
    before = Session.objects.count()
    for _again in range(30):
        Client().post("/sites/new/", form)
    assert Session.objects.count() - before <= throttle.FORMS.size + 1


def test_an_old_token_and_one_of_somebody_who_is_gone_keep_nothing(people: People, browser: Client) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **site_form("Quay Court")}
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        late = Client()
        late.post("/sites/new/", form)
        assert past_forms.LATER not in late.session
    User.objects.filter(pk=people.ivan.membership.user_id).update(is_active=False)
    gone = Client()
    gone.post("/sites/new/", form)
    assert past_forms.LATER not in gone.session


def test_both_halves_of_a_firm_come_back(people: People, browser: Client, leave: Callable[[Client], None]) -> None:
    enter(browser, people.dora)
    address = f"/users/firms/{people.ivan.firm.pk}/edit/"
    form = form_in(browser.get(address).content, "postal_code")
    boxes = {name for name, value in form.items() if name.startswith("may-") and value == "on"}
    off = min(boxes)
    form.pop(off)
    form["city"] = "Bergen by the sea"
    leave(browser)
    enter(browser, people.dora, send(browser, address, form))
    page = browser.get(address).content
    assert says(page)
    again = form_in(page, "postal_code")
    assert again["city"] == "Bergen by the sea"
    assert off not in again
    assert boxes - {off} <= set(again)


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


def test_a_text_that_was_written_comes_back_whole(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.olga)
    address = "/setup/terms/"
    form = {**form_in(browser.get(address).content, "text"), "text": "1. Typed\n\n" + "word " * 5000}
    leave(browser)
    enter(browser, people.olga, send(browser, address, form))
    page = browser.get(address).content
    assert says(page)
    assert form_in(page, "text")["text"].strip().startswith("1. Typed")
    assert form_in(page, "text")["text"].count("word") == 5000
