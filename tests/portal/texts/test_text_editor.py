"""Terms and privacy notice as Olga writes, compares and publishes them; who accepted which."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from django.db import DatabaseError, transaction

from accounts import actions as account_actions
from accounts.actions import terms
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Acceptance, AuditEvent, Document, Kind, TextDraft, TextVersion
from smartplus.portal.texts import acceptances as text_acceptances
from smartplus.portal.texts import changes as text_changes
from tests.people import NOW, PASSWORD, SYSTEM, TEXTS, People, Person
from tests.portal.html import assert_clean, page_of
from tests.portal.signed_in import enter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
PAGE = "/setup/terms/"
TODAY = "2026-11-22"


def sent(**fields: str) -> dict[str, str]:
    return {"language": "en", "version": "", "text": "# Terms\n\nNew.", "valid_from": TODAY, "do": "save", **fields}


def audited(action: str) -> AuditEvent:
    return AuditEvent.objects.get(action=action)


def test_a_draft_is_left_and_found_again_and_nobody_else_sees_it(people: People, sign_in) -> None:
    olga = sign_in(people.olga)
    answer = olga.post(PAGE, sent(text="# Terms\r\n\r\nNew.", valid_from="2027-01-01", go="de"))
    assert answer["Location"] == f"{PAGE}?language=de"
    draft = TextDraft.objects.get()
    assert draft.texts == {**TEXTS["terms"], "en": "# Terms\n\nNew."}
    assert (draft.valid_from, draft.version, draft.saved_by) == (date(2027, 1, 1), 1, people.olga.membership.user)
    page = olga.get(f"{PAGE}?language=de").content.decode()
    assert "Bezahlte Zeit" in page
    assert 'value="2027-01-01"' in page
    assert_clean(page)
    assert audited("text.drafted").after == {"valid_from": "2027-01-01", "languages": ["de", "en"]}
    assert "New." not in olga.get("/terms/").content.decode()
    assert not TextDraft.objects.visible_to(people.dora.actor).exists()
    olga.post(PAGE, sent(version="1", do="discard"))
    assert not TextDraft.objects.exists()


def test_publishing_fixes_the_text_and_asks_everybody(people: People, sign_in) -> None:
    olga = sign_in(people.olga)
    assert olga.post(PAGE, sent(do="publish"))["Location"] == PAGE
    made = TextVersion.objects.get(document="terms", number=2)
    assert (made.texts["en"], made.texts["de"]) == ("# Terms\n\nNew.", TEXTS["terms"]["de"])
    assert (made.valid_from, made.published_by) == (NOW, people.olga.membership.user)
    event = AuditEvent.objects.filter(action="text.published").first()
    assert event
    assert event.after == {"version": 2, "valid_from": NOW.isoformat(), "languages": ["de", "en"]}
    assert sign_in(people.dora).get("/sites/")["Location"].startswith("/accept/")
    for change in (lambda: TextVersion.objects.filter(pk=made.pk).update(number=9), made.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"valid_from": "2026-11-21"}, "past"),
        ({"valid_from": ""}, "Say from which day it is valid."),
        ({"text": "  "}, "The English text is missing"),
        ({"text": "This is an example text, not legal advice."}, "shipped with the demo"),
        ({"text": "Sold by {seller}."}, "Publish the seller first."),
        ({"language": "xx"}, "Select a valid choice"),
        ({"text": "x" * 100_001}, "100000"),
    ],
)
def test_what_can_not_be_published_is_refused_and_changes_nothing(people: People, sign_in, fields, words) -> None:
    before = AuditEvent.objects.count()
    answer = sign_in(people.olga).post(PAGE, sent(do="publish", **fields))
    assert answer.status_code == 422
    assert words in answer.content.decode().replace("&#x27;", "'")
    assert (TextVersion.objects.filter(document="terms").count(), TextDraft.objects.count()) == (1, 0)
    assert AuditEvent.objects.count() == before


def test_who_was_slower_reads_theirs_beside_the_own(people: People, sign_in) -> None:
    olga = sign_in(people.olga)
    terms.save_draft(SYSTEM, document="terms", texts={"en": "Theirs is here."}, valid_from=None, version=None, now=NOW)
    for do in ("save", "publish", "discard"):
        answer = olga.post(PAGE, sent(text="Mine is here.", do=do))
        assert answer.status_code == 409
        page = answer.content.decode()
        assert page_of(answer).count("Saving again replaces what is saved now.") == 1
        assert "faster" not in page
        assert "as you left it" not in page
        assert "Mine" in page
        assert 'name="version" value="1"' in page
        assert_clean(page)
    assert TextDraft.objects.get().texts == {"en": "Theirs is here."}
    assert olga.post(PAGE, sent(text="Mine is here.", version="1")).status_code == 302
    with pytest.raises(Conflict):
        terms.discard_draft(people.olga.actor, document="terms", version=1, now=NOW)


def test_the_preview_shows_the_text_and_what_changed_while_it_is_typed(people: People, sign_in) -> None:
    olga = sign_in(people.olga)
    text = TEXTS["terms"]["en"].replace("14 days", "30 days") + "\n\n<b>bold</b>"
    for answer in (olga.post(f"{PAGE}preview/", sent(text=text)), olga.post(PAGE, sent(text=text, do="preview"))):
        page = answer.content.decode()
        assert "<strong>apartment</strong>" in page
        assert "&lt;b&gt;bold&lt;/b&gt;" in page
        assert "Removed: </span>14</del>" in page
        assert "Added: </span>30</ins>" in page
        assert "<h1" not in page.partition('id="preview"')[2].partition("</div>")[0]
    assert not TextDraft.objects.exists()


def test_only_the_operator_writes(people: People, sign_in) -> None:
    for person in (people.dora, people.ivan, people.tess, people.petra):
        for path in (PAGE, "/setup/privacy/", "/setup/seller/", f"{PAGE}accepted/"):
            assert sign_in(person).get(path).status_code == 403
        with pytest.raises(NotPermitted):
            terms.publish(person.actor, document="terms", texts={"en": "x"}, valid_from=NOW, now=NOW)


def test_the_list_says_who_accepted_and_who_has_not(people: People, sign_in) -> None:
    old = TextVersion.objects.get(document="terms")
    terms.publish(people.olga.actor, document="terms", texts={"en": "New."}, valid_from=NOW, now=NOW)
    terms.accept(people.olga.membership.user, now=NOW)
    terms.accept(people.dora.membership.user, now=NOW)
    olga = sign_in(people.olga)
    page = olga.get(PAGE).content.decode()
    assert f'href="{PAGE}accepted/?version=2">2</a>' in page
    assert "Show all 8" in page
    listed = olga.get(f"{PAGE}accepted/?version=2").content.decode()
    assert "Dora Lindqvist" in listed
    assert "Nordlys Distribution" in listed
    assert "Ivan Brandt" not in listed
    assert_clean(listed)
    missing = olga.get(f"{PAGE}accepted/?show=missing").content.decode()
    assert "Ivan Brandt" in missing
    assert "Dora Lindqvist" not in missing
    assert_clean(missing)
    lines = b"".join(olga.get(f"{PAGE}accepted/?version=2&format=csv").streaming_content).decode().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("Dora Lindqvist,dora@nordlys.example,Nordlys Distribution,2,")
    lines = b"".join(olga.get(f"{PAGE}accepted/?show=missing&format=csv").streaming_content).decode().splitlines()
    assert len(lines) == 9
    assert Acceptance.objects.filter(version=old.version, document="terms").count() == 10


def test_the_list_takes_as_many_statements_for_many_as_for_few(
    people: People, sign_in, django_assert_max_num_queries
) -> None:
    olga = sign_in(people.olga)
    olga.get(f"{PAGE}accepted/")
    with django_assert_max_num_queries(12):
        olga.get(f"{PAGE}accepted/?version=1")


@pytest.mark.parametrize("show", ["version=1", "show=missing"])
def test_the_lists_are_paged_and_each_person_is_there_once(people: People, sign_in, monkeypatch, show: str) -> None:
    if "missing" in show:
        terms.publish(people.olga.actor, document="terms", texts={"en": "New."}, valid_from=NOW, now=NOW)
        terms.accept(people.olga.membership.user, now=NOW)
    for name in ("GIVEN", "NOT_GIVEN"):
        monkeypatch.setattr(text_acceptances, name, replace(getattr(text_acceptances, name), size=4))
    olga, query, seen = sign_in(people.olga), show, list[str]()
    for _ in range(3):
        page = olga.get(f"{PAGE}accepted/?{query}").content.decode()
        seen += re.findall(r"<td[^>]*>([\w.]+@[\w.]+)</td>", page)
        following = re.search(r'rel="next" href="\?([^"]+)"', page)
        query = unescape(following[1]) if following else ""
    assert query == ""
    assert len(seen) == len(set(seen)) == (9 if "missing" in show else 10)


def test_of_two_versions_the_later_published_counts_and_a_mistake_is_mended_in_time(people: People) -> None:
    january, december = datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    for text, since in (("Wrong.", january), ("Right.", december)):
        terms.publish(people.olga.actor, document="terms", texts={"en": text}, valid_from=since, now=NOW)
    found = [terms.in_force("terms", now=at) for at in (NOW, december, january + timedelta(days=9))]
    assert [text.number for text in found if text] == [1, 3, 3]
    states = {row.number: state for row, state in terms.published("terms", now=NOW)}
    assert states == {3: terms.UPCOMING, 2: terms.REPLACED, 1: terms.IN_FORCE}


def test_the_same_again_is_refused(people: People) -> None:
    with pytest.raises(Refused, match="Nothing differs"):
        last = TextVersion.objects.get(document="terms")
        terms.publish(SYSTEM, document="terms", texts=last.texts, valid_from=last.valid_from, now=NOW)


def newly_installed() -> Person:
    """Olga alone, before anything was published."""
    firm = account_actions.create_organization(SYSTEM, kind=Kind.OPERATOR, name="Vendor", parent=None, now=NOW)
    return Person(
        account_actions.add_member(
            SYSTEM, organization=firm, email="olga@vendor.example", name="Olga", password=PASSWORD, now=NOW
        )
    )


def test_a_new_installation_has_nothing_lets_the_operator_in_and_says_so(db: None) -> None:
    olga = enter(newly_installed())
    for path in (PAGE, "/setup/privacy/", "/setup/seller/", f"{PAGE}accepted/"):
        page = olga.get(path)
        assert page.status_code == 200
        assert_clean(page.content)
    assert "Until then nothing can be ordered." in olga.get(PAGE).content.decode()
    assert "Nothing is published here yet." in olga.get("/terms/").content.decode()
    assert terms.in_force(Document.TERMS, now=NOW) is None
    olga.post(PAGE, sent(do="publish"))
    assert olga.get(PAGE)["Location"].startswith("/accept/")


def test_old_acceptances_never_count_for_a_new_text(db: None) -> None:
    olga = newly_installed()
    Acceptance.objects.create(user=olga.membership.user, document="terms", version="4", accepted_at=NOW)
    made = terms.publish(olga.actor, document="terms", texts={"en": "New."}, valid_from=NOW, now=NOW)
    assert made.number == 5
    page = enter(olga).get("/accept/").content.decode()
    assert 'value="terms-5"' in page
    terms.accept(olga.membership.user, now=NOW)
    assert (
        "its text was published before this portal kept texts."
        in enter(olga).get(f"{PAGE}accepted/?version=4").content.decode()
    )


def test_an_example_counts_in_the_demo_only(people: People, settings) -> None:
    settings.DEMO = True
    example = f"{terms.EXAMPLE_MARKS[1]} Und mehr."
    made = terms.publish(people.olga.actor, document="terms", texts={"en": "x", "de": example}, valid_from=NOW, now=NOW)
    assert made.is_example
    assert terms.in_force("terms", now=NOW) == made
    settings.DEMO = False
    found = terms.in_force("terms", now=NOW)
    assert found
    assert found.number == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("# A\n\nSame.", "# A\n\nSame.", []),
        ("# A\n\nOne two.", "# A\n\nOne three.", [("A", [("same", "One"), ("gone", "two."), ("new", "three.")])]),
        ("# A", "# A\n\n## B\n\nNew.", [("", [("new", "## B")]), ("B", [("new", "New.")])]),
        ("# A\n\nGone.", "# A", [("A", [("gone", "Gone.")])]),
    ],
)
def test_differences_are_told_by_paragraph_and_word(old: str, new: str, expected) -> None:
    found = [(change.heading, list(change.pieces)) for change in text_changes.changes(old, new)]
    assert found == expected
