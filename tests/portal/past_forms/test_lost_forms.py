"""A form sent after its session had ended comes back filled to whom it belongs, and is not saved yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Membership
from communities.models import Apartment, Building, Site, SiteDraft
from smartplus import past_forms
from tests.people import People
from tests.portal.html import assert_clean, form_in
from tests.portal.past_forms.scenes import NOT_DONE, enter, says, send
from tests.portal.places import apartment_form, basics_form, building

pytestmark = pytest.mark.django_db


def test_a_new_site_comes_back_filled_and_is_saved_once(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.ivan)
    form = {
        **form_in(browser.get("/sites/new/").content, "postal_code"),
        **basics_form("Quay <b>Court</b>", free_members="7"),
    }
    leave(browser)
    way = send(browser, "/sites/new/", form)
    assert not Site.objects.exists()
    answer = enter(browser, people.ivan, way)
    assert answer["Location"] == "/sites/new/"
    page = browser.get("/sites/new/")
    assert_clean(page.content)
    assert says(page.content)
    again = form_in(page.content, "postal_code")
    for field in ("name", "street", "city", "postal_code", "time_zone", "free_members"):
        assert again[field] == form[field], field
    assert again["country"] == "Germany"
    assert not SiteDraft.objects.exists()
    assert browser.post("/sites/new/", again).status_code == 302
    assert SiteDraft.objects.get().name == "Quay <b>Court</b>"
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
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **basics_form("Secret Court")}
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
    answer = browser.post(address, again)
    assert answer.status_code == 409
    assert form_in(answer.content, "postal_code")["street"] == "Am Kai 1"
    assert "Hafenstraße 9" in answer.content.decode()
