"""API tokens in the settings: made, shown once, revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import time_machine

from accounts.models import ApiToken, AuditEvent, Membership, User
from tests.mails import sent_to
from tests.people import NOW
from tests.portal.html import assert_clean

pytestmark = pytest.mark.django_db
FORM = {"name": "Spreadsheet", "scopes": ["read:sites", "read:orders"], "expires_on": ""}


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
    assert token.prefix not in client.get("/settings/tokens/").content.decode()
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


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
