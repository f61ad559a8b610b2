"""What an action raises is answered in one place: by kind, on pages and in the API, wherever no view says something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import actions
from accounts.actions import tokens
from accounts.errors import ActionError, Conflict, NotPermitted, Refused
from payments.errors import EarlierOpen, GatewayUnavailable
from smartplus.api import routes
from tests.people import NOW, PASSWORD, People, Person
from tests.portal.html import assert_clean

SignIn = Callable[[Person], Client]
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
KINDS = [
    (NotPermitted("Not you."), 403, "Not you."),
    (Conflict(), 409, "Somebody saved this in the meantime."),
    (Refused("Not today."), 422, "Not today."),
    (GatewayUnavailable(), 503, "The payment service did not answer."),
    (EarlierOpen(), 503, "The payment service did not answer."),
]


def raising(error: ActionError) -> Callable[..., None]:
    def act(*args: object, **kwargs: object) -> None:
        raise error

    return act


def test_no_kind_is_another_one() -> None:
    kinds = (Refused, NotPermitted, Conflict, GatewayUnavailable)
    assert all(not issubclass(one, other) for one in kinds for other in kinds if one is not other)


@pytest.mark.parametrize(("error", "status", "said"), KINDS)
def test_a_page_says_what_no_view_answers(
    people: People, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, error: ActionError, status: int, said: str
) -> None:
    monkeypatch.setattr(tokens, "revoke_token", raising(error))
    answer = sign_in(people.ivan).post("/settings/tokens/revoke/", {"token": "1"})
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert_clean(answer.content)


@pytest.mark.parametrize(("error", "status", "said"), KINDS)
def test_a_button_leads_back_and_says_it_there_but_for_a_role_that_may_not(
    people: People, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, error: ActionError, status: int, said: str
) -> None:
    monkeypatch.setattr(actions, "set_member_active", raising(error))
    dora, tess = sign_in(people.ivan), f"/users/{people.tess.membership.pk}/"
    answer = dora.post(f"{tess}activity/", {"active": "no"})
    if status == 403:
        assert (answer.status_code, said in answer.content.decode()) == (403, True)
    else:
        assert (answer.status_code, answer["Location"]) == (302, tess)
        assert said in dora.get(tess).content.decode()


@pytest.mark.parametrize(("error", "status", "said"), KINDS)
def test_the_api_answers_with_the_same_status(
    people: People, monkeypatch: pytest.MonkeyPatch, error: ActionError, status: int, said: str
) -> None:
    token = tokens.create_token(
        people.ivan.actor, name="Test", scopes=["read:sites"], password=PASSWORD, expires_at=None, now=NOW
    )[1]
    monkeypatch.setattr(routes, "need", raising(error))
    answer = Client().get("/api/v1/sites", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["detail"].startswith(said)) == (status, True)


@pytest.mark.parametrize("error", [error for error, _status, _said in KINDS])
def test_a_command_ends_with_the_sentence(people: People, monkeypatch: pytest.MonkeyPatch, error: ActionError) -> None:
    monkeypatch.setattr(actions, "invite", raising(error))
    with pytest.raises(CommandError, match=str(error)[:20]):
        call_command("add_operator", email="olivia@vendor.example", name="Olivia Maas")
