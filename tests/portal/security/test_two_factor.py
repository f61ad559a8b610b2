"""The second factor: set up, asked for, imposed, lost and switched off."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AuditEvent
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


def test_ivan_sets_it_up_in_three_steps(people, clock):
    client = enter(people.ivan)
    page = client.get("/settings/security/").content.decode()
    assert_clean(page)
    assert 'class="qr"' in page
    assert "<svg viewBox=" in page
    assert not TOTPDevice.objects.exists()  # looking writes nothing
    signed, key = key_on(page)
    second = client.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    assert second.status_code == 200
    codes = codes_on(second.content.decode())
    assert_clean(second.content)
    assert len(set(codes)) == 8
    assert "data:text/plain;charset=utf-8,SmartPlus%20recovery%20codes" in second.content.decode()
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at is None  # not before the codes are kept
    done = client.post("/settings/security/on/", {"kept": "on"}, follow=True)
    assert "On since 22 Nov 2026" in done.content.decode()
    assert codes[0] not in done.content.decode()
    assert_clean(done.content)
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at == NOW
    assert client.get("/settings/").status_code == 200  # this session has just shown the code
    assert sent_to(people.ivan.email) == ["Two-factor authentication is on"]
    event = AuditEvent.objects.get(action="two_factor.on")
    assert (event.before, event.after, event.user_id) == ({"on": False}, {"on": True}, people.ivan.membership.user_id)


def test_a_session_left_open_does_not_shut_its_owner_out(people, clock):
    """Somebody at Ivan's desk has the session and an app of their own, but not the password."""
    client = enter(people.ivan)
    page = client.get("/settings/security/").content.decode()
    signed, key = key_on(page)
    answers = [
        client.post("/settings/security/", {"key": signed, "code": code_for(key), "password": password})
        for password in ("", "wrong horse battery", "guess 2", "guess 3", "guess 4", "guess 5", PASSWORD)
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 422, 429, 429]
    assert "This is not your password." in answers[1].content.decode()
    assert key_on(answers[1].content.decode()) == (signed, key)
    assert_clean(answers[1].content)
    assert not TOTPDevice.objects.exists()
    clock.shift(timedelta(minutes=16))
    signed, key = key_on(client.get("/settings/security/").content.decode())
    assert (
        client.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD}).status_code
        == 200
    )


def test_the_third_step_is_taken_where_the_second_was(people, clock):
    """Ivan was called away between the steps: a session open elsewhere gets neither his codes nor the last click."""
    here, there = enter(people.ivan), enter(people.ivan)
    signed, key = key_on(here.get("/settings/security/").content.decode())
    here.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    kept = set(StaticToken.objects.values_list("token", flat=True))
    for data in ({}, {"kept": "on"}):
        answer = there.post("/settings/security/on/", data, follow=True)
        assert codes_on(answer.content.decode()) == []
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at is None
    assert set(StaticToken.objects.values_list("token", flat=True)) == kept
    here.post("/settings/security/on/", {"kept": "on"})
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at == NOW


def test_a_wrong_code_sets_nothing_up_and_the_same_picture_stays(people, clock):
    client = enter(people.ivan)
    signed, key = key_on(client.get("/settings/security/").content.decode())
    answer = client.post("/settings/security/", {"key": signed, "code": wrong_for(code_for(key)), "password": PASSWORD})
    assert answer.status_code == 422
    assert key_on(answer.content.decode()) == (signed, key)
    assert_clean(answer.content)
    assert not TOTPDevice.objects.exists()


def test_a_secret_of_somebody_else_or_of_yesterday_is_not_taken(people, clock):
    client = enter(people.ivan)
    signed, key = key_on(client.get("/settings/security/").content.decode())
    other = enter(people.dora).post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    assert other.status_code == 422
    clock.shift(timedelta(hours=1, seconds=1))
    late = client.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    assert late.status_code == 422
    assert "open for too long" in late.content.decode()
    assert key_on(late.content.decode())[1] != key
    assert not TOTPDevice.objects.exists()


def test_who_does_not_keep_the_codes_gets_others_and_it_stays_off(people, clock):
    client = enter(people.ivan)
    signed, key = key_on(client.get("/settings/security/").content.decode())
    first = codes_on(
        client.post(
            "/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD}
        ).content.decode()
    )
    answer = client.post("/settings/security/on/", {})
    assert answer.status_code == 422
    assert_clean(answer.content)
    second = codes_on(answer.content.decode())
    assert len(second) == 8
    assert not set(first) & set(second)
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at is None


def test_nothing_is_switched_on_without_an_app(people, clock):
    client = enter(people.ivan)
    for data in ({"kept": "on"}, {}):
        answer = client.post("/settings/security/on/", data, follow=True)
        assert "Scan the code and type the six digits first." in answer.content.decode()
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.two_factor_at is None


def test_recovery_codes_are_not_readable_in_the_database(people, clock):
    codes = switch_on(people.ivan, now=NOW)
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 8
    assert not kept & {code.replace("-", "") for code in codes}


def test_the_password_alone_opens_nothing_any_more(people, clock):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    for path in ("/", "/settings/", "/settings/security/", "/settings/tokens/", "/sites/", "/help/", "/accept/"):
        assert client.get(path)["Location"] == f"/sign-in/code/?next={path}", path
    assert client.post("/settings/password/", {})["Location"] == "/sign-in/code/?next=/settings/password/"
    assert client.post("/membership/", {"membership": people.ivan.membership.pk})["Location"].startswith(
        "/sign-in/code/"
    )
    fragment = client.get("/sites/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["X-Sign-In"]) == (401, "/sign-in/code/?next=/sites/")
    # Pages that are not there, and public ones, name nobody.
    for path in ("/nowhere/", "/terms/", "/privacy/"):
        assert "Ivan Brandt" not in client.get(path).content.decode(), path
    assert client.post("/sign-out/").status_code == 302


def test_the_code_leads_where_one_wanted_to_go(people, clock):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan, data={"next": "/settings/"})
    page = client.get(WAY_IN)
    assert '<input type="hidden" name="next" value="/settings/">' in page.content.decode()
    assert_clean(page.content)
    key_before = client.session.session_key
    answer = client.post("/sign-in/code/", {"code": code_of(people.ivan), "next": "/settings/"})
    assert answer["Location"] == "/settings/"
    assert client.session.session_key != key_before
    assert client.get("/settings/").status_code == 200
    assert client.get(WAY_IN)["Location"] == "/settings/"


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_next_never_leaves_the_site_after_the_code(people, clock, evil):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    assert f'name="next" value="{evil}' not in client.get("/sign-in/code/", {"next": evil}).content.decode()
    assert client.post("/sign-in/code/", {"code": code_of(people.ivan), "next": evil})["Location"] == "/"


def test_a_code_works_once_also_in_another_session(people, clock):
    switch_on(people.ivan, now=NOW)
    first, second = enter(people.ivan), enter(people.ivan)
    code = code_of(people.ivan)
    assert first.post("/sign-in/code/", {"code": code}).status_code == 302
    assert second.post("/sign-in/code/", {"code": code}).status_code == 422
    assert second.get("/settings/").status_code == 302
    clock.shift(timedelta(seconds=30))
    assert second.post("/sign-in/code/", {"code": code_of(people.ivan)}).status_code == 302


def test_the_code_that_set_the_app_up_does_not_sign_in(people, clock):
    client = enter(people.ivan)
    signed, key = key_on(client.get("/settings/security/").content.decode())
    client.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    client.post("/settings/security/on/", {"kept": "on"})
    other = enter(people.ivan)
    assert other.post("/sign-in/code/", {"code": code_for(key), "password": PASSWORD}).status_code == 422


@pytest.mark.parametrize(("late_s", "status"), [(29, 302), (30, 302), (59, 302), (60, 422), (-30, 302), (-31, 422)])
def test_a_clock_may_be_off_by_one_step(people, clock, late_s, status):
    switch_on(people.ivan, now=NOW)  # NOW begins a step
    client = enter(people.ivan)
    code = code_of(people.ivan)
    clock.shift(timedelta(seconds=late_s))
    assert client.post("/sign-in/code/", {"code": code}).status_code == status


def test_a_recovery_code_works_once_however_it_is_typed(people, clock):
    codes = switch_on(people.ivan, now=NOW)
    typed = codes[0].lower().replace("-", " ")
    assert enter(people.ivan).post("/sign-in/code/", {"code": typed}).status_code == 302
    assert enter(people.ivan).post("/sign-in/code/", {"code": codes[0]}).status_code == 422
    clock.shift(timedelta(seconds=1))
    assert enter(people.ivan).post("/sign-in/code/", {"code": codes[1]}).status_code == 302
    assert StaticToken.objects.count() == 6
    assert sent_to(people.ivan.email).count("A recovery code was used") == 2


@pytest.mark.parametrize(
    "nonsense", ["", "12345", "1234567", "abcdef", "１２３４５６", "²23456", "0x1234", "-12345", "9" * 300]
)
def test_what_is_no_code_is_refused(people, clock, nonsense):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    answer = client.post("/sign-in/code/", {"code": nonsense})
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert client.get("/settings/").status_code == 302


def test_who_guesses_codes_is_held_up_and_the_right_password_is_no_fresh_start(people, clock):
    switch_on(people.ivan, now=NOW)
    statuses = []
    for _ in range(5):
        client = enter(people.ivan)  # each time with the right password
        clock.shift(timedelta(seconds=40))
        statuses.append(client.post("/sign-in/code/", {"code": wrong_for(code_of(people.ivan))}).status_code)
    assert statuses == [422, 422, 422, 422, 429]
    client = enter(people.ivan)
    answer = client.post("/sign-in/code/", {"code": code_of(people.ivan)})
    assert answer.status_code == 429
    assert "rests for 15 minutes" in answer.content.decode()
    assert "a new password" not in answer.content.decode()
    assert_clean(answer.content)
    assert client.get("/settings/").status_code == 302
    assert "Somebody may know your password" in sent_to(people.ivan.email)
    clock.shift(timedelta(minutes=15, seconds=1))
    assert client.post("/sign-in/code/", {"code": code_of(people.ivan)}).status_code == 302


def test_from_many_addresses_the_wait_doubles_but_ends(people, clock):
    switch_on(people.ivan, now=NOW)
    for number in range(30):
        client = enter(people.ivan, REMOTE_ADDR=f"203.0.113.{number}")
        wrong = wrong_for(code_of(people.ivan))
        client.post("/sign-in/code/", {"code": wrong}, REMOTE_ADDR=f"203.0.113.{number}")
        clock.shift(timedelta(hours=1))
    device = TOTPDevice.objects.get()
    assert device.throttling_failure_count == 12
    client = enter(people.ivan)
    assert client.post("/sign-in/code/", {"code": code_of(people.ivan)}).status_code == 302  # the owner is not shut out


def test_a_wrong_code_makes_even_the_right_one_wait(people, clock):
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    client.post("/sign-in/code/", {"code": wrong_for(code_of(people.ivan))})
    assert client.post("/sign-in/code/", {"code": code_of(people.ivan)}).status_code == 422
    clock.shift(timedelta(seconds=2))
    assert client.post("/sign-in/code/", {"code": code_of(people.ivan)}).status_code == 302


def test_other_sessions_are_asked_for_a_code_once_it_is_on(people, clock):
    here, there = enter(people.ivan), enter(people.ivan)
    signed, key = key_on(here.get("/settings/security/").content.decode())
    here.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    assert there.get("/settings/").status_code == 200
    here.post("/settings/security/on/", {"kept": "on"})
    assert there.get("/settings/")["Location"] == WAY_IN


def test_a_new_password_by_mail_is_no_way_around_the_code(people, clock):
    switch_on(people.ivan, now=NOW)
    user = people.ivan.membership.user
    user.set_password("staple battery horse")
    user.save()
    client = enter(people.ivan, password="staple battery horse")
    assert client.get("/settings/")["Location"] == WAY_IN


@pytest.mark.parametrize(
    "wanted", ["abc", "sites", "sites/", "?next=/", "https:sites", "//evil.example/", "/\\\\evil.example"]
)
def test_what_is_no_path_of_ours_leads_home(people, clock, wanted):
    inside = enter(people.petra)
    assert inside.get("/sign-in/code/", {"next": wanted})["Location"] == "/"
    assert (
        inside.post("/accept/", {"terms": "on", "privacy": "on", "shown": "privacy-1 terms-1", "next": wanted})[
            "Location"
        ]
        == "/"
    )
    switch_on(people.ivan, now=NOW)
    client = enter(people.ivan)
    clock.shift(60)
    assert client.post("/sign-in/code/", {"code": code_of(people.ivan), "next": wanted})["Location"] == "/"
    assert client.get("/sign-in/code/", {"next": "/sites/?tab=1"})["Location"] == "/sites/?tab=1"


@pytest.mark.parametrize("wanted", ["abc", "sites"])
def test_switching_it_on_leads_to_no_route_by_name(people, clock, wanted):
    client = enter(people.ivan)
    signed, key = key_on(client.get("/settings/security/").content.decode())
    client.post("/settings/security/", {"key": signed, "code": code_for(key), "password": PASSWORD})
    answer = client.post("/settings/security/on/", {"kept": "on", "next": wanted})
    assert answer["Location"] == "/settings/security/"
