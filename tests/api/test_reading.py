"""What the API answers: what the pages show, bounded alike."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Membership
from smartplus import access
from tests.api.scopes import BOTH
from tests.portal.html import assert_clean

pytestmark = pytest.mark.django_db


def names(answer):
    return [item["name"] for item in answer.json()["items"]]


def test_everybody_reads_the_sites_of_the_own_subtree(people, ask, token_of, make_site):
    make_site("Harbour View")
    make_site("Les Tilleuls", by=people.igor)
    seen = {
        "olga": ["Harbour View", "Les Tilleuls"], "dora": ["Harbour View"], "sam": [], "ivan": ["Harbour View"], "tess": [],
        "petra": [], "mallory": ["Les Tilleuls"], "igor": ["Les Tilleuls"], "paul": [],
    }  # fmt: skip
    for person, sites in seen.items():
        assert names(ask(token_of(getattr(people, person), ("read:sites",)), "sites")) == sites, person


def test_a_site_with_its_services(people, ask, token_of, make_site):
    site = make_site("Harbour View", booking=True)
    answer = ask(token_of(people.ivan), f"sites/{site.pk}").json()
    assert answer["id"] == site.pk
    assert (answer["name"], answer["kind"], answer["city"]) == ("Harbour View", "community", "Hamburg")
    assert answer["switches"]["booking"] is True
    assert answer["switches"]["landline"] is False
    assert answer["created_at"] == "2026-11-22T09:00:00Z"


@pytest.mark.rule("R1")
def test_what_is_somebody_elses_answers_like_what_never_was(people, ask, token_of, make_site):
    site = make_site("Harbour View")
    text = token_of(people.mallory)
    answers = [ask(text, f"sites/{number}") for number in (site.pk, site.pk + 1000, 10**30)]
    assert {(one.status_code, one.content) for one in answers} == {(404, b'{"detail": "Not found."}')}
    headers = [{k: v for k, v in one.items() if k != "X-Request-ID"} for one in answers]
    assert headers[0] == headers[1] == headers[2]


def test_lists_come_in_pages(people, ask, token_of, make_site):
    for number in range(5):
        make_site(f"Site {number}")
    text = token_of(people.ivan)
    found, after = [], ""
    while True:
        page = ask(text, "sites", data={"limit": 2, "after": after}).json()
        found += [item["name"] for item in page["items"]]
        after = page["next"]
        if not after:
            break
    assert found == [f"Site {number}" for number in range(5)]
    for limit in (0, 101, "x"):
        assert ask(text, "sites", data={"limit": limit}).status_code == 422
    assert ask(text, "sites", data={"after": "nonsense"}).status_code == 200


# --- the description --------------------------------------------------------------------------------------------------------


def test_the_description_is_for_everybody_and_free_of_scripts_of_others(db):
    document = Client().get("/api/v1/openapi.json").json()
    assert sorted(document["paths"]) == [
        "/api/v1/me", "/api/v1/orders", "/api/v1/orders/{number}", "/api/v1/pms/residents/", "/api/v1/sites",
        "/api/v1/sites/{site_id}",
    ]  # fmt: skip
    page = Client().get("/api/v1/docs")
    assert page.status_code == 200
    assert_clean(page.content)
    text = page.content.decode()
    assert "amount_minor" in text
    assert "<code>GET /api/v1/orders/{number}</code>" in text
    assert "cdn" not in text.lower()
    assert Client().post("/api/v1/docs").status_code == 405


def test_the_page_for_people_speaks_their_language_and_the_document_for_programs_english(db):
    client = Client(headers={"Accept-Language": "de"})
    page = client.get("/api/v1/docs").content.decode()
    for text in ("Ask again with after", "The name the token was given", "Needs the scope", "The sites you see"):
        assert text not in page
    assert "Der Name, den das Token bekommen hat." in page
    assert "Needs the scope read:sites." in client.get("/api/v1/openapi.json").content.decode()


def test_the_docs_are_linked_where_tokens_are_made(people, sign_in):
    assert 'href="/api/v1/docs"' in sign_in(people.ivan).get("/settings/tokens/").content.decode()
    assert_clean(sign_in(people.ivan).get("/api/v1/docs").content)


def test_every_route_of_the_api_declares_its_policy():
    from smartplus.api.urls import app_routes

    assert len(app_routes) == 6
    for route in app_routes:
        assert route.callback
        policy = access.policy_of(route.callback)
        assert policy.is_api
        assert not policy.is_public


@pytest.mark.parametrize("path", ["", "nowhere", "docs/", "sites/x", "sites/-1"])
def test_what_is_no_route_is_404(db, path):
    assert Client().get(f"/api/v1/{path}").status_code == 404


def test_scopes_are_those_a_member_has(people, token_of):
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=False)
    assert token_of(people.ivan, BOTH)
