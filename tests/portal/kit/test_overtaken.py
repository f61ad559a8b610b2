"""What a colleague published, or saved between the forms that are sent together: who is slower is told who it was and loses nothing typed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from accounts import actions
from accounts.actions import seller, terms
from accounts.models import SellerVersion, TextDraft, TextVersion
from communities.models import Apartment, Site
from devices.actions import edit_apartment
from smartplus.access import PortalRequest
from smartplus.portal.texts import seller as views
from smartplus.portal.texts.forms import SellerForm
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.conflicts import told
from tests.portal.html import form_in, page_of
from tests.portal.places import MAC, OTHER_MAC, apartment_form, building, stock
from tests.portal.seller import SENT, VALUES

SignIn = Callable[[Person], Client]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
TERMS, SELLER = "/setup/terms/", "/setup/seller/"


@pytest.fixture
def oscar(people: People) -> Person:
    """A colleague of Olga's."""
    return Person(
        actions.add_member(
            SYSTEM, organization=people.olga.firm, email="oscar@vendor.example", name="Oscar Ek", now=NOW
        )
    )


def test_a_seller_published_by_a_colleague_is_named_and_keeps_what_was_not_touched(
    people: People, oscar: Person, sign_in: SignIn
) -> None:
    olga = sign_in(people.olga)
    assert olga.post(SELLER, SENT).status_code == 302
    opened = form_in(olga.get(SELLER).content, "tax_number")
    seller.publish(oscar.actor, values={**VALUES, "city": "Altona"}, valid_from=NOW, newest=1, now=NOW)
    answer = olga.post(SELLER, opened | {"street": "Kai 2"})
    assert told(answer) == [
        ("Street", "Hafenweg 1", "Hafenweg 1", "Kai 2", True),
        ("City", "Hamburg", "Altona", "Hamburg", False),
    ]
    assert "Oscar Ek saved this" in page_of(answer)
    assert SellerVersion.objects.count() == 2
    assert olga.post(SELLER, form_in(answer.content, "tax_number")).status_code == 302
    newest = SellerVersion.objects.get(number=3)
    assert (newest.street, newest.city) == ("Kai 2", "Altona")


def test_a_form_that_names_another_version_than_the_last_breaks_nothing_before_the_first(
    people: People, sign_in: SignIn
) -> None:
    answer = sign_in(people.olga).post(SELLER, {**SENT, "newest": "7"})
    assert (answer.status_code, SellerVersion.objects.count()) == (409, 0)


@pytest.mark.parametrize("there_were", [0, 1])
def test_a_seller_published_in_the_same_moment_is_read_again_for_the_form(
    people: People, oscar: Person, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, there_were: int
) -> None:
    for number in range(there_were):
        seller.publish(SYSTEM, values=VALUES, valid_from=NOW, newest=number, now=NOW)
    publish = views._publish

    def second(request: PortalRequest, form: SellerForm) -> SellerVersion:
        theirs = {**VALUES, "city": "Altona"}
        seller.publish(oscar.actor, values=theirs, valid_from=NOW, newest=there_were, now=NOW)
        return publish(request, form)

    monkeypatch.setattr(views, "_publish", second)
    answer = sign_in(people.olga).post(SELLER, {**SENT, "newest": str(there_were)})
    assert [line[:1] + line[2:4] for line in told(answer)] == [("City", "Altona", "Hamburg")]
    assert "Oscar Ek saved this" in page_of(answer)
    assert form_in(answer.content, "tax_number")["newest"] == str(there_were + 1)
    assert f"Version {there_were + 1} is the first of the list below." in page_of(answer)


def test_a_draft_saved_by_a_colleague_is_named_and_the_own_text_stays(
    people: People, oscar: Person, sign_in: SignIn
) -> None:
    olga = sign_in(people.olga)
    terms.save_draft(SYSTEM, document="terms", texts={"en": "Old words."}, valid_from=None, version=None, now=NOW)
    opened = form_in(olga.get(TERMS).content, "text")
    day = (NOW + timedelta(days=9)).date()
    terms.save_draft(oscar.actor, document="terms", texts={"en": "Their words."}, valid_from=day, version=1, now=NOW)
    answer = olga.post(TERMS, opened | {"text": "My words.", "do": "save"})
    assert told(answer) == [("Valid from", "2026-11-22", day.isoformat(), "2026-11-22", False)]
    text = page_of(answer)
    assert "Oscar Ek saved this" in text
    assert "Their</del>" in text.replace(" </del>", "</del>")
    again = form_in(answer.content, "text")
    assert again["text"].strip() == "My words."
    assert olga.post(TERMS, again | {"do": "save"}).status_code == 302
    draft = TextDraft.objects.get()
    assert (draft.texts, draft.valid_from, draft.version) == ({"en": "My words."}, day, 3)


@pytest.mark.parametrize("is_published", [True, False])
def test_a_draft_that_is_gone_says_who_published_it_or_threw_it_away(
    people: People, oscar: Person, sign_in: SignIn, is_published: bool
) -> None:
    olga, texts, tomorrow = sign_in(people.olga), {"en": "Old words."}, NOW + timedelta(days=1)
    terms.save_draft(SYSTEM, document="privacy", texts=texts, valid_from=None, version=None, now=NOW)
    terms.save_draft(SYSTEM, document="terms", texts=texts, valid_from=None, version=None, now=NOW)
    opened = form_in(olga.get(TERMS).content, "text")
    if is_published:
        terms.publish(oscar.actor, document="terms", texts=texts, valid_from=tomorrow, version=1, now=NOW)
    else:
        terms.discard_draft(oscar.actor, document="terms", version=1, now=NOW)
    terms.discard_draft(people.olga.actor, document="privacy", version=1, now=NOW)
    answer = olga.post(TERMS, opened | {"text": "My words.", "do": "publish"})
    assert answer.status_code == 409
    conflict = answer.context["conflict"]
    assert (conflict.who, conflict.what) == ("Oscar Ek", "Text published" if is_published else "Draft deleted")
    assert "The draft was published or thrown away after you opened it." in page_of(answer)
    again = form_in(answer.content, "text")
    assert (again["text"].strip(), again.get("version", "")) == ("My words.", "")
    assert olga.post(TERMS, again | {"do": "publish"}).status_code == 302
    assert TextVersion.objects.filter(document="terms").latest("number").texts["en"] == "My words."


def test_the_monitors_that_were_typed_stay_when_a_colleague_saved_the_apartment_first(
    people: People, make_site: Callable[..., Site], sign_in: SignIn
) -> None:
    ivan, site = sign_in(people.ivan), make_site(landline=True)
    stock(people, MAC, OTHER_MAC)
    new = f"/sites/{site.pk}/apartments/new/"
    assert ivan.post(new, apartment_form(building(people, site), (MAC, "Hallway"))).status_code == 302
    flat = Apartment.objects.get()
    address = f"/apartments/{flat.pk}/edit/"
    opened = form_in(ivan.get(address).content, "number")
    edit_apartment(
        people.ivan.actor, apartment_id=flat.pk, version=flat.version, floor=flat.floor, number=flat.number, name="Attic",
        switches=flat.switches, now=NOW,
    )  # fmt: skip
    answer = ivan.post(
        address, opened | {"monitors-0-mac": OTHER_MAC, "monitors-0-name": "Study", "monitors-TOTAL_FORMS": 1}
    )
    assert [line[0] for line in told(answer)] == ["Name"]
    again = form_in(answer.content, "number")
    assert (again["monitors-0-mac"], again["monitors-0-name"], again["name"]) == (OTHER_MAC, "Study", "Attic")
