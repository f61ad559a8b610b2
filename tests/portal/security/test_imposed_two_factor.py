"""The second factor is imposed by a firm, switched off and changed (R7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AuditEvent, Membership, Organization
from tests.mails import sent_to
from tests.people import NOW, PASSWORD
from tests.portal.html import assert_clean
from tests.portal.signed_in import code_for, code_of, codes_on, enter, key_on, switch_on, wrong_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
WAY_IN = "/sign-in/code/?next=/settings/"


@pytest.fixture
def clock():
    """The time stands until a test moves it on."""
    with time_machine.travel(NOW, tick=False) as standing:
        yield standing


@pytest.mark.rule("R7")
def test_imposed_two_factor_means_no_session_without_it(people, clock):
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=True)
    for person in (people.ivan, people.tess):
        client = enter(person)
        for path in ("/", "/sites/", "/settings/", "/settings/tokens/", "/settings/password/", "/dashboard/"):
            assert client.get(path)["Location"] == f"/settings/security/?next={path}", path
            assert client.post(path).status_code == 302
        assert client.post("/settings/security/sessions/end-others/")["Location"].startswith(
            "/settings/security/?next="
        )
        assert client.get("/help/").status_code == 200
        page = client.get("/settings/security/?next=/sites/")
        assert page.status_code == 200
        assert "has to use two-factor authentication" in page.content.decode()
        assert "Where you are signed in" not in page.content.decode()
        assert_clean(page.content)
        signed, key = key_on(page.content.decode())
        client.post(
            "/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD, "next": "/sites/"}
        )
        assert client.get("/sites/").status_code == 302  # not yet
        answer = client.post("/settings/security/on/", {"kept": "on", "next": "/sites/"})
        assert answer["Location"] == "/sites/"
        assert client.get("/sites/").status_code == 200
        # And from now on each session needs the code.
        assert enter(person).get("/sites/")["Location"] == "/sign-in/code/?next=/sites/"
    assert enter(people.petra).get("/sites/").status_code == 200  # another firm, though below


@pytest.mark.rule("R7")
def test_who_is_inside_when_it_is_imposed_is_stopped_at_the_next_page(people, clock):
    client = enter(people.ivan)
    assert client.get("/sites/").status_code == 200
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=True)
    assert client.get("/sites/")["Location"] == "/settings/security/?next=/sites/"
    assert client.post("/sign-out/").status_code == 302


@pytest.mark.rule("R7")
def test_switching_to_a_firm_that_demands_it_asks_for_it(people, clock):
    Organization.objects.filter(pk=people.ines.firm.pk).update(require_2fa=True)
    second = Membership.objects.create(user=people.ivan.membership.user, organization=people.ines.firm, joined_at=NOW)
    client = enter(people.ivan)
    assert client.get("/sites/").status_code == 200
    client.post("/membership/", {"membership": second.pk})
    assert client.get("/sites/")["Location"] == "/settings/security/?next=/sites/"
    client.post("/membership/", {"membership": people.ivan.membership.pk})
    assert client.get("/sites/").status_code == 200


@pytest.mark.rule("R7")
def test_imposed_two_factor_can_not_be_switched_off(people, clock):
    switch_on(people.ivan, now=NOW)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=True)
    client = enter(people.ivan)
    client.post("/sign-in/code/", {"code": code_of(people.ivan)})
    clock.shift(timedelta(seconds=30))
    page = client.get("/settings/security/").content.decode()
    assert "/settings/security/off/" not in page
    answer = client.post("/settings/security/off/", {"off-password": PASSWORD, "off-code": code_of(people.ivan)})
    assert answer.status_code == 422
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at == NOW
    assert TOTPDevice.objects.filter(confirmed=True).count() == 1


def verified(person, clock) -> Client:
    client = enter(person)
    client.post("/sign-in/code/", {"code": code_of(person)})
    clock.shift(timedelta(seconds=30))
    return client


def test_switching_off_needs_password_and_code(people, clock):
    switch_on(people.ivan, now=NOW)
    client = verified(people.ivan, clock)
    right = code_of(people.ivan)
    for password, code in (("wrong horse battery", right), (PASSWORD, wrong_for(right)), (PASSWORD, ""), ("", right)):
        answer = client.post("/settings/security/off/", {"off-password": password, "off-code": code})
        assert answer.status_code == 422
        assert_clean(answer.content)
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at == NOW
    assert TOTPDevice.objects.get().throttling_failure_count == 1  # a refusal does not take the count back
    clock.shift(timedelta(seconds=30))
    answer = client.post("/settings/security/off/", {"off-password": PASSWORD, "off-code": code_of(people.ivan)})
    assert answer["Location"] == "/settings/security/"
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert enter(people.ivan).get("/settings/").status_code == 200
    assert "Two-factor authentication is off" in sent_to(people.ivan.email)
    assert AuditEvent.objects.get(action="two_factor.off").after == {"on": False}


def test_an_open_session_is_no_place_to_guess_the_password(people, clock):
    switch_on(people.ivan, now=NOW)
    client = verified(people.ivan, clock)
    guesses = [
        client.post("/settings/security/off/", {"off-password": f"guess {n}", "off-code": "000000"}).status_code
        for n in range(6)
    ]
    assert guesses == [422, 422, 422, 422, 429, 429]
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at == NOW


def test_new_recovery_codes_replace_the_old_ones(people, clock):
    old = switch_on(people.ivan, now=NOW)
    client = verified(people.ivan, clock)
    answer = client.post("/settings/security/codes/", {"renew-password": PASSWORD, "renew-code": code_of(people.ivan)})
    new = codes_on(answer.content.decode())
    assert answer.status_code == 200
    assert_clean(answer.content)
    assert len(new) == 8
    assert enter(people.ivan).post("/sign-in/code/", {"code": old[0]}).status_code == 422
    clock.shift(timedelta(seconds=2))
    assert enter(people.ivan).post("/sign-in/code/", {"code": new[0]}).status_code == 302
    assert new[1] not in client.get("/settings/security/").content.decode()
    assert "You have new recovery codes" in sent_to(people.ivan.email)
