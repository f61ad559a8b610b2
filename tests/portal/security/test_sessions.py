"""Where one is signed in: listed, ended, and what a new password or a lost membership does to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.actions import sessions
from accounts.models import AuditEvent, Membership, Organization, UserSession
from tests.mails import sent, sent_to
from tests.people import NOW, PASSWORD
from tests.portal.html import assert_clean
from tests.portal.signed_in import FIREFOX, SAFARI, code_of, enter, switch_on

pytestmark = pytest.mark.django_db
NEW = "staple battery horse"
PC: dict[str, Any] = {"headers": {"user-agent": FIREFOX}, "REMOTE_ADDR": "84.17.3.4"}
PHONE: dict[str, Any] = {"headers": {"user-agent": SAFARI}, "REMOTE_ADDR": "2001:db8:aa:bb::1"}


@pytest.fixture
def clock():
    """The time stands until a test moves it on."""
    with time_machine.travel(NOW, tick=False) as standing:
        yield standing


def test_ivan_sees_his_devices_in_words_and_half_their_addresses(people, clock):
    client = enter(people.ivan, **PC)
    clock.shift(timedelta(hours=2))
    enter(people.ivan, **PHONE)
    page = client.get("/settings/security/").content.decode()
    assert_clean(page)
    for words in ("Windows PC", "Firefox 145", "84.17.x.x", "iPhone", "Safari 18", "2001:db8:aa::/48", "This one"):
        assert words in page, words
    for secret in ("84.17.3.4", "2001:db8:aa:bb"):
        assert secret not in page
    assert page.count("This one") == 1
    assert "Sign out the other one" in page
    assert {row.address for row in UserSession.objects.all()} == {"84.17.x.x", "2001:db8:aa::/48"}


def test_a_signed_out_device_is_out_at_once_and_its_session_gone_from_the_store(people, clock):
    here, there = enter(people.ivan, **PC), enter(people.ivan, **PHONE)
    gone = there.session.session_key
    row = UserSession.objects.get(session_key=gone)
    assert here.post("/settings/security/sessions/end/", {"session": row.pk})["Location"] == "/settings/security/"
    assert not Session.objects.filter(session_key=gone).exists()
    assert not UserSession.objects.filter(pk=row.pk).exists()
    assert there.get("/settings/")["Location"] == "/sign-in/?next=/settings/"
    assert here.get("/settings/").status_code == 200
    assert AuditEvent.objects.get(action="session.ended").after == {"sessions": 1}


def test_nobody_ends_a_session_of_somebody_else(people, clock):
    mallory = enter(people.mallory)
    victim = enter(people.ivan)
    theirs = UserSession.objects.get(user=people.ivan.membership.user)
    for number in (theirs.pk, 0, 10**30, "²", "x", ""):
        answer = mallory.post("/settings/security/sessions/end/", {"session": number})
        assert answer.status_code == 404, number
    assert victim.get("/settings/").status_code == 200
    assert not AuditEvent.objects.filter(action="session.ended").exists()


def test_signing_out_everywhere_leaves_this_one_only(people, clock):
    here, *others = [enter(people.ivan) for _ in range(4)]
    dora = enter(people.dora)
    answer = here.post("/settings/security/sessions/end-others/", follow=True)
    assert "3 other devices are signed out." in answer.content.decode()
    assert [one.get("/settings/").status_code for one in others] == [302, 302, 302]
    assert here.get("/settings/").status_code == 200
    assert dora.get("/settings/").status_code == 200
    assert Session.objects.count() == 2
    assert UserSession.objects.count() == 2


def test_last_seen_is_written_once_a_minute_at_most(people, clock, django_assert_max_num_queries):
    client = enter(people.ivan)
    seen = []
    for _ in range(5):
        clock.shift(timedelta(seconds=25))
        client.get("/settings/")
        seen.append((UserSession.objects.get().last_seen_at - NOW).total_seconds())
    assert seen == [0, 0, 75, 75, 75]
    with django_assert_max_num_queries(5):  # session, person, membership, what the menu shows
        client.get("/settings/")


def test_a_session_ends_after_14_days_however_busy(people, clock):
    client = enter(people.ivan, data={"keep": "on"})
    for _ in range(14):
        clock.shift(timedelta(days=1))
        assert client.get("/settings/").status_code == 200
    clock.shift(timedelta(seconds=1))
    assert client.get("/settings/")["Location"] == "/sign-in/?next=/settings/"
    assert not UserSession.objects.exists()


def test_signing_out_removes_the_row(people, clock):
    client = enter(people.ivan)
    client.post("/sign-out/")
    assert not UserSession.objects.exists()
    assert not Session.objects.exists()


def test_a_session_begins_once_the_code_is_shown(people, clock):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    assert not UserSession.objects.exists()
    client.post("/sign-in/code/", {"code": code_of(people.ivan)})
    assert UserSession.objects.get().session_key == client.session.session_key


# --- a new password ---------------------------------------------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions_and_is_told(people, clock):
    here, there = enter(people.ivan, **PC), enter(people.ivan, **PHONE)
    data = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/settings/password/", data).status_code == 302
    assert here.get("/settings/").status_code == 200
    assert there.get("/settings/").status_code == 302
    assert [row.session_key for row in UserSession.objects.all()] == [here.session.session_key]
    assert "Your SmartPlus password was changed" in sent_to(people.ivan.email)
    assert "Changed on 22 Nov 2026." in here.get("/settings/security/").content.decode()


def test_the_session_hash_alone_refuses_whoever_came_in_with_the_old_password(people, clock):
    client = enter(people.ivan)
    user = people.ivan.membership.user
    user.set_password(NEW)
    user.save()
    assert client.get("/settings/")["Location"] == "/sign-in/?next=/settings/"


def test_a_new_password_by_mail_ends_every_session(people, clock):
    import re

    client = enter(people.petra)
    stranger = Client()
    stranger.post("/password-reset/", {"email": people.petra.email})
    (message,) = [one for one in sent() if one.subject == "Your new SmartPlus password"]
    (link,) = re.findall(r"^http://testserver(/password-reset/\S+)$", message.body, re.M)
    form = stranger.get(link, follow=True)
    stranger.post(form.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
    assert client.get("/settings/").status_code == 302
    assert not UserSession.objects.exists()
    assert sent_to(people.petra.email)[-1] == "Your SmartPlus password was changed"


# --- people who are out ---------------------------------------------------------------------------------------------------


def test_a_deactivated_persons_session_dies_with_the_next_request(people, clock):
    client = enter(people.ivan)
    user = people.ivan.membership.user
    user.is_active = False
    user.save()
    assert client.get("/settings/")["Location"] == "/sign-in/?next=/settings/"


@pytest.mark.parametrize("whole_firm", [False, True])
def test_a_removed_members_session_dies_with_the_next_request(people, clock, whole_firm):
    client = enter(people.petra)
    if whole_firm:
        Organization.objects.filter(pk=people.petra.firm.pk).update(is_active=False)
    else:
        Membership.objects.filter(pk=people.petra.membership.pk).update(is_active=False)
    answer = client.get("/settings/")
    assert answer.status_code == 403
    assert "No organization is open to you" in answer.content.decode()
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()
    assert client.get("/settings/")["Location"] == "/sign-in/?next=/settings/"


def test_who_is_removed_from_one_of_two_firms_signs_in_again_for_the_other(people, clock):
    Membership.objects.create(user=people.ivan.membership.user, organization=people.ines.firm, joined_at=NOW)
    client = enter(people.ivan)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=False)
    assert client.get("/settings/")["Location"] == "/sign-in/?next=/settings/"
    assert not Session.objects.exists()
    assert "<b>Norden Port AS</b>" in enter(people.ivan).get("/settings/").content.decode()


# --- a browser not seen before --------------------------------------------------------------------------------------------


def test_a_sign_in_from_a_new_browser_is_told_once_and_the_first_ever_is_not(people, clock):
    subject = "A new sign-in to SmartPlus"
    known = enter(people.ivan, **PC)
    assert sent_to(people.ivan.email) == []
    known.post("/sign-out/")
    enter(people.ivan, known, **PC)
    assert sent_to(people.ivan.email) == []
    enter(people.ivan, **PHONE)
    assert sent_to(people.ivan.email) == [subject]
    body = sent()[-1].body
    assert "iPhone, Safari 18" in body
    assert "2001:db8:aa::/48" in body
    assert "22 Nov 2026, 10:00" in body  # in Berlin
    assert "http://testserver/settings/security/" in body


def test_a_browser_two_people_share_is_known_to_both(people, clock):
    for person in (people.ivan, people.tess):
        enter(person)
    shared = enter(people.ivan)
    enter(people.tess, shared)
    before = len(sent())
    enter(people.ivan, shared)
    enter(people.tess, shared)
    assert len(sent()) == before


def test_a_forged_cookie_makes_no_browser_known(people, clock):
    enter(people.ivan)
    client = Client()
    client.cookies["sp_known"] = f"{people.ivan.membership.user_id}:forged"
    enter(people.ivan, client)
    assert sent_to(people.ivan.email) == ["A new sign-in to SmartPlus"]


def test_the_cookie_is_out_of_reach_of_scripts(people, clock):
    cookie = enter(people.ivan).cookies["sp_known"]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 365 * 24 * 3600


def test_old_sessions_go_by_a_job_and_nobody_who_signs_in_waits_for_it(people, clock):
    old = enter(people.ivan, **PC).session.session_key
    clock.shift(timedelta(days=15))
    here = enter(people.petra, **PHONE)
    assert UserSession.objects.filter(session_key=old).exists()
    assert sessions.forget_old(now=NOW + timedelta(days=15)) == 2  # the sign-in and what the store kept
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [here.session.session_key]
    assert list(Session.objects.values_list("session_key", flat=True)) == [here.session.session_key]
