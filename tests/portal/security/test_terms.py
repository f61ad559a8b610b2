"""The terms and the privacy notice: accepted before anything else, and again when a further version comes into force."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.actions import terms
from accounts.models import Acceptance, Document, TextVersion, User
from subscriptions.errors import TermsMissing
from tests.people import NOW, TEXTS, People
from tests.portal.html import assert_clean
from tests.portal.signed_in import enter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
BOTH = {"terms": "on", "privacy": "on", "shown": "privacy-1 terms-1"}


@pytest.fixture
def newcomer(people):
    """Petra, who has accepted nothing yet."""
    User.objects.filter(pk=people.petra.membership.user_id).update(terms_version="", privacy_version="")
    return people.petra


def publish(people: People, document: str, text: str = "Something else.", *, valid_from=NOW, now=NOW) -> TextVersion:
    """A further version, as Olga publishes it."""
    return terms.publish(
        people.olga.actor, document=document, texts={"en": text}, valid_from=valid_from, now=now
    )  # fmt: skip


def test_a_newcomer_accepts_before_anything_else(newcomer):
    client = enter(newcomer, REMOTE_ADDR="84.17.3.4")
    for path in ("/", "/sites/", "/settings/", "/settings/security/", "/settings/tokens/"):
        assert client.get(path)["Location"] == f"/accept/?next={path}", path
    assert client.post("/settings/", {"name": "x"})["Location"] == "/accept/?next=/settings/"
    for path in ("/terms/", "/privacy/", "/help/"):
        assert client.get(path).status_code == 200, path
    page = client.get("/accept/?next=/sites/")
    assert "Before you begin" in page.content.decode()
    assert 'href="/terms/1/"' in page.content.decode()
    assert_clean(page.content)
    answer = client.post("/accept/", {**BOTH, "next": "/sites/"}, REMOTE_ADDR="84.17.3.4")
    assert answer["Location"] == "/sites/"
    assert client.get("/sites/").status_code == 200


@pytest.mark.parametrize("ticked", [{}, {"terms": "on"}, {"privacy": "on"}])
def test_both_have_to_be_ticked(newcomer, ticked):
    client = enter(newcomer)
    before = Acceptance.objects.count()
    answer = client.post("/accept/", {"shown": BOTH["shown"], **ticked})
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert Acceptance.objects.count() == before
    assert client.get("/sites/").status_code == 302


@pytest.mark.parametrize("document", Document.values)
def test_a_new_version_asks_again_in_the_middle_of_a_session_for_itself_alone(people, document):
    client = enter(people.ivan)
    assert client.get("/sites/").status_code == 200
    publish(people, document)
    assert client.get("/sites/")["Location"] == "/accept/?next=/sites/"
    page = client.get("/accept/").content.decode()
    assert "Something has changed" in page
    assert [name for name in Document.values if f'name="{name}"' in page] == [document]
    client.post("/accept/", {document: "on", "shown": f"{document}-2"})
    assert client.get("/sites/").status_code == 200
    versions = Acceptance.objects.filter(user=people.ivan.membership.user).values_list("document", "version")
    assert sorted(versions) == sorted([("terms", "1"), ("privacy", "1"), (document, "2")])


def test_what_was_replaced_while_the_page_was_open_is_not_accepted_unread(newcomer, people):
    client = enter(newcomer)
    client.get("/accept/")
    before = Acceptance.objects.count()
    publish(people, Document.TERMS)
    answer = client.post("/accept/", BOTH)
    assert answer.status_code == 200
    assert "There is a newer version since this page was opened." in answer.content.decode()
    assert 'value="privacy-1 terms-2"' in answer.content.decode()
    assert Acceptance.objects.count() == before


def test_a_version_of_the_future_asks_nobody_before_its_day(people, time_machine_at_noon):
    publish(people, Document.TERMS, valid_from=NOW + timedelta(days=30))
    client = enter(people.ivan)
    assert client.get("/sites/").status_code == 200
    found = [terms.in_force(Document.TERMS, now=NOW + timedelta(days=days)) for days in (0, 29, 30)]
    assert [text.number for text in found if text] == [1, 1, 2]


def test_accepting_twice_is_once(people):
    client = enter(people.ivan)
    for _ in range(2):
        assert client.post("/accept/", BOTH)["Location"] == "/"
        terms.accept(people.ivan.membership.user, now=NOW)
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


def test_before_anything_is_published_people_come_in_and_the_pages_say_so(db, people, monkeypatch):
    monkeypatch.setattr(TextVersion.objects, "begun", lambda now: TextVersion.objects.none())
    monkeypatch.setattr(terms, "published", lambda document, now: [])
    assert enter(people.olga).get("/sites/").status_code == 200
    page = Client().get("/terms/")
    assert page.status_code == 200
    assert "Nothing is published here yet." in page.content.decode()
    assert_clean(page.content)


@pytest.mark.parametrize(("path", "title"), [("/privacy/", "Privacy Notice"), ("/terms/", "Terms and Conditions")])
def test_both_texts_are_open_to_everybody_with_their_version(people, path, title):
    page = Client().get(path)
    assert page.status_code == 200
    assert page.content.decode().count(f"<h1>{title}</h1>") == 1
    assert "Version 1, valid from" in page.content.decode()
    assert_clean(page.content)
    assert Client().get(f"{path}7/").status_code == 404


def test_older_and_coming_versions_stay_readable(people):
    publish(people, Document.TERMS, "The **second**.")
    publish(people, Document.TERMS, "The third.", valid_from=NOW + timedelta(days=3))
    pages = {number: Client().get(f"/terms/{number}/").content.decode() for number in (1, 2, 3)}
    assert "Ask within 14 days." in pages[1]
    assert "replaced by a later version" in pages[1]
    assert "The <strong>second</strong>." in pages[2]
    assert "not in force yet" in pages[3]
    assert "second" in Client().get("/terms/").content.decode()


def test_a_reader_gets_the_own_language_and_english_where_it_is_missing(people):
    german = Client(HTTP_ACCEPT_LANGUAGE="de")
    assert TEXTS["terms"]["de"].splitlines()[0].removeprefix("# ") in german.get("/terms/").content.decode()
    page = german.get("/privacy/").content.decode()
    assert '<div lang="en">' in page
    assert "We keep your name and address." in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('<script>alert("x")</script>', "&lt;script&gt;"),
        ("a <b onclick=x>b</b>", "&lt;b onclick=x&gt;"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("![x](https://evil.example/x.png)", 'href="https://evil.example/x.png"'),
        ("[x](/subscription/)", 'href="/subscription/"'),
    ],
)
def test_html_in_the_text_is_shown_as_text(people, text, shown):
    publish(people, Document.TERMS, text)
    page = Client().get("/terms/").content.decode()
    assert shown in page
    assert "<img" not in page
    assert_clean(page)


def test_the_refusal_of_an_order_without_terms_says_who_helps():
    assert "The operator publishes them." in str(TermsMissing())
