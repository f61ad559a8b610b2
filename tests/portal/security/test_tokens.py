"""API tokens in the settings: made, shown once, revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.actions import tokens, two_factor
from accounts.errors import Refused
from accounts.models import ApiToken, AuditEvent, Membership, User
from accounts.models.tokens import RevokedFor
from tests.mails import sent, sent_to
from tests.people import NOW, PASSWORD
from tests.portal.html import assert_clean
from tests.portal.signed_in import code_of, enter, switch_on

pytestmark = pytest.mark.django_db
FORM = {"name": "Spreadsheet", "scopes": ["read:sites", "read:orders"], "expires_on": "", "password": PASSWORD}


def text_on(page: bytes) -> str:
    found = re.search(r'<code class="token">(sp_[\w-]+)</code>', page.decode())
    assert found
    return found.group(1)


def test_ivan_makes_a_token_and_sees_it_once(people, sign_in, time_machine_at_noon):
    client = sign_in(people.ivan)
    answer = client.post("/settings/tokens/", FORM)
    assert answer.status_code == 200
    assert_clean(answer.content)
    text = text_on(answer.content)
    assert len(text) == 3 + 43  # 256 bits
    token = ApiToken.objects.get()
    assert (token.membership, token.scopes) == (people.ivan.membership, ["read:sites", "read:orders"])
    assert token.expires_at is None
    later = client.get("/settings/tokens/").content.decode()
    assert text not in later
    assert f"{token.prefix}…" in later
    assert "never" in later
    event = AuditEvent.objects.get(action="token.created")
    assert event.after == {"name": "Spreadsheet", "scopes": ["read:sites", "read:orders"]}
    assert sent_to(people.ivan.email) == ["An API token was made"]


def test_nothing_in_the_database_opens_the_door(people, sign_in):
    text = text_on(sign_in(people.ivan).post("/settings/tokens/", FORM).content)
    token = ApiToken.objects.get()
    assert text not in (token.digest, token.prefix, token.name)
    assert text.startswith(token.prefix)
    assert len(token.prefix) == 11  # 8 of 43 characters: the rest can't be tried out
    assert re.fullmatch(r"[0-9a-f]{64}", token.digest)
    assert text not in str(list(AuditEvent.objects.values()))


def test_the_last_day_counts_where_the_person_is(people, sign_in, time_machine_at_noon):
    people.ivan.membership.user.time_zone = "Europe/Berlin"
    people.ivan.membership.user.save()
    client = sign_in(people.ivan)
    client.post("/settings/tokens/", {**FORM, "expires_on": "2026-11-30"})
    token = ApiToken.objects.get()
    assert token.expires_at is not None
    assert token.expires_at.replace(microsecond=0) == datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"scopes": []}, {"scopes": ["write:everything"]}, {"expires_on": "2026-11-21"}, {"name": "x" * 61}],
)
def test_a_token_needs_a_name_a_scope_and_a_future(people, sign_in, time_machine_at_noon, change):
    answer = sign_in(people.ivan).post("/settings/tokens/", {**FORM, **change})
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert not ApiToken.objects.exists()
    assert not AuditEvent.objects.filter(action="token.created").exists()


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("last", ["9999-12-31", "2036-11-25"])
def test_a_token_ends_within_ten_years(people, sign_in, time_machine_at_noon, zone, last):
    User.objects.filter(pk=people.ivan.membership.user_id).update(time_zone=zone)
    client = sign_in(people.ivan)
    answer = client.post("/settings/tokens/", {**FORM, "expires_on": last})
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"expires_on": ["Choose a day within the next ten years."]}
    assert not ApiToken.objects.exists()
    assert client.post("/settings/tokens/", {**FORM, "expires_on": "2036-11-21"}).status_code == 200


def test_a_technician_gets_no_scope_for_orders(people, sign_in):
    client = sign_in(people.tess)
    assert "read:orders" not in client.get("/settings/tokens/").content.decode()
    assert client.post("/settings/tokens/", FORM).status_code == 422
    assert not ApiToken.objects.exists()
    assert client.post("/settings/tokens/", {**FORM, "scopes": ["read:sites"]}).status_code == 200


def test_who_sees_no_invoices_gets_no_scope_for_orders(people, sign_in):
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_invoices=False)
    client = sign_in(people.ivan)
    assert "read:orders" not in client.get("/settings/tokens/").content.decode()
    assert client.post("/settings/tokens/", FORM).status_code == 422


def test_a_token_is_revoked_for_good(people, sign_in):
    client = sign_in(people.ivan)
    client.post("/settings/tokens/", FORM)
    token = ApiToken.objects.get()
    with time_machine.travel(NOW, tick=False):
        assert client.post("/settings/tokens/revoke/", {"token": token.pk})["Location"] == "/settings/tokens/"
    client.post("/settings/tokens/revoke/", {"token": token.pk})
    token.refresh_from_db()
    assert token.revoked_at == NOW
    page = client.get("/settings/tokens/").content.decode()
    assert f'name="token" value="{token.pk}"' not in page
    assert "revoked by you" in page
    (event,) = AuditEvent.objects.filter(action="token.revoked")
    assert event.after == {"revoked": True, "revoked_for": "owner"}


def test_nobody_sees_or_revokes_the_tokens_of_others(people, sign_in):
    sign_in(people.ivan).post("/settings/tokens/", FORM)
    token = ApiToken.objects.get()
    for person in (people.mallory, people.dora, people.tess, people.olga):
        client = sign_in(person)
        assert token.prefix not in client.get("/settings/tokens/").content.decode()
        for number in (token.pk, 0, 10**30, "²", ""):
            assert client.post("/settings/tokens/revoke/", {"token": number}).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_member_has_twenty_tokens_at_most(people, sign_in):
    client = sign_in(people.ivan)
    for _ in range(20):
        assert client.post("/settings/tokens/", FORM).status_code == 200
    assert client.post("/settings/tokens/", FORM).status_code == 422
    assert ApiToken.objects.count() == 20


# --- the proof, and what ends tokens -----------------------------------------------------------------------------------------


def made(person, **more):
    return tokens.create_token(
        person.actor, name="Spreadsheet", scopes=["read:sites"], expires_at=None, password=PASSWORD, now=NOW, **more
    )[0]


@pytest.mark.parametrize("password", ["", "not the password"])
def test_a_session_left_open_is_not_enough_for_a_token(people, sign_in, password):
    answer = sign_in(people.ivan).post("/settings/tokens/", {**FORM, "password": password})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["password"]
    assert not ApiToken.objects.exists()
    assert not AuditEvent.objects.filter(action="token.created").exists()


def test_with_a_second_factor_its_code_is_asked_for_too(people):
    with time_machine.travel(NOW, tick=False):
        switch_on(people.ivan, now=NOW)
        client = enter(people.ivan)
        client.post("/sign-in/code/", {"code": code_of(people.ivan)})
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        assert 'name="code"' in client.get("/settings/tokens/").content.decode()
        for code in ("", "000000"):
            answer = client.post("/settings/tokens/", {**FORM, "code": code})
            assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["code"])
        assert not ApiToken.objects.exists()
    with time_machine.travel(NOW + timedelta(minutes=4), tick=False):
        assert client.post("/settings/tokens/", {**FORM, "code": code_of(people.ivan)}).status_code == 200
    assert ApiToken.objects.count() == 1


def test_guessing_the_password_at_the_tokens_ends_like_guessing_codes(people, sign_in):
    client = sign_in(people.ivan)
    with time_machine.travel(NOW, tick=False):
        codes = [client.post("/settings/tokens/", {**FORM, "password": "x"}).status_code for _ in range(6)]
        assert codes == [422, 422, 422, 422, 429, 429]
        assert client.post("/settings/tokens/", FORM).status_code == 429
    assert not ApiToken.objects.exists()


def new_password(people, sign_in):
    form = {"old_password": PASSWORD, "new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    assert sign_in(people.ivan).post("/settings/password/", form).status_code == 302


def password_by_mail(people, sign_in):
    client = Client()
    client.post("/password-reset/", {"email": people.ivan.email})
    (link,) = re.findall(r"^http://testserver(/password-reset/\S+)$", str(sent()[-1].body), re.M)
    form = client.get(link, follow=True)
    new = {"new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    assert client.post(form.request["PATH_INFO"], new).status_code == 302


def second_factor_reset(people, sign_in):
    switch_on(people.ivan, now=NOW)
    two_factor.reset_two_factor(people.dora.actor, membership_id=people.ivan.membership.pk, now=NOW)


def signed_out_everywhere(people, sign_in):
    client = sign_in(people.ivan)
    assert "also revokes your API token" in client.get("/settings/security/").content.decode()
    answer = client.post("/settings/security/sessions/end-others/", follow=True)
    assert "1 API token is revoked." in answer.content.decode()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (new_password, "password"),
        (password_by_mail, "password_reset"),
        (second_factor_reset, "second_factor"),
        (signed_out_everywhere, "signed_out"),
    ],
)
def test_what_ends_the_sessions_ends_the_tokens_with_its_reason(people, sign_in, happens, reason):
    token, other = made(people.ivan), made(people.dora)
    with time_machine.travel(NOW, tick=False):
        happens(people, sign_in)
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_for) == (NOW, reason)
    (event,) = AuditEvent.objects.filter(action="token.revoked")
    assert (event.subject_id, event.organization_id) == (token.pk, people.ivan.firm.pk)
    assert event.after == {"revoked": True, "revoked_for": reason}
    (mail,) = [message for message in sent() if message.subject == "Your API tokens were revoked"]
    assert mail.to == [people.ivan.email]
    assert f"Spreadsheet ({token.prefix}…), Hafen Intercom GmbH" in mail.body
    assert str(RevokedFor(reason).label) in mail.body
    other.refresh_from_db()
    assert other.revoked_at is None


def test_the_tokens_page_says_what_was_revoked_and_why(people, sign_in, time_machine_at_noon):
    made(people.ivan)
    client = sign_in(people.ivan)
    client.post("/settings/security/sessions/end-others/")
    page = client.get("/settings/tokens/").content.decode()
    assert "Revoked lately" in page
    assert "you signed out everywhere" in page


def test_a_password_changed_after_the_proof_makes_no_token(people, monkeypatch):
    real = two_factor.prove

    def prove(user, **proof):
        real(user, **proof)
        User.objects.filter(pk=user.pk).update(password="another")

    monkeypatch.setattr(two_factor, "prove", prove)
    with pytest.raises(Refused):
        made(people.ivan)
    assert not ApiToken.objects.exists()
