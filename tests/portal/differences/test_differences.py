"""The page of differences: over all sites, over an installer's, at one site; what each role may do there, and who sees sums."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization
from communities.models import Apartment, Entitlement, Site
from subscriptions.models import PriceList
from tests.people import People, Person
from tests.portal.html import assert_clean
from tests.portal.places import pay

SignIn = Callable[[Person], Client]
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")
PAGE = "/sites/differences/"


@pytest.fixture
def world(
    people: People, price_list: PriceList, make_site: Callable[..., Site], make_apartment: Callable[..., Apartment]
) -> Site:
    """1.01 has never been activated, in 1.02 a paid landline is off, 1.03 waits for its monitor, 1.04 is empty and paid."""
    site = make_site(booking=True, landline=True)
    make_apartment(site, "1.01", indoor_monitor=False)
    make_apartment(site, "1.02", indoor_monitor=False)
    make_apartment(site, "1.03", waits=True)
    make_apartment(site, "1.04", indoor_monitor=False, master=False)
    for number, service in (("1.02", "app"), ("1.02", "premium"), ("1.04", "premium")):
        pay(Entitlement.objects.get(target__number=number, service_type=service))
    Apartment.objects.filter(number="1.02").update(landline=False)
    Entitlement.objects.filter(target__number="1.02", service_type="premium").update(variant="booking")
    return site


def body_of(answer: Any) -> bytes:
    """The whole answer."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize("who", ["olga", "dora", "ivan", "tess"])
def test_the_page_opens_for_everybody_who_has_sites(people: People, world: Site, sign_in: SignIn, who: str) -> None:
    client = sign_in(getattr(people, who))
    for address in (PAGE, f"/sites/{world.pk}/differences/"):
        page = client.get(address)
        if who == "tess" and address != PAGE:
            assert page.status_code == 404  # not assigned to it
            continue
        assert page.status_code == 200
        assert_clean(page.content)
        text = page.content.decode()
        assert ("Quay House 1.02" in text) is (who != "tess")


def test_each_row_has_its_one_click(people: People, world: Site, sign_in: SignIn) -> None:
    ivan, dora = (sign_in(person).get(PAGE).content.decode() for person in (people.ivan, people.dora))
    homes = {home.number: home.pk for home in Apartment.objects.all()}
    for text in (
        f"/apartments/{homes['1.03']}/devices/new/",
        f"/apartments/{homes['1.04']}/residents/new/",
        "Request 2 items",
    ):
        assert text in ivan
        assert text not in dora
    assert "Activate 2 items" in dora
    assert f"installer={people.ivan.firm.pk}&amp;kind=community&amp;site={world.pk}&amp;select=all" in dora


def test_where_prices_are_hidden_no_sum_appears(people: People, world: Site, sign_in: SignIn) -> None:
    client = sign_in(people.ivan)
    assert "US$" in client.get(PAGE).content.decode()
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    for address in (PAGE, f"/sites/{world.pk}/differences/", f"{PAGE}?format=csv"):
        answer = client.get(address)
        body = body_of(answer)
        assert answer.status_code == 200
        for sign in (b"US$", b"USD", b"Demo prices"):
            assert sign not in body, address


def test_the_chips_narrow_and_the_tile_asks_for_both(people: People, world: Site, sign_in: SignIn) -> None:
    client = sign_in(people.dora)
    counted = {
        show: client.get(f"{PAGE}?show={show}").context["count"]
        for show in ("unpaid", "unused", "monitors", "empty", "differ", "")
    }
    assert counted == {"unpaid": "4", "unused": "1", "monitors": "1", "empty": "1", "differ": "5", "": "7"}
    assert client.get(f"{PAGE}?installer={people.ivan.firm.pk}").context["count"] == "7"
    assert client.get(f"{PAGE}?installer={people.igor.firm.pk}").context["count"] == "7"  # no installer of hers


def test_the_tab_of_the_site_says_the_number(people: People, world: Site, sign_in: SignIn) -> None:
    for who in (people.ivan, people.dora):
        page = sign_in(who).get(f"/sites/{world.pk}/")
        assert str(page.context["n_differences"]) == "7"
        assert f"/sites/{world.pk}/differences/" in page.content.decode()


def test_the_file_has_a_line_for_each_row(people: People, world: Site, sign_in: SignIn) -> None:
    answer = sign_in(people.ivan).get(f"{PAGE}?format=csv")
    head, *rows = csv.reader(io.StringIO(body_of(answer).decode("utf-8-sig")))
    assert head[:5] == ["Kind", "Installer", "Site", "Apartment", "What"]
    assert [row[0] for row in rows] == ["On, not paid", "Paid, not used", "Monitor to come", "Empty, but paid"]
    assert [row[3] for row in rows] == ["", "Quay House 1.02", "Quay House 1.03", "Quay House 1.04"]


def test_a_key_that_means_nothing_is_the_first_page(people: People, world: Site, sign_in: SignIn) -> None:
    client = sign_in(people.ivan)
    first = client.get(PAGE).context["differing"]
    for key in ("²", "x", "W10", "WyJ1bnBhaWQiLCJcdWQ4MDAiLDEsIiIsMF0", "9" * 99):
        assert client.get(PAGE, {"after": key}).context["differing"] == first, key
