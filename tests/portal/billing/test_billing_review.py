"""The billing review of a site: what is paid for, by whom, until when, and only the lines of this site."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from communities import reports
from communities.actions import assignments
from communities.actions.targets import relabel
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, ManagerAssignment, Site, keys_of
from subscriptions import reviews
from subscriptions.actions import fulfilment
from subscriptions.models import AutoRenewal, AutoRenewalItem, PriceList
from tests.factories import PaymentMethodFactory, SubscriptionFactory, apartments
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, links_of, page_of, untimed
from tests.portal.places import building, pay
from tests.subscriptions.lookups import entitlement

SignIn = Callable[[Person], Client]
IN_51_DAYS = NOW + timedelta(days=51)


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def petra(people: People, sign_in: SignIn) -> Client:
    """Petra's browser."""
    return sign_in(people.petra)


def address(site: Site, query: str = "") -> str:
    return f"/sites/{site.pk}/billing/{query}"


def read(client: Client, site: Site, query: str = "") -> str:
    answer = client.get(address(site, query))
    assert answer.status_code == 200
    text = page_of(answer)
    assert_clean(text)
    return text


def table(client: Client, site: Site, query: str = "?format=csv") -> list[dict[str, str]]:
    answer = client.get(address(site, query))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))


def test_before_anything_is_paid_the_page_says_so(harbour_view: Site, price_list: PriceList, petra: Client) -> None:
    page = read(petra, harbour_view)
    assert "nothing is active yet" in page
    assert page.count("Not activated") >= 5
    assert "<b>Not activated</b> 5 items, US$10.20 every 30 days, if paid" in page
    assert "does not work yet" in page
    assert "US$10.20 more if all that is on were activated" in page  # 1.50 + 2.50, 0.90 + 0.30, 5.00
    assert '<div class="v">US$0.00 <small>every 30 days' in page
    assert "Nordlys Distribution" in page
    assert "You pay nothing for this site" in page
    assert "No order yet has lines of this site." in page


def test_petra_reads_what_is_paid_until_when_and_what_comes_next(
    harbour_view: Site, price_list: PriceList, petra: Client
) -> None:
    for item in Entitlement.objects.all():
        pay(item, IN_51_DAYS)
    pay(entitlement(harbour_view, ServiceType.PM_APP), NOW + timedelta(days=41))
    page = untimed(read(petra, harbour_view))
    assert "2 Jan 2027 <small>" in page
    assert "US$5.00, PM App of Petra Holm, you" in page
    assert "12 Jan 2027 <small>" in page
    assert "US$5.20, 4 items" in page
    assert table(petra, harbour_view)[0] == {
        "Item": "App",
        "For": "1.01",
        "Count": "1",
        "Status": "Active",
        "Switched on": "with indoor monitor",
        "Paid for": "with indoor monitor",
        "Paid, not used": "",
        "Does not work yet": "",
        "Expires": "2027-01-12",
        "Who pays": "Nordlys Distribution",
        "How": "manual",
        "Paid, every 30 days": "1.50",
        "Not paid, every 30 days": "0.00",
        "Next 30 days": "1.50",
        "Currency": "USD",
    }


def test_items_alike_are_one_row_and_few_are_named(
    harbour_view: Site, make_apartment: Callable[..., Apartment], price_list: PriceList, petra: Client
) -> None:
    for number in range(3, 9):
        make_apartment(harbour_view, f"1.0{number}")
    for minutes, item in enumerate(Entitlement.objects.filter(service_type="app")):
        pay(item, IN_51_DAYS + timedelta(minutes=minutes))
    rows = [(row["Item"], row["For"], row["Count"], row["Next 30 days"]) for row in table(petra, harbour_view)]
    assert rows[:2] == [("App", "7 apartments", "7", "10.50"), ("App", "1.02", "1", "2.50")]
    assert ("Premium Plan", "7 apartments", "7", "6.30") in rows
    assert ("PM App", "Petra Holm, you", "1", "5.00") in rows


def test_where_there_are_several_buildings_each_is_named_once(
    people: People, harbour_view: Site, price_list: PriceList, petra: Client
) -> None:
    pier = building(people, harbour_view, "Pier House")
    Apartment.objects.filter(number="1.02").update(building=pier, number="7.01", number_key="7.01", number_order="0701")
    relabel(harbour_view)
    premium = Entitlement.objects.filter(service_type="premium")
    premium.update(variant="booking")
    assert [row["For"] for row in table(petra, harbour_view) if row["Item"] == "Premium Plan"] == [
        "Pier House 7.01 and Quay House 1.01"
    ]
    Apartment.objects.filter(number="7.01").update(building=harbour_view.buildings.get(name="Quay House"))
    relabel(harbour_view)
    assert [row["For"] for row in table(petra, harbour_view) if row["Item"] == "Premium Plan"] == ["1.01 and 7.01"]


@pytest.mark.parametrize(
    ("how_far_to_end", "paid", "state", "unused", "missing"),
    [
        (60, "landline+booking", "Active", "", ""),
        (30, "landline+booking", "Active", "", ""),  # due, and nothing to warn of yet
        (8, "landline+booking", "Active", "", ""),
        (7, "landline+booking", "Expiring", "", ""),
        (60, "landline+booking+package_room", "Active", "Package Room", ""),
        (60, "booking", "Not all paid", "", "Landline Service (For Residents)"),
        (60, "booking+dynamic_qr", "Not all paid", "Dynamic QR Code", "Landline Service (For Residents)"),
        (-3, "landline+booking", "In grace", "", ""),
        (-8, "landline+booking", "Lapsed", "", "Landline Service (For Residents), Booking Service"),
    ],
)
def test_what_is_on_and_what_is_paid_are_told_apart(
    harbour_view: Site,
    price_list: PriceList,
    petra: Client,
    how_far_to_end: int,
    paid: str,
    state: str,
    unused: str,
    missing: str,
) -> None:
    item = entitlement(harbour_view, ServiceType.PREMIUM, "1.01")
    Entitlement.objects.filter(pk=item.pk).pay_until(NOW + timedelta(days=how_far_to_end), paid_variant=paid)
    (row,) = [row for row in table(petra, harbour_view) if (row["Item"], row["For"]) == ("Premium Plan", "1.01")]
    assert (row["Status"], row["Paid, not used"], row["Does not work yet"]) == (state, unused, missing)
    assert bool(unused or missing) == (row in table(petra, harbour_view, "?show=differs&format=csv"))
    assert (-7 < how_far_to_end <= 60) == (row in table(petra, harbour_view, "?show=ending&format=csv"))


def test_paid_time_of_what_is_switched_off_is_still_shown(
    harbour_view: Site, price_list: PriceList, petra: Client
) -> None:
    item = pay(entitlement(harbour_view, ServiceType.PREMIUM, "1.02"), IN_51_DAYS)
    Entitlement.objects.filter(pk=item.pk).update(variant="")
    page = read(petra, harbour_view)
    assert "Booking Service paid, not used" in page
    assert "Not used" in page
    Entitlement.objects.filter(pk=item.pk).pay_until(NOW - timedelta(days=7))
    assert "Booking Service paid, not used" not in read(petra, harbour_view)


def test_who_pays_is_the_installer_if_it_may_else_its_distributor_and_the_auto_renewals_payer_before_both(
    people: People, harbour_view: Site, price_list: PriceList, petra: Client, sign_in: SignIn, fill_cart, place
) -> None:
    assert {row["Who pays"] for row in table(petra, harbour_view)} == {"Nordlys Distribution"}
    assert "that is you" in read(sign_in(people.dora), harbour_view)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=True)
    assert {row["Who pays"] for row in table(petra, harbour_view)} == {"Hafen Intercom GmbH"}
    assert "that is you" in read(sign_in(people.ivan), harbour_view)
    app = pay(entitlement(harbour_view, ServiceType.PM_APP), IN_51_DAYS)
    auto_renewal = SubscriptionFactory.create(
        payer=people.dora.firm,
        installer=people.ivan.firm,
        distributor=people.dora.firm,
        method=PaymentMethodFactory.create(owner=people.dora.firm, exp_year=2030),
        order=place(fill_cart(items=[entitlement(harbour_view, ServiceType.APP, "1.02")])),
        next_due_at=IN_51_DAYS,
    )
    AutoRenewalItem.objects.create(auto_renewal=auto_renewal, entitlement=app, **keys_of(harbour_view))
    rows = {(row["Item"], row["Status"], row["Who pays"], row["How"]) for row in table(petra, harbour_view)}
    assert ("PM App", "Auto-renew", "Nordlys Distribution", "auto") in rows
    assert ("App", "Not activated", "Hafen Intercom GmbH", "manual") in rows
    assert "Next charge" in read(petra, harbour_view)
    AutoRenewal.objects.update(state=AutoRenewal.State.SUSPENDED)
    rows = {(row["Item"], row["Status"], row["Who pays"], row["How"]) for row in table(petra, harbour_view)}
    assert ("PM App", "Active", "Nordlys Distribution", "stopped") in rows


@pytest.mark.rule("R1")
def test_of_an_order_for_two_sites_petra_sees_the_lines_and_the_sum_of_hers_only(
    people: People, harbour_view: Site, make_site, make_apartment, fill_cart, place, petra: Client
) -> None:
    other = make_site("Zzyzx Terrace", smart_parking=True)
    marker = make_apartment(other, "66.66")
    order = place(fill_cart(months=3))
    fulfilment.fulfil(order, now=NOW)
    page = untimed(read(petra, harbour_view))
    assert order.number in page
    assert "5 items to 22 Feb 2027" in page
    assert "US$30.60" in page  # 3 × 10.20
    assert order.total_minor == 3 * (1020 + 150 + 50)
    for foreign in ("US$36.60", "Zzyzx", "66.66", "Smart Parking", "7 items", str(marker)):
        assert foreign not in page
    assert petra.get(address(other)).status_code == 404
    assert "US$6.00" in read(dora_of(people, petra), other)


def dora_of(people: People, client: Client) -> Client:
    """The same browser, now Dora's."""
    client.force_login(people.dora.membership.user, backend="accounts.backends.EmailBackend")
    return client


@pytest.mark.rule("R3")
def test_petra_loses_the_page_at_once_when_she_is_unassigned(
    people: People, harbour_view: Site, price_list: PriceList, petra: Client
) -> None:
    read(petra, harbour_view)
    assignments.set_managers(people.ivan.actor, site_id=harbour_view.pk, pm_app_by_membership={}, now=NOW)
    assert ManagerAssignment.objects.get().ended_at == NOW
    gone, absent = petra.get(address(harbour_view)), petra.get("/sites/999999/billing/")
    assert (gone.status_code, absent.status_code) == (404, 404)
    assert gone.content == absent.content
    assert petra.get(address(harbour_view, "?format=csv")).status_code == 404


@pytest.mark.rule("R1")
@pytest.mark.parametrize("who", ["sam", "ines", "mallory", "igor", "paul"])
def test_for_strangers_the_page_is_absent(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn, who: str
) -> None:
    client = sign_in(getattr(people, who))
    for query in ("", "?format=csv", "?show=differs"):
        foreign, absent = client.get(address(harbour_view, query)), client.get(f"/sites/999999/billing/{query}")
        assert (foreign.status_code, absent.status_code) == (404, 404)
        assert foreign.content == absent.content


@pytest.mark.parametrize(
    ("who", "may"), [("petra", True), ("ivan", True), ("dora", True), ("olga", True), ("tess", False)]
)
def test_the_tab_is_there_for_who_may_see_prices(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn, who: str, may: bool
) -> None:
    assignments.set_technicians(
        people.ivan.actor, site_id=harbour_view.pk, membership_ids=[people.tess.membership.pk], now=NOW
    )
    client = sign_in(getattr(people, who))
    tabs = links_of(client.get(f"/sites/{harbour_view.pk}/").content, "site-tabs")
    assert (address(harbour_view) in tabs) is may
    assert client.get(address(harbour_view)).status_code == (200 if may else 403)


def test_an_installer_whose_prices_are_hidden_has_no_billing(
    people: People, harbour_view: Site, price_list: PriceList, sign_in: SignIn
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    client = sign_in(people.ivan)
    assert address(harbour_view) not in client.get(f"/sites/{harbour_view.pk}/").content.decode()
    answer = client.get(address(harbour_view))
    assert answer.status_code == 403
    assert "US$" not in answer.content.decode()


def test_a_missing_price_leaves_the_amounts_out_and_is_named(harbour_view: Site, petra: Client) -> None:
    page = read(petra, harbour_view)
    assert "There is no price list in USD yet." in page
    assert "US$" not in page
    assert {(row["For"], row["Next 30 days"]) for row in table(petra, harbour_view)} == {
        ("1.01", ""), ("1.02", ""), ("Petra Holm, you", ""),
    }  # fmt: skip


def test_a_name_that_begins_like_a_formula_is_a_text_in_the_file(
    people: People, harbour_view: Site, price_list: PriceList, petra: Client
) -> None:
    user = people.petra.membership.user
    user.name = '=HYPERLINK("http://evil.example","x")'
    user.save()
    Organization.objects.filter(pk=people.dora.firm.pk).update(name="@Nordlys")
    row = table(petra, harbour_view)[-1]
    assert row["For"] == '\'=HYPERLINK("http://evil.example","x"), you'
    assert row["Who pays"] == "'@Nordlys"


def test_a_large_site_takes_no_more_statements_than_a_small_one(
    harbour_view: Site, price_list: PriceList, petra: Client
) -> None:
    with CaptureQueriesContext(connection) as small:
        read(petra, harbour_view)
    apartments(harbour_view, harbour_view.buildings.get(), 2_000, items={"app": "monitor"}, until=IN_51_DAYS)
    with CaptureQueriesContext(connection) as large:
        assert "2000 apartments" in read(petra, harbour_view)
    assert len(large) == len(small)
    assert len(large) <= 8


def test_a_page_with_orders_and_mail_takes_few_statements(
    harbour_view: Site, price_list: PriceList, people: People, sign_in: SignIn, billing: None
) -> None:
    bound = {people.olga: 8, people.dora: 9, people.ivan: 8}  # Dora's menu says how many requests wait
    for person, most in bound.items():
        browser = sign_in(person)
        read(browser, harbour_view)  # a look is noted once an hour
        with CaptureQueriesContext(connection) as asked:
            read(browser, harbour_view)
        assert len(asked) <= most, [query["sql"][:200] for query in asked]


def test_how_far_a_site_is_paid_is_the_same_on_every_page(
    harbour_view: Site, price_list: PriceList, people: People
) -> None:
    apartments(harbour_view, harbour_view.buildings.get(), 3, items={"app": "monitor"}, until=IN_51_DAYS)
    ids = list(Entitlement.objects.order_by("pk").values_list("pk", flat=True))
    changes: tuple[dict[str, Any], ...] = (
        {"expires_at": NOW - timedelta(days=1), "works_until": NOW + timedelta(days=6)},  # in grace
        {"expires_at": NOW - timedelta(days=9), "works_until": NOW - timedelta(days=2)},  # lapsed
        {"expires_at": None, "works_until": None},
        {"mode": "auto"},
        {"variant": ""},
    )
    for at, change in enumerate(changes):
        Entitlement.objects.filter(pk=ids[-1 - at % len(ids)]).update(**change)
        site = Site.objects.select_related("installer__distributor", "distributor").get(pk=harbour_view.pk)
        review = reviews.review_of(site, apartments=3, now=NOW, reader=people.petra.actor)
        assert review.progress == reports.paid_progress([site.pk], NOW)[site.pk], change
