"""Archiving asks first and says what ends; what is archived is found by its chip and restored from there (R78)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from communities.models import Apartment, Building, Entitlement, Site
from subscriptions.models import Order
from tests.people import People, Person
from tests.portal.html import assert_clean
from tests.portal.places import pay

SignIn = Callable[[Person], Client]
pytestmark = [pytest.mark.usefixtures("time_machine_at_noon"), pytest.mark.rule("R78")]


@pytest.fixture
def site(make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]) -> Site:
    """An apartment that is paid for, and one that never held anything."""
    made = make_site(booking=True)
    make_apartment(made, "1.01", indoor_monitor=False)
    make_apartment(made, "1.02", indoor_monitor=False, master=False)
    for item in Entitlement.objects.filter(target__number="1.01"):
        pay(item)
    return made


def test_archiving_says_what_ends_and_is_undone_from_the_archive(people: People, site: Site, sign_in: SignIn) -> None:
    ivan, flat = sign_in(people.ivan), Apartment.objects.get(number="1.01")
    asked = ivan.get(f"/apartments/{flat.pk}/archive/")
    text = asked.content.decode()
    assert_clean(asked.content)
    for words in ("1 × App, paid until", "1 resident, whose services rest", "Restoring brings all of this back"):
        assert words in text
    assert "Delete instead" not in text
    assert ivan.post(f"/apartments/{flat.pk}/archive/")["Location"] == f"/sites/{site.pk}/archived/"
    page = ivan.get(f"/sites/{site.pk}/archived/").content.decode()
    assert "Quay House 1.01" in page
    opened = ivan.get(f"/apartments/{flat.pk}/").content.decode()
    assert "This apartment is archived since" in opened
    assert f"/apartments/{flat.pk}/edit/" not in opened
    assert ivan.get(f"/apartments/{flat.pk}/edit/").status_code == 404
    ivan.post(f"/apartments/{flat.pk}/restore/")
    assert Apartment.objects.filter(pk=flat.pk).exists()


def test_an_open_order_is_named_and_nothing_is_archived(
    people: People,
    site: Site,
    fill_cart: Callable[..., object],
    place: Callable[..., Order],
    make_apartment,
    sign_in: SignIn,
) -> None:
    make_apartment(site, "2.01", indoor_monitor=False)
    order = place(fill_cart(items=[Entitlement.objects.get(target__number="2.01", service_type="app")]))
    ivan, flat = sign_in(people.ivan), Apartment.objects.get(number="2.01")
    asked = ivan.get(f"/apartments/{flat.pk}/archive/").content.decode()
    assert "is in an open order" in asked
    assert order.number in asked
    refused = ivan.post(f"/apartments/{flat.pk}/archive/", follow=True).content.decode()
    assert "Wait until it is paid, or let its payer cancel it." in refused
    assert Apartment.objects.filter(pk=flat.pk).exists()


def test_an_archived_site_is_found_by_its_chip_and_restored(people: People, site: Site, sign_in: SignIn) -> None:
    ivan = sign_in(people.ivan)
    assert ivan.get(f"/sites/{site.pk}/archive/").status_code == 200
    ivan.post(f"/sites/{site.pk}/archive/")
    assert "Harbour View" not in [cell.name for cell in ivan.get("/sites/").context["cells"]]
    assert [cell.name for cell in ivan.get("/sites/?show=archived").context["cells"]] == ["Harbour View"]
    page = ivan.get(f"/sites/{site.pk}/facts/").content.decode()
    assert "This site is archived since" in page
    assert f"/sites/{site.pk}/edit/" not in page
    ivan.post(f"/sites/{site.pk}/restore/")
    assert [cell.name for cell in ivan.get("/sites/").context["cells"]] == ["Harbour View"]


def test_what_never_held_anything_is_deleted_after_asking(people: People, site: Site, sign_in: SignIn) -> None:
    ivan, flat, paid = sign_in(people.ivan), Apartment.objects.get(number="1.02"), Apartment.objects.get(number="1.01")
    assert "Delete instead" in ivan.get(f"/apartments/{flat.pk}/archive/").content.decode()
    assert_clean(ivan.get(f"/apartments/{flat.pk}/delete/").content)
    ivan.post(f"/apartments/{flat.pk}/delete/")
    assert not Apartment.every.filter(pk=flat.pk).exists()
    ivan.post(f"/apartments/{paid.pk}/delete/")
    assert Apartment.every.filter(pk=paid.pk).exists()


def test_a_building_is_archived_from_its_page(people: People, site: Site, sign_in: SignIn) -> None:
    ivan, building = sign_in(people.ivan), Building.objects.get()
    assert f"/buildings/{building.pk}/archive/" in ivan.get(f"/buildings/{building.pk}/edit/").content.decode()
    assert "2 apartments are archived with it" in ivan.get(f"/buildings/{building.pk}/archive/").content.decode()
    ivan.post(f"/buildings/{building.pk}/archive/")
    assert "Building with its apartments" in ivan.get(f"/sites/{site.pk}/archived/").content.decode()
    ivan.post(f"/buildings/{building.pk}/restore/")
    assert Apartment.objects.count() == 2


@pytest.mark.parametrize("who", ["petra", "dora", "tess"])
def test_others_do_not_archive_a_site(people: People, site: Site, sign_in: SignIn, who: str) -> None:
    assert sign_in(getattr(people, who)).post(f"/sites/{site.pk}/archive/").status_code == 403
    assert Site.objects.filter(pk=site.pk).exists()
