"""The call with which a property management system sends residents."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from communities.actions import pms
from communities.models import PmsConnection, Resident, Site
from tests.communities.connected import connected
from tests.people import NOW

pytestmark = pytest.mark.django_db
KIM = {"key": "kim", "name": "Kim", "email": "kim@example.org", "building": "Quay House", "apartment": "1.01"}


def send(token: str | None, *people: dict[str, Any], query: str = "", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    body = more or {"people": list(people)}
    return Client().post(f"/api/v1/pms/residents/{query}", body, content_type="application/json", headers=headers)


@pytest.fixture
def token(people, make_site, make_apartment) -> str:
    """The token of a site with one apartment where nobody lives."""
    site = make_site()
    make_apartment(site, master=False)
    return connected(people, site)


@pytest.mark.rule("R29")
def test_people_are_sent_and_answered_one_by_one(token):
    answer = send(token, KIM, {**KIM, "key": "lee", "apartment": "9.99"})
    assert answer.status_code == 200
    assert answer.json() == {
        "dry_run": False,
        "counts": {"created": 1, "updated": 0, "unchanged": 0, "waiting": 0, "conflict": 0, "refused": 1},
        "people": [
            {"key": "kim", "result": "created", "reason": ""},
            {"key": "lee", "result": "refused", "reason": "The site has no such apartment."},
        ],
    }
    assert Site.objects.get().price_class == "integration"
    assert send(token, KIM).json()["counts"]["unchanged"] == 1


def test_a_dry_run_answers_the_same_and_writes_nothing(token):
    answer = send(token, KIM, query="?dry_run=1").json()
    assert (answer["dry_run"], answer["counts"]["created"]) == (True, 1)
    assert not Resident.objects.exists()
    assert Site.objects.get().price_class == "normal"


def test_tokens_that_do_not_work_answer_alike(people, token, token_of, ask):
    row = PmsConnection.objects.get()
    _row, fresh = pms.renew_token(people.ivan.actor, connection_id=row.pk, is_beyond_free=False, now=NOW)
    renewed = send(token, KIM)
    PmsConnection.objects.update(enabled_at=None, enabled_by=None)
    disabled = send(fresh, KIM)
    PmsConnection.objects.update(enabled_at=NOW)
    pms.revoke(people.ivan.actor, connection_id=row.pk, now=NOW)
    answers = [
        renewed,
        disabled,
        send(fresh, KIM),
        send("pms_nonsense", KIM),
        send(token_of(people.ivan), KIM),
        send(None, KIM),
    ]
    assert {(one.status_code, one.content) for one in answers} == {(401, b'{"detail": "A valid token is needed."}')}
    assert not Resident.objects.exists()
    assert ask(fresh, "sites").status_code == 401  # such a token reads nothing


def test_what_is_no_list_of_people_is_refused_with_the_reason(token):
    assert send(token, people="Kim").status_code == 422
    assert send(token, people=[{"name": "Kim"}]).json()["detail"][0]["loc"][-1] == "key"
    assert send(token).json() == {"detail": "Nobody was sent."}
    many = send(token, *[KIM] * 2001)
    assert (many.status_code, many.json()["detail"]) == (
        422, "At most 2000 people are sent in one call. Send them in parts.",
    )  # fmt: skip


def test_the_call_is_described_with_what_is_sent(db):
    page = Client().get("/api/v1/docs").content.decode()
    assert "POST /api/v1/pms/residents/" in page
    assert "At most 2,000. Who is missing is not removed." in page
