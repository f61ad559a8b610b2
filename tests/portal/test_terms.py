"""The terms and the privacy notice: accepted before anything else, and again when they change."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import Acceptance, Document, User
from tests.people import NOW
from tests.portal.door import enter
from tests.portal.html import assert_clean

pytestmark = pytest.mark.django_db
BOTH = {"terms": "on", "privacy": "on"}


@pytest.fixture
def newcomer(people):
    """Petra, who has accepted nothing yet."""
    User.objects.filter(pk=people.petra.membership.user_id).update(terms_version="", privacy_version="")
    return people.petra


def test_a_newcomer_accepts_before_anything_else(newcomer):
    client = enter(newcomer, REMOTE_ADDR="84.17.3.4")
    for path in ("/", "/sites/", "/settings/", "/settings/security/", "/settings/tokens/"):
        assert client.get(path)["Location"] == f"/accept/?next={path}", path
    assert client.post("/settings/", {"name": "x"})["Location"] == "/accept/?next=/settings/"
    for path in ("/terms/", "/privacy/", "/help/"):
        assert client.get(path).status_code == 200, path
    page = client.get("/accept/?next=/sites/")
    assert "Before you begin" in page.content.decode()
    assert_clean(page.content)
    answer = client.post("/accept/", {**BOTH, "next": "/sites/"}, REMOTE_ADDR="84.17.3.4")
    assert answer["Location"] == "/sites/"
    assert client.get("/sites/").status_code == 200


@pytest.mark.parametrize("ticked", [{}, {"terms": "on"}, {"privacy": "on"}])
def test_both_have_to_be_ticked(newcomer, ticked):
    client = enter(newcomer)
    before = Acceptance.objects.count()
    answer = client.post("/accept/", ticked)
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert Acceptance.objects.count() == before
    assert client.get("/sites/").status_code == 302


@pytest.mark.parametrize("changed", ["TERMS_VERSION", "PRIVACY_VERSION"])
def test_a_new_version_asks_again_in_the_middle_of_a_session(people, settings, changed):
    client = enter(people.ivan)
    assert client.get("/sites/").status_code == 200
    setattr(settings, changed, "2")
    assert client.get("/sites/")["Location"] == "/accept/?next=/sites/"
    assert "Something has changed" in client.get("/accept/").content.decode()
    client.post("/accept/", BOTH)
    assert client.get("/sites/").status_code == 200
    versions = Acceptance.objects.filter(user=people.ivan.membership.user).values_list("document", "version")
    document = Document.TERMS if changed == "TERMS_VERSION" else Document.PRIVACY
    assert sorted(versions) == sorted([("terms", "1"), ("privacy", "1"), (document, "2")])


def test_accepting_twice_is_once(people):
    client = enter(people.ivan)
    for _ in range(2):
        assert client.post("/accept/", BOTH)["Location"] == "/"
    assert Acceptance.objects.filter(user=people.ivan.membership.user).count() == 2


def test_what_was_accepted_can_not_be_rewritten(people):
    row = Acceptance.objects.filter(user=people.ivan.membership.user).first()
    assert row is not None
    assert row.accepted_at == NOW
    for change in (lambda: Acceptance.objects.filter(pk=row.pk).update(version="9"), row.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_next_never_leaves_the_site(newcomer):
    client = enter(newcomer)
    assert client.post("/accept/", {**BOTH, "next": "//evil.example/"})["Location"] == "/"


def test_one_can_refuse_and_leave(newcomer):
    client = enter(newcomer)
    client.get("/accept/")
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/accept/")["Location"] == "/sign-in/?next=/accept/"


@pytest.mark.parametrize(("path", "title"), [("/privacy/", "Privacy Notice"), ("/terms/", "Terms and Conditions")])
def test_both_texts_are_open_to_everybody_and_say_that_they_are_examples(db, path, title):
    page = Client().get(path)
    assert page.status_code == 200
    assert f"<h1>{title}</h1>" in page.content.decode()
    assert "This is an example text, not legal advice." in page.content.decode()
    assert_clean(page.content)
