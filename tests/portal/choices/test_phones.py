"""A resident's number in forms, on pages and in the search."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from communities.models import Apartment, Resident, Site
from tests.people import People, Person
from tests.portal.html import assert_clean, form_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@pytest.fixture
def flat(make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Apartment:
    """An apartment in Hamburg."""
    return make_apartment(make_site())


def add(client: Client, flat: Apartment, mobile: str):
    """The form as the browser sends it."""
    form = {"name": "Jan Voss", "email": "", "mobile": mobile, "language": "de", "remark": ""}
    return client.post(f"/apartments/{flat.pk}/residents/new/", form)


def test_a_number_is_kept_by_the_country_of_the_site(ivan: Client, flat: Apartment) -> None:
    assert add(ivan, flat, "(040) 123 45 67 ext. 12").status_code == 302
    resident = Resident.objects.get(name="Jan Voss")
    assert resident.mobile == "+49401234567;ext=12"
    page = ivan.get(f"/apartments/{flat.pk}/")
    assert_clean(page.content)
    assert '<a href="tel:+49401234567;ext=12"><bdi>+49 40 1234567 ext. 12</bdi></a>' in page.content.decode()
    address = f"/residents/{resident.pk}/edit/"
    opened = ivan.get(address).content
    assert form_in(opened, "mobile")["mobile"] == "+49 40 1234567 ext. 12"
    assert '<input type="tel" name="mobile" value="+49 40 1234567 ext. 12" autocomplete="off"' in opened.decode()
    Site.objects.update(country="NO")  # the same form again means the same number
    assert ivan.post(address, form_in(opened, "mobile") | {"remark": "x"}).status_code == 302
    resident.refresh_from_db()
    assert (resident.mobile, resident.remark) == ("+49401234567;ext=12", "x")
    assert (
        ivan.post(address, form_in(ivan.get(address).content, "mobile") | {"mobile": "22 00 00 00"}).status_code == 302
    )
    resident.refresh_from_db()
    assert resident.mobile == "+4722000000"


def test_what_is_no_number_is_refused_and_stays_in_the_form(ivan: Client, flat: Apartment) -> None:
    answer = add(ivan, flat, "call me after 5")
    assert answer.status_code == 422
    assert "This is no telephone number. One looks like +49 1512 3456789." in answer.content.decode()
    assert form_in(answer.content, "mobile")["mobile"] == "call me after 5"
    assert not Resident.objects.filter(name="Jan Voss").exists()


def test_a_text_of_before_stays_until_it_is_changed(ivan: Client, flat: Apartment) -> None:
    add(ivan, flat, "040 1234567")
    Resident.objects.filter(name="Jan Voss").update(mobile="after 5")
    resident = Resident.objects.get(name="Jan Voss")
    assert "after 5" in ivan.get(f"/apartments/{flat.pk}/").content.decode()
    address = f"/residents/{resident.pk}/edit/"
    opened = form_in(ivan.get(address).content, "mobile")
    assert ivan.post(address, opened | {"name": "Jan V"}).status_code == 302
    resident.refresh_from_db()
    assert (resident.name, resident.mobile) == ("Jan V", "after 5")
    opened = form_in(ivan.get(address).content, "mobile")
    assert ivan.post(address, opened | {"mobile": "after 6"}).status_code == 422


@pytest.mark.parametrize("typed", ["040 1234567", "+49 40 123 45 67", "0049401234567", "40-1234567"])
def test_a_resident_is_found_by_the_number(ivan: Client, flat: Apartment, typed: str) -> None:
    add(ivan, flat, "040/1234567")
    assert "Jan Voss" in ivan.get("/search/", {"q": typed}).content.decode()
    assert "Jan Voss" not in ivan.get("/search/", {"q": "040 7654321"}).content.decode()
