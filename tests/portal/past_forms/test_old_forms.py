"""Forms that were open in another tab: each kind is told what happened, nothing is saved, and what was typed goes on."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts.models import Membership, Organization
from communities.models import Building
from smartplus import past_forms
from tests.guards import pages
from tests.people import PASSWORD
from tests.portal.html import assert_clean, form_in

pytestmark = pytest.mark.django_db


def enter(client, person, **more):
    form = form_in(client.get("/sign-in/").content, "password")
    return client.post("/sign-in/", {**form, "username": person.email, "password": PASSWORD, **more})


def switch(client, membership):
    token = form_in(client.get("/settings/").content, "time_zone")["csrfmiddlewaretoken"]
    return client.post("/membership/", {"membership": membership.pk, "csrfmiddlewaretoken": token})


def way_back(html, page):
    """The form of the button that works for the other organization again."""
    [form] = [
        form for form in pages.read(html.decode())[0] if form.fields.get("next") and form.action == "/membership/"
    ]
    values = {name: field.sent[-1] for name, field in form.fields.items() if field.sent}
    assert values["next"] == page
    return values


def test_the_second_sign_in_tab_says_that_one_is_signed_in_and_leads_on(people, browser):
    other = form_in(browser.get("/sign-in/?next=/sites/").content, "password")
    assert enter(browser, people.ivan).status_code == 302
    late = browser.post("/sign-in/", {**other, "username": people.ivan.email, "password": PASSWORD})
    page = late.content.decode()
    assert late.status_code == 403
    assert_clean(late.content)
    assert "You signed in as ivan@hafen.example in another tab" in page
    assert '<a class="b p" href="/sites/">' in page
    assert PASSWORD not in page
    assert "sign out first" not in page


def test_who_wants_to_sign_in_as_somebody_else_there_is_told_how(people, browser):
    other = form_in(browser.get("/sign-in/").content, "password")
    enter(browser, people.ivan)
    late = browser.post("/sign-in/", {**other, "username": people.dora.email, "password": PASSWORD})
    assert "To sign in as dora@nordlys.example, sign out first." in late.content.decode()
    form = [f for f in late.content.decode().split("<form") if 'action="/sign-out/"' in f]
    assert form
    assert browser.session[SESSION_KEY] == str(people.ivan.membership.user_id)


def test_an_old_sign_in_page_keeps_the_address(people, browser):
    form = form_in(browser.get("/sign-in/?next=/sites/").content, "password")
    browser.cookies.clear()
    late = browser.post("/sign-in/", {**form, "username": people.ivan.email, "password": PASSWORD})
    page = late.content.decode()
    assert "The sign-in page was open for too long" in page
    (way,) = re.findall(r'<a class="b p" href="(/sign-in/[^"]*)"', page)
    fresh = browser.get(way.replace("&amp;", "&")).content.decode()
    assert f'value="{people.ivan.email}"' in fresh
    assert 'name="next" value="/sites/"' in fresh


def test_a_form_of_the_organization_before_is_kept_and_sent_after_switching_back(
    people, browser, make_site, second_firm
):
    site = make_site()
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/buildings/new/"
    form = form_in(browser.get(address).content, "name")
    assert switch(browser, second_firm).status_code == 302
    late = browser.post(address, {**form, "name": "Quay House"})
    page = late.content.decode()
    assert late.status_code == 403
    assert_clean(late.content)
    assert "This form was made for Hafen Intercom GmbH" in page
    assert "and now you work for Norden Port AS" in page
    assert "Quay House" in page
    assert not Building.objects.exists()
    back = browser.post("/membership/", way_back(late.content, address))
    assert back["Location"] == address
    again = form_in(browser.get(address).content, "name")
    assert again["name"] == "Quay House"
    assert not Building.objects.exists()  # only the person sends it
    assert browser.post(address, again).status_code == 302
    assert Building.objects.get().name == "Quay House"


def test_what_is_kept_is_the_persons_own(people, browser, make_site, second_firm):
    """A form of somebody else's page, whoever sends it, waits for nobody."""
    enter(browser, people.ivan)
    address = f"/sites/{make_site().pk}/buildings/new/"
    form = form_in(browser.get(address).content, "name")
    switch(browser, second_firm)
    other = Client(enforce_csrf_checks=True)
    enter(other, people.dora)
    other.post(address, {**form, "name": "Quay House"})
    assert past_forms.LATER not in other.session


def test_where_one_may_not_work_any_more_one_is_not_led_back(people, browser, make_site, second_firm):
    enter(browser, people.ivan)
    address = f"/sites/{make_site().pk}/buildings/new/"
    form = form_in(browser.get(address).content, "name")
    switch(browser, second_firm)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=False)
    page = browser.post(address, {**form, "name": "Quay House"}).content.decode()
    assert "you work for" not in page
    assert past_forms.LATER not in browser.session
    assert "Hafen" not in page
    assert not Building.objects.exists()


def test_a_form_from_before_signing_in_again_is_filled_in_again(people, browser, make_site):
    site = make_site()
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/buildings/new/"
    form = form_in(browser.get(address).content, "name")
    browser.post("/sign-out/", form)
    enter(browser, people.ivan)
    late = browser.post(
        address, {**form, "name": "Quay <b>House</b>"}, headers={"referer": f"http://testserver{address}"}
    )
    page = late.content.decode()
    assert late.status_code == 403
    assert_clean(late.content)
    assert "Open its page again: what you typed is filled in there." in page
    assert f'<a class="b p" href="{address}">' in page
    assert "<b>House" not in page
    again = form_in(browser.get(address).content, "name")
    assert again["name"] == "Quay <b>House</b>"
    assert not Building.objects.exists()
    assert browser.post(address, again).status_code == 302
    assert Building.objects.get().name == "Quay <b>House</b>"


def test_the_way_to_the_page_before_leads_to_no_other_site(people, browser, make_site):
    enter(browser, people.ivan)
    address = f"/sites/{make_site().pk}/buildings/new/"
    stale = {"csrfmiddlewaretoken": "x" * 64, "name": "Quay House"}
    page = browser.post(address, stale, headers={"referer": "http://testserver//evil.example/sign-in"}).content.decode()
    assert "This form was open for too long" in page
    assert 'href="//' not in page


def test_a_form_whose_token_is_nobodys_is_shown_to_be_copied_and_leads_to_its_page(people, browser, make_site):
    site = make_site()
    enter(browser, people.ivan)
    address = f"/sites/{site.pk}/buildings/new/"
    late = browser.post(
        address,
        {"csrfmiddlewaretoken": "x" * 64, "name": "Quay House"},
        headers={"referer": f"http://testserver{address}"},
    )
    page = late.content.decode()
    assert "This form was open for too long" in page
    assert f'<a class="b p" href="{address}">' in page
    assert "Quay House" in page
    assert past_forms.LATER not in browser.session  # it may be another site's
    foreign = browser.post(address, {"name": "Quay House"}, headers={"referer": "http://evil.example/x"})
    assert "evil.example" not in foreign.content.decode()
    assert not Building.objects.exists()


def test_a_form_of_another_site_is_told_so_and_offers_nothing(people, browser, make_site):
    enter(browser, people.ivan)
    address = f"/sites/{make_site().pk}/buildings/new/"
    form = form_in(browser.get(address).content, "name")
    page = browser.post(
        address, {**form, "name": "Quay House"}, headers={"origin": "http://evil.example"}
    ).content.decode()
    assert "This form came from another site" in page
    assert "Quay House" not in page
    assert not Building.objects.exists()


def test_who_was_signed_out_signs_in_and_comes_back(people, browser, make_site):
    enter(browser, people.ivan)
    address = f"/sites/{make_site().pk}/buildings/new/"
    form = form_in(browser.get(address).content, "name")
    browser.cookies.clear()
    late = browser.post(address, {**form, "name": "Quay House"}, headers={"referer": f"http://testserver{address}"})
    page = late.content.decode()
    assert "You are signed out" in page
    assert f'href="/sign-in/?next={address.replace("/", "%2F")}"' in page
    assert "Quay House" in page


def test_passwords_are_neither_shown_nor_kept(people, browser):
    enter(browser, people.ivan)
    form = form_in(browser.get("/settings/password/").content, "old_password")
    browser.post("/sign-out/", form)
    enter(browser, people.ivan)
    new = "staple battery horse"
    page = browser.post(
        "/settings/password/", {**form, "old_password": PASSWORD, "new_password1": new}
    ).content.decode()
    assert "This form was open for too long" in page
    assert PASSWORD not in page
    assert new not in page


def test_switching_to_where_one_works_already_ends_no_form(people, browser, second_firm):
    enter(browser, people.ivan)
    form = form_in(browser.get("/settings/").content, "time_zone")
    assert switch(browser, people.ivan.membership).status_code == 302
    assert browser.post("/settings/", {**form, "name": "Ivan B."}).status_code == 302
    assert Organization.objects.filter(memberships__user__name="Ivan B.").exists()
