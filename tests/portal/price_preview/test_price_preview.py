"""The price preview beside the forms of communities and apartments: what is toggled is priced, and nothing is saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Site
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import prices
from subscriptions.models import PriceList
from tests.factories import apartments
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import assert_clean, page_of, untimed
from tests.portal.places import apartment_form, building, everything, pay, site_form

SignIn = Callable[[Person], Client]
HTMX = {"HX-Request": "true", "HX-Target": "price-preview"}
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@contextmanager
def nothing_written() -> Iterator[None]:
    """No statement inside may write."""

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        assert not WRITES.match(sql), sql
        return execute(sql, params, many, context)

    before = everything()
    with connection.execute_wrapper(refuse):
        yield
    assert everything() == before


def ask(client: Client, address: str, form: dict[str, Any]) -> str:
    """The fragment for a form that is not saved."""
    with nothing_written():
        answer = client.post(address, form, headers=HTMX)
    assert answer.status_code == 200, page_of(answer)
    text = page_of(answer)
    assert "<html" not in text
    assert_clean(text)
    return text


def figures(page: str) -> list[str]:
    """Today (or the apartment), then the two figures below it."""
    return [re.sub(r"<[^>]+>.*", "", found).strip() for found in re.findall(r'class="(?:big|mid)">([^<]+)', page)]


def hide_prices(person: Person) -> None:
    Organization.objects.filter(pk=person.firm.pk).update(sees_prices=False)


def test_toggling_a_service_of_a_paid_community_shows_the_difference_and_its_why(
    harbour_view: Site, ivan: Client, price_list: PriceList
) -> None:
    for item in Entitlement.objects.all():
        pay(item, NOW + timedelta(days=51))
    address = f"/sites/{harbour_view.pk}"
    page = page_of(ivan.get(f"{address}/edit/"))
    assert_clean(page)
    assert figures(page) == ["US$0.00", "US$10.20", "US$2.60"]
    assert "Everything that is on works and is paid for" in page
    changed = site_form(booking="on", landline="on", package_room="on", pm_app="on", version="1")
    text = ask(ivan, f"{address}/price-preview/", changed)
    assert figures(text) == ["US$1.02", "US$10.80", "US$2.90"]  # 2 × 51 × 0.30 ÷ 30
    assert "Only the difference, 51 days to 12 Jan 2027" in untimed(text)
    assert "+US$0.60" in text
    assert "Package Room, new" in text
    assert "51 days × US$0.30 ÷ 30" in text
    assert Site.objects.get().package_room is False


def test_switching_off_is_shown_as_what_it_was(harbour_view: Site, ivan: Client, price_list: PriceList) -> None:
    text = ask(ivan, f"/sites/{harbour_view.pk}/price-preview/", site_form(version="1"))
    assert "not on any more" in text
    assert "−US$0.90" in text
    assert "−US$0.30" in text


def test_without_script_the_button_shows_the_price_keeps_what_was_typed_and_saves_nothing(
    harbour_view: Site, ivan: Client, price_list: PriceList
) -> None:
    typed = site_form("Harbour View renamed", street="", landline="on", booking="on", smart_parking="on", version="1")
    with nothing_written():
        answer = ivan.post(f"/sites/{harbour_view.pk}/edit/", {**typed, "show-price": "1"})
    page = page_of(answer)
    assert answer.status_code == 200
    assert_clean(page)
    assert 'value="Harbour View renamed"' in page
    assert re.search(r'name="smart_parking"[^>]* checked', page)
    assert "This field is required" not in page
    assert "Smart Parking" in page.split('id="price-preview"')[1]
    assert Site.objects.get().name == "Harbour View"


def test_the_price_of_a_form_that_is_refused_stands_beside_its_errors(
    harbour_view: Site, ivan: Client, price_list: PriceList
) -> None:
    answer = ivan.post(
        f"/sites/{harbour_view.pk}/edit/", site_form("", booking="on", landline="on", package_room="on", version="1")
    )
    assert answer.status_code == 422
    assert "Package Room" in page_of(answer).split('id="price-preview"')[1]


@pytest.mark.rule("R27")
def test_a_new_apartment_is_priced_as_it_will_be_with_its_family_master(
    people: People, harbour_view: Site, ivan: Client, price_list: PriceList
) -> None:
    address = f"/sites/{harbour_view.pk}/apartments/new/"
    page = page_of(ivan.get(address))
    assert_clean(page)
    assert figures(page)[0] == "US$2.40"  # App 1.50, booking 0.30, landline 0.60
    assert "Harbour View then US$12.60" in page
    with_monitor = apartment_form(None, landline="on", number="9.01")
    text = ask(ivan, f"{address}price-preview/", with_monitor)
    assert figures(text) == ["US$2.40", "US$0.00", "US$2.40"]
    assert "Apartment 9.01" in text
    without = ask(ivan, f"{address}price-preview/", apartment_form(None, indoor_monitor=None))
    assert figures(without) == ["US$2.80", "US$0.00", "US$2.80"]
    assert "The App needs a family master" in without


def test_an_apartment_under_edit_shows_the_difference_to_its_own_expiry(
    harbour_view: Site, ivan: Client, price_list: PriceList
) -> None:
    apartment = Apartment.objects.get(number="1.02")
    for item in apartment.target.entitlements.all():
        pay(item, NOW + timedelta(days=20))
    page = page_of(ivan.get(f"/apartments/{apartment.pk}/edit/"))
    assert_clean(page)
    assert figures(page) == ["US$2.80", "US$0.00", "US$0.00"]
    text = ask(
        ivan,
        f"/apartments/{apartment.pk}/price-preview/",
        apartment_form(None, indoor_monitor=None, landline="on", version="1"),
    )
    assert figures(text)[1:] == ["US$0.00", "US$0.40"]  # 20 × 0.60 ÷ 30
    assert "+US$0.60" in text
    assert "the difference to 12 Dec 2026" in untimed(text)
    assert "Harbour View then US$10.80" in text


def test_the_price_button_of_the_apartment_keeps_its_rows_and_adds_none(
    people: People, harbour_view: Site, ivan: Client, price_list: PriceList
) -> None:
    quay = harbour_view.buildings.get()
    typed = apartment_form(quay, ("0C:11:05", "Hallway"), name="Penthouse", **{"show-price": "1"})
    with nothing_written():
        answer = ivan.post(f"/sites/{harbour_view.pk}/apartments/new/", typed)
    page = page_of(answer)
    assert answer.status_code == 200
    assert 'value="Penthouse"' in page
    assert 'value="0C:11:05"' in page
    assert 'name="monitors-1-mac"' not in page
    assert "11 of 12" not in page


def test_a_missing_price_is_said_and_the_form_goes_on_working(people: People, harbour_view: Site, ivan: Client) -> None:
    page = page_of(ivan.get(f"/sites/{harbour_view.pk}/edit/"))
    assert_clean(page)
    assert "There is no price list in USD yet. Ask the operator for one." in page
    poor = {key: amount for key, amount in INVENTED_PRICES.items() if key[1] != "package_room"}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=poor, valid_from=NOW - timedelta(days=1), now=NOW)
    text = ask(ivan, f"/sites/{harbour_view.pk}/price-preview/", site_form(package_room="on", version="1"))
    assert "has no price for Premium Plan, Package Room" in text


def test_each_service_of_the_form_says_what_it_costs(harbour_view: Site, ivan: Client, price_list: PriceList) -> None:
    page = page_of(ivan.get(f"/sites/{harbour_view.pk}/edit/")).replace("> ", ">").replace(" <", "<")
    for words in (
        '<div class="pr">US$1.50<span>App, else US$2.50</span></div>',
        '<div class="pr">US$0.30<span>per apartment</span></div>',
        '<div class="pr">US$5.00<span>per manager</span></div>',
    ):
        assert words in page, words


def test_who_may_not_see_prices_has_the_form_without_the_preview_and_no_fragment(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    from communities.actions import assignments

    assignments.set_technicians(
        people.ivan.actor, site_id=harbour_view.pk, membership_ids=[people.tess.membership.pk], now=NOW
    )
    hide_prices(people.ivan)
    apartment = Apartment.objects.first()
    assert apartment is not None
    fragments = [
        f"/sites/{harbour_view.pk}/price-preview/", f"/sites/{harbour_view.pk}/apartments/new/price-preview/",
        f"/apartments/{apartment.pk}/price-preview/",
    ]  # fmt: skip
    for person in (people.tess, people.ivan):
        client = sign_in(person)
        for address in (f"/sites/{harbour_view.pk}/edit/", f"/apartments/{apartment.pk}/edit/"):
            page = page_of(client.get(address))
            assert 'id="price-preview"' not in page
            assert "US$" not in page
            assert 'name="landline"' in page
        for fragment in fragments:
            answer = client.post(fragment, site_form(), headers=HTMX)
            assert answer.status_code == 403
            assert "US$" not in page_of(answer)
    assert sign_in(people.petra).post(fragments[0], site_form(), headers=HTMX).status_code == 403


def test_an_installer_that_may_pay_sees_prices_even_when_they_are_hidden(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False, pays_regular=True)
    assert 'id="price-preview"' in page_of(sign_in(people.ivan).get(f"/sites/{harbour_view.pk}/edit/"))


@pytest.mark.parametrize("who", ["dora", "olga", "petra", "tess"])
def test_who_has_no_such_form_gets_no_such_bill(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn, who: str
) -> None:
    answer = sign_in(getattr(people, who)).post(
        f"/sites/{harbour_view.pk}/price-preview/", site_form(booking="on"), headers=HTMX
    )
    assert answer.status_code == 403


@pytest.mark.rule("R1")
def test_a_foreign_site_or_apartment_is_absent_here_too(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    apartment = Apartment.objects.first()
    assert apartment is not None
    for person in (people.igor, people.ines):
        client = sign_in(person)
        for foreign, absent in (
            (f"/sites/{harbour_view.pk}/price-preview/", "/sites/999999/price-preview/"),
            (f"/sites/{harbour_view.pk}/apartments/new/price-preview/", "/sites/999999/apartments/new/price-preview/"),
            (f"/apartments/{apartment.pk}/price-preview/", "/apartments/999999/price-preview/"),
        ):
            answers = [client.post(address, site_form(), headers=HTMX) for address in (foreign, absent)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].content == answers[1].content


@pytest.mark.rule("R1")
def test_foreign_ids_in_the_body_change_nothing(
    people: People, harbour_view: Site, make_site, price_list: PriceList, ivan: Client
) -> None:
    foreign = make_site("Les Tilleuls", by=people.igor, booking=True)
    quay = building(people, foreign, "Bâtiment A", by=people.igor)
    address = f"/sites/{harbour_view.pk}/apartments/new/price-preview/"
    own = ask(ivan, address, apartment_form(None, landline="on"))
    assert ask(ivan, address, apartment_form(quay, landline="on", site=foreign.pk, apartment=1)) == own


def test_a_bill_is_only_asked_for_by_post(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client
) -> None:
    assert ivan.get(f"/sites/{harbour_view.pk}/price-preview/").status_code == 405


def test_ten_thousand_apartments_take_no_more_statements_than_two(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client
) -> None:
    items: dict[str, str] = {ServiceType.APP: "monitor", ServiceType.PREMIUM: "landline+booking"}
    apartments(
        harbour_view, harbour_view.buildings.get(), 10_000, items=items, until=NOW + timedelta(days=30), landline=True
    )
    with CaptureQueriesContext(connection) as statements:
        answer = ivan.post(
            f"/sites/{harbour_view.pk}/price-preview/",
            site_form(booking="on", landline="on", package_room="on"),
            headers=HTMX,
        )
    assert "10001 × US$1.50" in page_of(answer)
    assert len(statements) <= 8


def test_a_new_apartment_and_its_neighbours_are_priced_by_one_rule(
    people: People, harbour_view: Site, make_apartment: Callable[..., Apartment], ivan: Client, price_list: PriceList
) -> None:
    new = page_of(ivan.get(f"/sites/{harbour_view.pk}/apartments/new/"))
    empty = make_apartment(harbour_view, "1.03", master=False)
    edited = page_of(ivan.get(f"/apartments/{empty.pk}/edit/"))
    assert figures(new) == figures(edited) == ["US$2.40", "US$0.00", "US$2.40"]  # App 1.50, booking 0.30, landline 0.60
    assert "Harbour View then US$12.60" in new
    assert "Harbour View then US$12.60" in edited
    assert "<ins>" not in edited  # nothing was changed, so nothing is a difference
    assert "1 apartment has no family master yet: its App, US$1.50 of the sum, can be activated" in edited
    assert "The Premium Plan belongs to the apartment: it can be activated without a family master." in edited
    of_site = page_of(ivan.get(f"/sites/{harbour_view.pk}/edit/"))
    assert figures(of_site)[:2] == ["US$12.60", "US$12.60"]
    assert "1 apartment has no family master yet" in of_site


def test_what_the_landline_of_managers_costs_is_called_a_surcharge(
    people: People, harbour_view: Site, ivan: Client, price_list: PriceList, sign_in: SignIn
) -> None:
    page = page_of(ivan.get(f"/sites/{harbour_view.pk}/edit/"))
    assert "+US$1.00 <span>per manager, on top of the PM App</span>" in page
    switched = site_form(pm_app="on", pm_landline="on", landline="on", booking="on", version="1")
    why = ask(ivan, f"/sites/{harbour_view.pk}/price-preview/", switched)
    assert "Landline Service for PM, surcharge on the PM App" in why
    book = page_of(sign_in(people.olga).get(f"/prices/{price_list.pk}/"))
    assert "Landline Service for PM, surcharge on the PM App" in book
