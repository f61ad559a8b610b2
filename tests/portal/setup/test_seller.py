"""The seller: published in versions, with a logo that is judged by its bytes; named on the orders of its days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client

from accounts import logos, sellers
from accounts.actions import seller, terms
from accounts.errors import NotPermitted, Refused
from accounts.models import AuditEvent, SellerLogo, SellerVersion
from subscriptions.models import Order
from tests.people import NOW, People
from tests.portal.html import assert_clean, page_of
from tests.portal.seller import JPEG, SENT, VALUES, png

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_machine_at_noon")]
PAGE = "/setup/seller/"


def publish(people: People, *, now=NOW, **values):
    return seller.publish(people.olga.actor, values={**VALUES, **values}, valid_from=now, now=now)


def test_the_operator_publishes_and_a_mistake_is_mended_by_a_further_version(people: People, sign_in) -> None:
    olga = sign_in(people.olga)
    assert_clean(olga.get(PAGE).content)
    logo = SimpleUploadedFile("evil.html", png(), content_type="text/html")
    assert olga.post(PAGE, {**SENT, "logo": logo})["Location"] == PAGE
    first = sellers.in_force(now=NOW)
    assert first
    assert (first.number, first.name, first.valid_from, first.published_by) == (
        1,
        "Vendor GmbH",
        NOW,
        people.olga.membership.user,
    )
    page = olga.get(PAGE)
    assert_clean(page.content)
    assert 'value="Vendor GmbH"' in page.content.decode()
    assert olga.post(PAGE, {**SENT, "newest": "1", "street": "Hafenweg 2"}).status_code == 302
    second = sellers.in_force(now=NOW)
    assert second
    assert (second.number, second.street, second.logo) == (2, "Hafenweg 2", first.logo)
    event = AuditEvent.objects.filter(action="seller.published").first()
    assert event
    assert (event.before, event.after) == ({"street": "Hafenweg 1"}, {"street": "Hafenweg 2"})
    olga.post(PAGE, {**SENT, "newest": "2", "no_logo": "on"})
    assert SellerVersion.objects.get(number=3).logo is None
    assert first.logo
    for row in (first, first.logo):
        with pytest.raises(DatabaseError), transaction.atomic():
            row.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        SellerVersion.objects.update(name="x")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"tax_number": " "}, "This field is required."),
        ({"country": "XX"}, "This country is not known."),
        ({"valid_from": "2026-11-21"}, "past"),
        ({"valid_from": ""}, "Say from which day it is valid."),
        ({"logo": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, "not a PNG or JPEG"),
        ({"logo": png(more=b"<script>")}, "not a PNG or JPEG"),
        ({"logo": png()[:-3]}, "not a PNG or JPEG"),
        ({"logo": png(2001, 1)}, "more than 2000 pixels"),
        ({"logo": logos.PNG_BEGIN + b"x" * 103_000}, "larger than 100 KB"),
        ({"logo": JPEG[:-2]}, "not a PNG or JPEG"),
    ],
)
def test_what_is_no_seller_is_refused_and_changes_nothing(people: People, sign_in, fields, words) -> None:
    before = AuditEvent.objects.count()
    if "logo" in fields:
        fields = {"logo": SimpleUploadedFile("logo.png", fields["logo"], content_type="image/png")}
    answer = sign_in(people.olga).post(PAGE, {**SENT, **fields})
    assert answer.status_code == 422
    assert words in answer.content.decode().replace("&#x27;", "'")
    assert_clean(answer.content)
    assert (SellerVersion.objects.count(), SellerLogo.objects.count()) == (0, 0)
    assert AuditEvent.objects.count() == before


def test_who_was_slower_is_told_and_overwrites_nothing(people: People, sign_in) -> None:
    publish(people)
    answer = sign_in(people.olga).post(PAGE, {**SENT, "street": "Mine"})
    assert answer.status_code == 409
    text = page_of(answer)
    assert "Version 1 is the first of the list below. Yours is not published. A logo has to be chosen again." in text
    assert "Nothing of yours is lost" not in text
    assert "faster" not in text
    assert 'name="newest" value="1"' in answer.content.decode()
    assert SellerVersion.objects.count() == 1
    with pytest.raises(Refused, match="Nothing differs"):
        publish(people)
    with pytest.raises(NotPermitted):
        seller.publish(people.dora.actor, values=VALUES, valid_from=NOW, now=NOW)


@pytest.mark.parametrize(("content", "kind"), [(png(), "image/png"), (JPEG, "image/jpeg")])
def test_the_logo_is_served_as_the_picture_it_is(people: People, content: bytes, kind: str) -> None:
    made = seller.publish(people.olga.actor, values=VALUES, valid_from=NOW, picture=content, now=NOW)
    assert made.logo
    assert (made.logo.width, made.logo.height) == (40, 20)
    answer = Client().get(f"/seller/logo/{made.logo.digest}/")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, content, kind)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert Client().get(f"/seller/logo/{'0' * 64}/").status_code == 404


def test_an_order_names_the_seller_of_its_day_and_the_terms_it_was_placed_under(
    people: People, sign_in, harbour_view, price_list, place, fill_cart, billing
) -> None:
    publish(people, name="Old Vendor GmbH")
    order: Order = place(fill_cart())
    publish(people, name="New Vendor GmbH", now=NOW + timedelta(days=1))
    page = sign_in(people.dora).get(f"/orders/{order.number}/").content.decode()
    assert "Old Vendor GmbH" in page
    assert "New Vendor GmbH" not in page
    assert 'href="/terms/1/"' in page


def test_a_text_names_the_seller_known_when_it_was_published(people: People) -> None:
    publish(people, name="Vendor *GmbH*")
    terms.publish(people.olga.actor, document="terms", texts={"en": "Sold by **{seller}**."}, valid_from=NOW, now=NOW)
    publish(people, name="Another Ltd")
    page = Client().get("/terms/").content.decode()
    assert "Sold by <strong>Vendor *GmbH*, Hamburg</strong>." in page


def test_the_demos_seller_counts_in_the_demo_only(people: People, settings) -> None:
    with pytest.raises(Refused, match="belongs to the demo"):
        seller.publish(people.olga.actor, values=VALUES, valid_from=NOW, now=NOW, is_example=True)
    settings.DEMO = True
    seller.publish(people.olga.actor, values=VALUES, valid_from=NOW, now=NOW, is_example=True)
    assert sellers.in_force(now=NOW)
    settings.DEMO = False
    assert sellers.in_force(now=NOW) is None
