"""What of a form that came late is kept, for how long, and whose store it fills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from communities.models import Building, Site
from smartplus import past_forms, throttle
from smartplus.portal.library import forms as library
from tests.people import PASSWORD, People
from tests.portal.html import form_in
from tests.portal.past_forms.scenes import NOT_DONE, enter, says, send
from tests.portal.places import basics_form

pytestmark = pytest.mark.django_db


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
        client.post("/sites/new/", {**basics_form(), "form_token": token})
        assert past_forms.LATER not in client.session


def test_of_a_form_of_megabytes_is_kept_that_it_was_not_done(
    people: People, browser: Client, leave: Callable[[Client], None]
) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **basics_form("x" * past_forms.MOST_KEPT)}
    leave(browser)
    way = send(browser, "/sites/new/", form)
    assert len(str(dict(browser.session.items()))) < 1000
    enter(browser, people.ivan, way)
    assert NOT_DONE in browser.get("/sites/new/", follow=True).content.decode()


def test_the_largest_field_of_any_form_is_kept() -> None:
    assert library.MAX_CHARACTERS + 10_000 <= past_forms.MOST_KEPT


def test_who_is_not_signed_in_fills_no_store_of_sessions(people: People, browser: Client) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **basics_form("Quay Court")}
    before = Session.objects.count()
    for _again in range(30):
        Client().post("/sites/new/", form)
    assert Session.objects.count() - before <= throttle.FORMS.size + 1


def test_an_old_token_and_one_of_somebody_who_is_gone_keep_nothing(people: People, browser: Client) -> None:
    enter(browser, people.ivan)
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **basics_form("Quay Court")}
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
    form = {**form_in(browser.get("/sites/new/").content, "postal_code"), **basics_form("Quay Court")}
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
