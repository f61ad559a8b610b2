"""Who gets in with a token, and who does not any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from accounts import actions
from accounts.actions import two_factor
from accounts.models import ApiToken, AuditEvent, Membership, Organization, User
from accounts.models.tokens import digest
from tests.people import NOW
from tests.portal.signed_in import switch_on

pytestmark = pytest.mark.django_db
SHUT = (401, {"detail": "A valid token is needed."})


@pytest.fixture(autouse=True)
def clock():
    """The time stands until a test moves it on."""
    with time_machine.travel(NOW, tick=False) as standing:
        yield standing


def seen(answer):
    return answer.status_code, answer.json()


def test_the_token_says_whom_it_stands_for(people, ask, token_of):
    answer = ask(token_of(people.ivan, ("read:sites",), expires_at=NOW + timedelta(days=1)), "me")
    assert seen(answer) == (
        200,
        {
            "email": "ivan@hafen.example",
            "name": "Ivan Brandt",
            "role": "installer",
            "organization_id": people.ivan.firm.pk,
            "organization": "Hafen Intercom GmbH",
            "token": "Test",
            "scopes": ["read:sites"],
            "expires_at": "2026-11-23T09:00:00Z",
        },
    )
    assert answer["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("given", [None, "", "sp_", "sp_" + "x" * 43, "sp_é", "nonsense"])
def test_without_a_token_that_works_there_is_nothing(people, ask, token_of, given):
    token_of(people.ivan)
    for path in ("me", "sites", "sites/1", "orders", "orders/SP-1"):
        answer = ask(given, path)
        assert seen(answer) == SHUT
        assert answer["WWW-Authenticate"] == 'Bearer realm="SmartPlus"'


def test_what_the_database_keeps_of_a_token_is_no_token(people, ask, token_of):
    text = token_of(people.ivan)
    token = ApiToken.objects.get()
    assert token.digest == digest(text)
    assert seen(ask(token.digest, "me")) == SHUT
    assert seen(ask(token.prefix, "me")) == SHUT


def test_a_session_is_no_token_and_a_token_no_session(people, sign_in, token_of):
    client = sign_in(people.ivan)
    assert seen(client.get("/api/v1/sites")) == SHUT
    text = token_of(people.ivan)
    assert client.get("/settings/", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    from django.test import Client

    assert Client().get("/settings/", headers={"Authorization": f"Bearer {text}"}).status_code == 302
    # The token counts, whoever is signed in beside it.
    own = sign_in(people.mallory).get("/api/v1/me", headers={"Authorization": f"Bearer {text}"})
    assert own.json()["email"] == "ivan@hafen.example"


def test_a_revoked_token_is_shut_out_at_once(people, ask, token_of):
    from accounts.actions import tokens

    text = token_of(people.ivan)
    assert ask(text, "me").status_code == 200
    tokens.revoke_token(people.ivan.actor, token_id=ApiToken.objects.get().pk, now=NOW)
    assert seen(ask(text, "me")) == SHUT


def test_an_expired_token_is_shut_out_to_the_second(people, ask, token_of, clock):
    text = token_of(people.ivan, expires_at=NOW + timedelta(minutes=1))
    clock.shift(timedelta(seconds=59))
    assert ask(text, "me").status_code == 200
    clock.shift(timedelta(seconds=1))
    assert seen(ask(text, "me")) == SHUT


@pytest.mark.parametrize("gone", ["member", "person", "firm"])
def test_a_token_never_outlives_its_member(people, ask, token_of, gone):
    text = token_of(people.ivan)
    if gone == "member":
        Membership.objects.filter(pk=people.ivan.membership.pk).update(is_active=False)
    elif gone == "person":
        User.objects.filter(pk=people.ivan.membership.user_id).update(is_active=False)
    else:
        Organization.objects.filter(pk=people.ivan.firm.pk).update(is_active=False)
    assert seen(ask(text, "me")) == SHUT


def test_the_last_use_is_written_once_a_minute_at_most(people, ask, token_of, clock):
    text = token_of(people.ivan)
    used = []
    for _ in range(4):
        ask(text, "me")
        at = ApiToken.objects.get().last_used_at
        assert at is not None
        used.append((at - NOW).total_seconds())
        clock.shift(timedelta(seconds=30))
    assert used == [0, 0, 60, 60]


@pytest.mark.parametrize(("scope", "shut"), [("read:sites", "orders"), ("read:orders", "sites")])
def test_a_token_does_what_its_scopes_say_and_no_more(people, ask, token_of, scope, shut):
    text = token_of(people.ivan, (scope,))
    assert ask(text, scope.partition(":")[2]).status_code == 200
    for path in (shut, f"{shut}/1"):
        assert seen(ask(text, path)) == (403, {"detail": f"The token lacks the scope read:{shut}."})


def test_a_token_loses_what_its_member_loses(people, ask, token_of):
    text = token_of(people.ivan)
    assert ask(text, "orders").status_code == 200
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_invoices=False)
    assert ask(text, "orders").status_code == 403
    assert ask(text, "me").json()["scopes"] == ["read:sites"]
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_invoices=True, is_technician=True)
    assert ask(text, "orders").status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_api_only_reads(people, token_of, method):
    from django.test import Client

    headers = {"Authorization": f"Bearer {token_of(people.ivan)}"}
    assert getattr(Client(), method)("/api/v1/sites", headers=headers).status_code == 405


@pytest.mark.rule("R7")
def test_a_token_is_no_way_around_a_demanded_second_factor(people, ask, token_of):
    text, below = token_of(people.ivan), token_of(people.petra)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(require_2fa=True)
    assert seen(ask(text, "me")) == SHUT
    assert ask(below, "me").status_code == 200  # another firm, though below
    switch_on(people.ivan, now=NOW)
    assert ask(text, "me").status_code == 200
    two_factor.reset_two_factor(people.dora.actor, membership_id=people.ivan.membership.pk, now=NOW)
    assert seen(ask(text, "me")) == SHUT


def test_who_was_deactivated_comes_back_without_the_tokens_of_before(people, ask, token_of):
    text, other = token_of(people.tess, ("read:sites",)), token_of(people.ivan)
    tess = people.tess.membership.pk
    for is_active in (False, True):
        actions.set_member_active(people.ivan.actor, membership_id=tess, is_active=is_active, now=NOW)
        assert seen(ask(text, "me")) == SHUT
    assert ApiToken.objects.get(digest=digest(text)).revoked_at == NOW
    assert ask(other, "me").status_code == 200
    assert AuditEvent.objects.get(action="member.deactivated").after == {"is_active": False, "tokens": 1}
    people.tess.membership.refresh_from_db()
    assert ask(token_of(people.tess, ("read:sites",)), "me").status_code == 200
