"""Addresses in forms and on pages: they follow the country, with and without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Organization, SellerVersion
from communities.models import Site
from payments.models import BillingProfile
from tests.people import People, Person
from tests.portal.html import assert_clean, form_in, page_of
from tests.portal.places import create_site, site_form

pytestmark = pytest.mark.django_db
HONG_KONG = {"country": "Hong Kong", "city": "Central", "state": "Hong Kong Island", "postal_code": ""}
DUBAI = {"country": "United Arab Emirates", "city": "", "state": "Dubai", "postal_code": ""}
DOHA = {"country": "Qatar", "city": "Doha", "state": "", "postal_code": ""}
# Where addresses are put together by hand, which is the business of `accounts.typed.postal`.
BY_HAND = re.compile(r"(?:\.(?:street|postal_code|city)\b.*){2}")
FIELD_TAG = re.compile(r"{% field [^%]*%}")


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


def labels(html: bytes) -> list[str]:
    """The labels of the text fields and lists of a page, in order; "?" after those that may stay empty."""
    found = re.findall(r'<label for="id_(street|postal_code|city|state)">(.*?)</label>', html.decode(), re.DOTALL)
    return [re.sub(r"\s*<span.*?</span>", "?", unescape(text)).strip() for _name, text in found]


@pytest.mark.parametrize(
    ("place", "zone"), [(HONG_KONG, "Asia/Hong_Kong"), (DUBAI, "Asia/Dubai"), (DOHA, "Asia/Qatar")]
)
def test_a_site_where_there_are_no_postal_codes(ivan: Client, place: dict[str, str], zone: str) -> None:
    assert create_site(ivan, site_form(**place, time_zone="")).status_code == 302
    site = Site.objects.get()
    assert (site.postal_code, site.city, site.state, site.time_zone) == ("", place["city"], place["state"], zone)
    for address in (f"/sites/{site.pk}/", f"/sites/{site.pk}/edit/", "/sites/", "/dashboard/", "/search/?q=Harbour"):
        page = ivan.get(address)
        assert_clean(page.content)
        assert ", ," not in page.content.decode()
    assert site.name in ivan.get("/search/", {"q": place["city"] or place["state"]}).content.decode()
    opened = form_in(ivan.get(f"/sites/{site.pk}/edit/").content, "street")
    assert "postal_code" not in opened
    assert ivan.post(f"/sites/{site.pk}/edit/", opened).status_code == 302


@pytest.mark.parametrize(
    ("kind", "country", "expected"),
    [
        ("needed-own", "Germany", ["Postal code", "City"]),
        ("needed-own", "us", ["City", "State", "ZIP code"]),
        ("needed-other", "Hong Kong", ["District?", "Area"]),
        ("free-other", "Japan", ["Prefecture?", "Postal code?"]),
        ("needed-own", "Nowhere", ["Postal code", "City", "State"]),
    ],
)
def test_the_parts_of_the_form_follow_the_country(ivan: Client, kind: str, country: str, expected: list[str]) -> None:
    answer = ivan.get(f"/choices/address/{kind}/", {"country": country, "city": "<Quay>", "postal_code": "1"})
    assert labels(answer.content) == expected
    assert "<Quay>" not in answer.content.decode()
    assert ("&lt;Quay&gt;" in answer.content.decode()) == ("Prefecture?" not in expected)
    assert ('autocomplete="off"' in answer.content.decode()) == kind.endswith("other")


def test_no_other_fragment_is_there(ivan: Client) -> None:
    assert ivan.get("/choices/address/needed/").status_code == 404
    assert ivan.post("/choices/address/needed-own/").status_code == 405


def test_without_script_the_form_comes_back_with_the_parts_of_the_country(ivan: Client) -> None:
    assert labels(ivan.get("/sites/new/").content) == ["Street", "Postal code", "City", "State"]
    sent = site_form(
        country="United States", time_zone="America/Chicago", postal_code="60601", city="Chicago", state=""
    )
    answer = create_site(ivan, sent)
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert labels(answer.content) == ["Street", "City", "State", "ZIP code"]
    assert '<option value="IL">Illinois</option>' in answer.content.decode()
    assert create_site(ivan, form_in(answer.content, "street") | {"state": "IL"}).status_code == 302
    site = Site.objects.get()
    assert (site.state, site.address) == ("IL", "Kaistraße 14, Chicago, IL 60601")


def test_what_was_typed_is_written_as_the_country_does(ivan: Client) -> None:
    create_site(ivan, site_form(postal_code="D-20 457"))
    assert Site.objects.get().postal_code == "20457"


def test_a_wrong_postal_code_is_shown_an_example(ivan: Client) -> None:
    answer = create_site(ivan, site_form(postal_code="SW1A 2AA"))
    assert answer.status_code == 422
    assert "This is no postal code of Germany. One looks like 26133." in answer.content.decode()
    assert form_in(answer.content, "street")["postal_code"] == "SW1A 2AA"
    assert not Site.objects.exists()


def test_an_address_of_before_is_not_judged_until_it_changes(ivan: Client) -> None:
    create_site(ivan, site_form())
    Site.objects.update(country="US", city="", state="Calif.", postal_code="x1", time_zone="America/Chicago")
    address = f"/sites/{Site.objects.get().pk}/edit/"
    opened = form_in(ivan.get(address).content, "street")
    assert (opened["state"], opened["postal_code"]) == ("Calif.", "x1")
    assert ivan.post(address, opened | {"landline": "on"}).status_code == 302
    site = Site.objects.get()
    assert (site.landline, site.state, site.postal_code) == (True, "Calif.", "x1")
    opened = form_in(ivan.get(address).content, "street")
    assert ivan.post(address, opened | {"city": "Chicago"}).status_code == 422


def test_what_a_country_has_no_place_for_is_not_lost(ivan: Client) -> None:
    create_site(ivan, site_form(state="Hamburg-Mitte"))
    site = Site.objects.get()
    assert (site.state, site.address) == ("Hamburg-Mitte", "Kaistraße 14, 20457 Hamburg, Hamburg-Mitte")
    assert form_in(ivan.get(f"/sites/{site.pk}/edit/").content, "street")["state"] == "Hamburg-Mitte"


def test_a_firm_needs_no_address_but_a_right_one(people: People, ivan: Client) -> None:
    address = f"/users/firms/{people.ivan.firm.pk}/edit/"
    opened = form_in(ivan.get(address).content, "street")
    bare = {"street": "", "postal_code": "", "city": "", "country": "Germany", "time_zone": ""}
    assert ivan.post(address, opened | bare | {"postal_code": "1"}).status_code == 422
    assert ivan.post(address, opened | bare).status_code == 302
    assert (
        ivan.post(address, form_in(ivan.get(address).content, "street") | DUBAI | {"time_zone": ""}).status_code == 302
    )
    firm = Organization.objects.get(pk=people.ivan.firm.pk)
    assert (firm.country, firm.state) == ("AE", "Dubai")
    page = page_of(ivan.get(f"/users/firms/{firm.pk}/"))
    assert "<dt>Address</dt> <dd>Dubai</dd>" in page


def test_an_invoice_goes_to_an_address_of_its_country(people: People, ivan: Client) -> None:
    address = "/settings/billing/"
    opened = form_in(ivan.get(address).content, "street")
    sent: dict[str, Any] = opened | {"company": "Kowloon Ltd", "email": "a@kowloon.example", "street": "1 Nathan Road"}
    answer = ivan.post(address, sent | HONG_KONG | {"state": ""})
    assert answer.status_code == 422
    assert labels(answer.content) == ["Street", "District?", "Area"]
    assert ivan.post(address, sent | HONG_KONG | {"state": "Kowloon"}).status_code == 302
    profile = BillingProfile.objects.get()
    assert (profile.state, profile.postal_code, profile.is_complete) == ("Kowloon", "", True)


def test_the_seller_may_be_anywhere(people: People, sign_in: Callable[[Person], Client]) -> None:
    olga = sign_in(people.olga)
    opened = form_in(olga.get("/setup/seller/").content, "street")
    sent = opened | {"name": "Vendor FZE", "tax_number": "AE 1", "street": "Sheikh Zayed Road 5"} | DUBAI
    before = SellerVersion.objects.count()
    assert olga.post("/setup/seller/", sent | {"state": ""}).status_code == 422
    assert olga.post("/setup/seller/", sent).status_code == 302
    assert SellerVersion.objects.count() == before + 1
    version = SellerVersion.objects.order_by("-number")[0]
    assert version.line == "Vendor FZE, Sheikh Zayed Road 5, Dubai"
    assert "Sheikh Zayed Road 5, Dubai, United Arab Emirates" in olga.get("/setup/seller/").content.decode()


def test_no_address_is_put_together_by_hand() -> None:
    root = Path(settings.BASE_DIR)
    found = []
    for app in ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus", "templates"):
        for path in sorted((root / app).rglob("*")):
            if path.suffix not in {".py", ".html", ".txt"} or "migrations" in path.parts:
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if BY_HAND.search(FIELD_TAG.sub("", line)):
                    found.append(f"{path.relative_to(root)}:{number}")
    assert found == []
