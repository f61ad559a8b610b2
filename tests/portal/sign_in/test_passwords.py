"""A new password, by mail and in the settings."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts import actions
from accounts.models import AuditEvent, Membership, User
from smartplus.portal.settings.forms import PasswordForm, ProfileForm
from smartplus.portal.sign_in.forms import NewPasswordForm
from tests.mails import sent
from tests.people import NOW, PASSWORD, SYSTEM
from tests.portal.html import assert_clean

pytestmark = pytest.mark.django_db
NEW = "staple battery horse"


@pytest.fixture
def meanwhile(monkeypatch):
    """Let another window save `changes` of a person when a form is checked, before it is saved."""

    def arrange(form, person, **changes):
        checked = form.is_valid

        def is_valid(self):
            answer = checked(self)
            User.objects.filter(pk=person.membership.user_id).update(**changes)
            return answer

        monkeypatch.setattr(form, "is_valid", is_valid)

    return arrange


def link_in(message):
    (path,) = re.findall(r"^http://testserver(/password-reset/\S+)$", message.body, re.M)
    return path


def test_petra_sets_a_new_password_by_mail(people):
    client = Client()
    response = client.post("/password-reset/", {"email": "PETRA@holm.example"})
    assert response["Location"] == "/password-reset/sent/"
    (message,) = sent()
    assert message.to == ["petra@holm.example"]
    assert message.subject == "Your new SmartPlus password"
    form = client.get(link_in(message), follow=True)
    assert_clean(form.content)
    response = client.post(form.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
    assert response["Location"] == "/password-reset/done/"
    assert Client().post("/sign-in/", {"username": people.petra.email, "password": NEW}).status_code == 302
    assert "no longer works" in Client().get(link_in(message), follow=True).content.decode()  # it works once


@pytest.mark.rule("R9")
def test_a_password_set_by_mail_is_audited_in_every_firm_the_person_works_for(people, sign_in):
    for firm, change in (
        (people.paul.firm, {}),
        (people.igor.firm, {"is_active": False}),
        (people.ivan.firm, {"joined_at": None}),
    ):
        made = actions.add_member(SYSTEM, organization=firm, email=people.petra.email, name="Petra", now=NOW)
        Membership.objects.filter(pk=made.pk).update(**change)
    client = Client()
    client.post("/password-reset/", {"email": people.petra.email})
    form = client.get(link_in(sent()[0]), follow=True)
    client.post(form.request["PATH_INFO"], {"new_password1": "short", "new_password2": "short"})
    assert not AuditEvent.objects.filter(action="password.reset").exists()
    client.post(form.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
    events = AuditEvent.objects.filter(action="password.reset")
    user = people.petra.membership.user
    assert set(events.values_list("organization", flat=True)) == {people.petra.firm.pk, people.paul.firm.pk}
    assert {(event.user_id, event.subject_id, event.subject_label, str(event.after)) for event in events} == {
        (user.pk, user.pk, f"#{user.pk}", "{'fields': ['password']}")
    }
    assert "Own password set by the link in a mail" in sign_in(people.ivan).get("/settings/audit/").content.decode()


def test_the_link_is_deaf_to_a_forged_host(people, settings):
    settings.ALLOWED_HOSTS = ["*"]
    Client().post("/password-reset/", {"email": people.petra.email}, headers={"host": "evil.example"})
    (message,) = sent()
    assert "evil.example" not in message.body
    assert "http://testserver/password-reset/" in message.body


def test_an_unknown_address_gets_the_same_answer_and_no_mail(people):
    answers = []
    for email in ("nobody@holm.example", people.petra.email):
        response = Client().post("/password-reset/", {"email": email})
        answers.append((response.status_code, response["Location"], response.content))
    assert answers[0] == answers[1]
    assert [message.to for message in sent()] == [["petra@holm.example"]]


def test_a_deactivated_person_gets_no_mail(people):
    people.petra.membership.user.is_active = False
    people.petra.membership.user.save()
    Client().post("/password-reset/", {"email": people.petra.email})
    assert sent() == []


def test_an_invited_person_without_a_password_gets_the_link(people):
    user = people.petra.membership.user
    user.set_unusable_password()
    user.save()
    Client().post("/password-reset/", {"email": people.petra.email})
    assert len(sent()) == 1


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("kü7-Rohr-fön", ""),  # 12 characters are enough: what the next one lacks is its length alone
        ("kü7-Rohr-fö", "This password is too short. It must contain at least 12 characters."),
        ("petra@holm.example", "The password is too similar to the email."),
        ("Petra Holm 26", "The password is too similar to the name."),
        ("123456789012345", "This password is entirely numeric."),
        ("q1w2e3r4t5y6", "This password is too common."),
    ],
)
def test_a_weak_password_is_refused_for_its_own_reason_and_the_old_one_stays(people, weak, why):
    Client().post("/password-reset/", {"email": people.petra.email})
    client = Client()
    form = client.get(link_in(sent()[0]), follow=True)
    response = client.post(form.request["PATH_INFO"], {"new_password1": weak, "new_password2": weak})
    people.petra.membership.user.refresh_from_db()
    if not why:
        assert people.petra.membership.user.check_password(weak)
        return
    assert response.status_code == 200
    said = [
        html.unescape(text)
        for text in re.findall(r'<p class="said lapsed".*?<span>(.*?)</span>', response.content.decode(), re.S)
    ]
    assert why in " ".join(said)
    assert people.petra.membership.user.check_password(PASSWORD)


def test_changing_the_password_keeps_this_session_and_ends_the_others(people, sign_in):
    here, there = sign_in(people.ivan), sign_in(people.ivan)
    response = here.post(
        "/settings/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}, follow=True
    )
    assert "Every other device is signed out." in response.content.decode()
    assert here.get("/settings/").status_code == 200
    assert there.get("/settings/").status_code == 302
    (event,) = AuditEvent.objects.filter(action="password.changed")
    assert event.after == {"fields": ["password"]}
    assert event.user_id == people.ivan.membership.user_id


def test_the_old_password_is_asked_for(people, sign_in):
    response = sign_in(people.ivan).post(
        "/settings/password/", {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    )
    assert response.status_code == 422
    assert_clean(response.content)
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.check_password(PASSWORD)
    assert not AuditEvent.objects.filter(action="password.changed").exists()


def test_guessing_the_current_password_ends_as_at_the_sign_in(people, sign_in):
    client = sign_in(people.ivan)

    def guess(old):
        return client.post("/settings/password/", {"old_password": old, "new_password1": NEW, "new_password2": NEW})

    assert guess("").status_code == 422  # nothing typed is nothing guessed
    assert [guess(f"wrong {n}").status_code for n in range(5)] == [422, 422, 422, 422, 429]
    assert guess(PASSWORD).status_code == 429
    people.ivan.membership.user.refresh_from_db()
    assert people.ivan.membership.user.check_password(PASSWORD)
    assert not AuditEvent.objects.filter(action="password.changed").exists()


# --- two windows at once ----------------------------------------------------------------------------------------------------

CHANGE = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}


def test_saving_the_profile_undoes_no_new_password_and_no_second_factor(people, sign_in, meanwhile):
    client, user = sign_in(people.ivan), people.ivan.membership.user
    meanwhile(ProfileForm, people.ivan, password=make_password(NEW), password_at=NOW, two_factor_at=NOW)
    form = {"name": "Ivan B.", "language": user.language, "time_zone": user.time_zone}
    assert client.post("/settings/", form).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.password_at, user.two_factor_at) == ("Ivan B.", NOW, NOW)
    assert user.check_password(NEW)


def test_a_new_password_undoes_no_second_factor(people, sign_in, meanwhile):
    client = sign_in(people.ivan)
    meanwhile(PasswordForm, people.ivan, two_factor_at=NOW, name="Ivan B.")
    assert client.post("/settings/password/", CHANGE).status_code == 302
    user = User.objects.get(pk=people.ivan.membership.user_id)
    assert (user.name, user.two_factor_at) == ("Ivan B.", NOW)
    assert user.check_password(NEW)


def test_of_two_new_passwords_at_once_the_second_is_refused(people, sign_in, meanwhile):
    client = sign_in(people.ivan)
    meanwhile(PasswordForm, people.ivan, password=make_password("a horse that was first"))
    response = client.post("/settings/password/", CHANGE)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["old_password"]
    user = User.objects.get(pk=people.ivan.membership.user_id)
    assert (user.check_password("a horse that was first"), user.password_at) == (True, None)
    assert not AuditEvent.objects.filter(action="password.changed").exists()


def test_a_password_set_by_mail_undoes_nothing_saved_meanwhile(people, meanwhile):
    client = Client()
    client.post("/password-reset/", {"email": people.petra.email})
    form = client.get(link_in(sent()[0]), follow=True)
    meanwhile(NewPasswordForm, people.petra, two_factor_at=NOW, name="Petra H.")
    client.post(form.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
    user = User.objects.get(pk=people.petra.membership.user_id)
    assert (user.name, user.two_factor_at) == ("Petra H.", NOW)
    assert user.check_password(NEW)
