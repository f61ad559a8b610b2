"""The page behind an invitation (R2, R6)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts import actions
from accounts.models import Invitation, Membership, User
from smartplus.portal.users import lists
from tests.accounts.invited import ELIN, everything, invite, token_of_last_mail
from tests.guards.pages import without_token
from tests.people import NOW, PASSWORD, People
from tests.portal.html import assert_clean


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.rule("R6")
def test_the_link_lets_a_person_set_a_password_and_work_at_once(people: People) -> None:
    invite(people.ivan)
    client, address = Client(), f"/invitation/{token_of_last_mail()}/"
    page = client.get(address)
    assert page.status_code == 200
    assert "Join Hafen Intercom GmbH" in page.content.decode()
    assert_clean(page.content)
    for first, second, said in (
        ("short", "short", "at least 12"),
        (PASSWORD, PASSWORD + "x", "not the same"),
        (ELIN, ELIN, "too similar"),
    ):
        refused = client.post(address, {"name": "Elin", "password1": first, "password2": second})
        assert refused.status_code == 422
        assert said in refused.content.decode()
    assert SESSION_KEY not in client.session
    answer = client.post(address, {"name": "Elin", "password1": PASSWORD, "password2": PASSWORD})
    assert answer["Location"] == "/"
    user = User.objects.get(email_key=ELIN)
    assert (client.session[SESSION_KEY], user.confirmed_at) == (str(user.pk), NOW)
    assert client.session["membership"] == user.memberships.get().pk


@pytest.mark.rule("R6")
def test_the_first_sign_in_with_a_password_confirms_the_address(people: People) -> None:
    """Passwords come by mail only, through an invitation or a reset: who has one owns the mailbox."""
    user = people.dora.membership.user
    assert user.confirmed_at is None
    Client().post("/sign-in/", {"username": people.dora.email, "password": "wrong horse battery"})
    user.refresh_from_db()
    assert user.confirmed_at is None
    Client().post("/sign-in/", {"username": people.dora.email, "password": PASSWORD})
    user.refresh_from_db()
    assert user.confirmed_at == NOW
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        Client().post("/sign-in/", {"username": people.dora.email, "password": PASSWORD})
    user.refresh_from_db()
    assert user.confirmed_at == NOW


def test_looking_at_the_link_changes_nothing(people: People) -> None:
    invite(people.ivan)
    token = token_of_last_mail()
    before = everything()
    for _ in range(3):
        assert Client().get(f"/invitation/{token}/").status_code == 200
        assert Client().head(f"/invitation/{token}/").status_code == 200
    assert everything() == before
    assert Invitation.objects.get().accepted_at is None


def test_used_expired_replaced_and_invented_links_get_the_same_page(people: People) -> None:
    made = invite(people.ivan)
    replaced = token_of_last_mail()
    actions.resend_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    used = token_of_last_mail()
    actions.accept_invitation(token=used, user=None, name="Elin", password=PASSWORD, now=NOW)
    invite(people.ivan, email="other@hafen.example")
    expired = token_of_last_mail()
    Invitation.objects.filter(email="other@hafen.example").update(expires_at=NOW)
    pages = set()
    for token in (replaced, used, expired, "invented"):
        for answer in (
            Client().get(f"/invitation/{token}/"),
            Client().post(f"/invitation/{token}/", {"name": "E", "password1": PASSWORD, "password2": PASSWORD}),
        ):
            assert answer.status_code == 410
            assert "This link no longer works" in answer.content.decode()
            assert_clean(answer.content)
            pages.add(answer.content.decode().split("<main")[1].split("</main>")[0])
    assert len(pages) == 1


def test_who_has_a_login_signs_in_joins_and_switches(people: People) -> None:
    invite(people.ivan, email=people.ines.email, name="Ines")
    address = f"/invitation/{token_of_last_mail()}/"
    client = Client()
    page = client.get(address).content.decode()
    assert f"/sign-in/?next={address}" in page
    assert_clean(page)
    answer = client.post("/sign-in/", {"username": people.ines.email, "password": PASSWORD, "next": address})
    assert answer["Location"] == address
    assert client.post(address)["Location"] == "/"
    assert "<b>Hafen Intercom GmbH</b>" in client.get("/help/").content.decode()
    assert "Norden Port AS" in client.get("/help/").content.decode()
    assert client.get(address).status_code == 410


def test_somebody_else_who_is_signed_in_can_not_join_by_the_link(people: People, sign_in) -> None:
    made = invite(people.ivan, email=people.ines.email, name="Ines")
    client, address = sign_in(people.mallory), f"/invitation/{token_of_last_mail()}/"
    page = client.get(address).content.decode()
    assert "You are signed in as mallory@zephyr.example" in page
    assert_clean(page)
    client.post(address)
    made.refresh_from_db()
    assert made.joined_at is None


def test_a_new_login_is_not_made_in_somebody_elses_session(people: People, sign_in) -> None:
    """Elin opens her link on the machine where Ivan is signed in: he stays so until somebody signs him out."""
    made = invite(people.ivan)
    client, address = sign_in(people.ivan), f"/invitation/{token_of_last_mail()}/"
    before = everything()
    for answer in (
        client.get(address),
        client.post(address, {"name": "Elin", "password1": PASSWORD, "password2": PASSWORD}),
    ):
        page = answer.content.decode()
        assert "You are signed in as ivan@hafen.example" in page
        assert 'action="/sign-out/"' in page
        assert "password1" not in page
        assert_clean(page)
    assert client.session[SESSION_KEY] == str(people.ivan.membership.user_id)
    assert everything() == before
    client.post("/sign-out/")
    assert client.post(address, {"name": "Elin", "password1": PASSWORD, "password2": PASSWORD})["Location"] == "/"
    assert client.session[SESSION_KEY] == str(made.user_id)


@pytest.mark.rule("R1")
def test_inviting_does_not_tell_whether_an_address_has_a_login_elsewhere(people: People, sign_in) -> None:
    """Ivan invites Mallory, who works in another tree, and somebody nobody knows: his pages read the same."""
    client = sign_in(people.ivan)
    pages = []
    for email in ("mallory@zephyr.example", "nobody@zephyr.example"):
        form = {
            "person-name": "Max Muster",
            "person-email": email,
            "person-language": "en",
            "rights-is_technician": "no",
        }
        answer = client.post("/users/new/?kind=colleague", form)
        made = Membership.objects.get(organization=people.ivan.firm, user__email_key=email)
        listed = "/users/?tab=people&q=zephyr"
        page = client.get(answer["Location"]).content.decode() + client.get(listed).content.decode()
        assert page.count("Max Muster") >= 2
        assert "Mallory Black" not in page
        for text in ("Black", "mallory b"):
            assert (
                "Nobody here matches" in client.get("/users/?tab=people", {"q": text, "tab": "people"}).content.decode()
            )
        page = page.replace(email, "@").replace(f"/{made.pk}/", "/n/")
        pages.append((answer.status_code, without_token(page)))
        actions.cancel_invitation(people.ivan.actor, membership_id=made.pk, now=NOW)
    assert pages[0] == pages[1]


@pytest.mark.rule("R1")
def test_the_new_address_of_a_login_that_has_not_joined_is_told_by_no_search_and_no_key(
    people: People, sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite(people.ivan, email="mallory@zephyr.example", name="Aaa Able")
    login = people.mallory.membership.user
    login.email = "secret-new@zephyr2.example"
    login.save()
    client = sign_in(people.ivan)
    for text in ("secret-ne", "zephyr2", "secret-nx"):
        for address in ("/users/?tab=people", "/search/?x="):
            assert "Aaa Able" not in client.get(f"{address}&q={text}").content.decode(), (address, text)
    for text in ("mallory@zeph", "MALLORY@zephyr.example", "aaa zephyr"):
        for address in ("/users/?tab=people", "/search/?x="):
            assert "Aaa Able" in client.get(f"{address}&q={text}").content.decode(), (address, text)
    monkeypatch.setattr(lists, "OWN_PEOPLE", replace(lists.OWN_PEOPLE, size=1))
    for sort in ("", "name", "-name", "role", "standing", "signed_in"):
        page = client.get(f"/users/?tab=people&sort={sort}").context["page"]
        assert "secret" not in base64.urlsafe_b64decode(f"{page.next}==").decode(), sort
