"""Coming in and going out."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts.models import Membership
from tests.people import PASSWORD
from tests.portal.html import assert_clean

pytestmark = pytest.mark.django_db


def sign_in_as(email, password=PASSWORD, **more):
    client = Client()
    return client, client.post("/sign-in/", {"username": email, "password": password, **more})


@pytest.mark.parametrize("email", ["dora@nordlys.example", "Dora@Nordlys.EXAMPLE", "  dora@nordlys.example "])
def test_dora_signs_in_however_she_writes_her_address(people, email):
    client, response = sign_in_as(email)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert client.session[SESSION_KEY] == str(people.dora.membership.user_id)


def test_without_the_tick_the_session_ends_with_the_browser(people):
    _, response = sign_in_as(people.dora.email)
    assert response.cookies["sessionid"]["max-age"] == ""
    _, response = sign_in_as(people.dora.email, keep="on")
    assert response.cookies["sessionid"]["max-age"] == 14 * 24 * 3600


@pytest.mark.parametrize("email", ["dora@nordlys.example", "nobody@nordlys.example"])
def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(people, email):
    client, response = sign_in_as(email, "wrong horse battery")
    assert "Email and password do not match." in response.content.decode()
    assert SESSION_KEY not in client.session
    assert_clean(response.content)


def test_a_deactivated_person_gets_that_answer_too(people):
    people.dora.membership.user.is_active = False
    people.dora.membership.user.save()
    client, response = sign_in_as(people.dora.email)
    assert "Email and password do not match." in response.content.decode()
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("/settings/password/", "/settings/password/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.example", "/"),
    ],
)
def test_next_never_leaves_the_site(people, wanted, got):
    _, response = sign_in_as(people.dora.email, next=wanted)
    assert response["Location"] == got


def test_who_is_not_signed_in_is_sent_to_the_door_and_back(people):
    client = Client()
    response = client.get("/settings/password/")
    assert response["Location"] == "/sign-in/?next=/settings/password/"
    page = client.get(response["Location"]).content.decode()
    assert '<input type="hidden" name="next" value="/settings/password/">' in page


def test_who_is_signed_in_does_not_see_the_door_again(people, sign_in):
    assert sign_in(people.dora).get("/sign-in/")["Location"] == "/"


def test_signing_out_needs_a_post(people, sign_in):
    client = sign_in(people.dora)
    assert client.get("/sign-out/").status_code == 405
    assert SESSION_KEY in client.session
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert SESSION_KEY not in client.session


def test_a_deactivated_persons_session_dies_with_the_next_request(people, sign_in):
    client = sign_in(people.dora)
    assert client.get("/settings/").status_code == 200
    people.dora.membership.user.is_active = False
    people.dora.membership.user.save()
    assert client.get("/settings/")["Location"] == "/sign-in/?next=/settings/"


def test_who_lost_the_last_membership_is_told_so_and_can_sign_out(people, sign_in):
    client = sign_in(people.petra)
    people.petra.membership.is_active = False
    people.petra.membership.save()
    response = client.get("/settings/")
    assert response.status_code == 403
    assert "No organization is open to you" in response.content.decode()
    assert_clean(response.content)
    assert client.post("/sign-out/").status_code == 302


def test_the_demo_logins_are_shown_in_the_demo_only(db, settings):
    assert b"smartplus-demo" not in Client().get("/sign-in/").content
    settings.DEMO = True
    page = Client().get("/sign-in/").content
    assert b"subdistributor@demo.smartplus.test" in page
    assert_clean(page)


def test_the_door_speaks_german_to_who_asks_for_it(db):
    client = Client()
    response = client.post("/language/", {"language": "de", "next": "https://evil.example/"})
    assert response["Location"] == "/"
    assert '<html lang="de"' in client.get("/sign-in/").content.decode()


# --- for whom one works ---------------------------------------------------------------------------------------------------


def test_ivan_works_for_a_second_firm_and_back(people, sign_in):
    second = Membership.objects.create(
        user=people.ivan.membership.user, organization=people.ines.firm, joined_at=people.ivan.membership.joined_at
    )
    client = sign_in(people.ivan)
    page = client.get("/settings/").content.decode()
    assert "Norden Port AS" in page
    assert client.post("/membership/", {"membership": second.pk})["Location"] == "/"
    assert "<b>Norden Port AS</b>" in client.get("/settings/").content.decode()
    client.post("/membership/", {"membership": people.ivan.membership.pk})
    assert "<b>Hafen Intercom GmbH</b>" in client.get("/settings/").content.decode()


def test_nobody_works_for_a_firm_that_is_not_theirs(people, sign_in):
    client = sign_in(people.ivan)
    closed = Membership.objects.create(
        user=people.ivan.membership.user,
        organization=people.ines.firm,
        is_active=False,
        joined_at=people.ivan.membership.joined_at,
    )
    for foreign in (people.mallory.membership.pk, closed.pk, 0, 10**30, "x", ""):
        assert client.post("/membership/", {"membership": foreign}).status_code == 404
    assert client.get("/membership/").status_code == 405
    assert "<b>Hafen Intercom GmbH</b>" in client.get("/settings/").content.decode()
