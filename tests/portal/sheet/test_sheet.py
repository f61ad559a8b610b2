"""The sheet of a community as it is read: what is paid above it, then its apartments by building and floor."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from communities.actions import assignments, residents, sites
from communities.models import Apartment, Entitlement, Site
from smartplus.portal.sheet import lists
from subscriptions.models import PriceList
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, page_of

pytestmark = pytest.mark.django_db
SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]
MakeApartment = Callable[..., Apartment]


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@pytest.fixture
def towers(people: People, make_site: MakeSite, make_apartment: MakeApartment) -> Site:
    """Two floors with two apartments each; 1.01 is paid, 2.02 is empty, 2.01 waits for its monitor."""
    site = make_site("Towers", landline=True)
    for number in ("1.01", "1.02", "2.01", "2.02"):
        make_apartment(site, number, master=number != "2.02", waits=number == "2.01", landline=number == "1.01")
    paid = {"expires_at": NOW + timedelta(days=30), "works_until": NOW + timedelta(days=37), "last_charged_at": NOW}
    for item in Entitlement.objects.filter(target__number="1.01"):
        Entitlement.objects.filter(pk=item.pk).update(**paid, paid_variant=item.variant)
    return site


def numbers(page: str) -> list[str]:
    """The apartments whose rows are shown."""
    return re.findall(r'<td class="no"><a href="[^"]+">([^<]+)</a>', page)


def test_a_community_opens_on_its_sheet_with_what_is_paid_and_the_button_for_the_rest(
    ivan: Client, towers: Site, price_list: PriceList
) -> None:
    answer = ivan.get(f"/sites/{towers.pk}/")
    assert_clean(answer.content)
    page = page_of(answer)
    assert numbers(page) == ["1.01", "1.02", "2.01", "2.02"]
    assert "US$2.10 <small>every 30 days</small>" in page  # App 1.50 and landline 0.60
    assert "2 of 4 items" in page
    # 1.02 can be activated, 2.01 waits for its monitor; both Apps are on and not paid, and no empty apartment has one
    assert "US$3.00 <small>every 30 days</small>" in page
    assert "Request activation, US$1.50" in page
    assert "1 item, Nordlys Distribution pays" in page


@pytest.mark.parametrize(("who", "button"), [("dora", "Pay US$1.50 for 1 item"), ("petra", ""), ("olga", "")])
def test_the_button_is_for_who_pays_or_asks(
    people: People, towers: Site, price_list: PriceList, sign_in: SignIn, who: str, button: str
) -> None:
    assignments.set_managers(
        people.ivan.actor, site_id=towers.pk, pm_app_by_membership={people.petra.membership.pk: False}, now=NOW
    )
    page = page_of(sign_in(getattr(people, who)).get(f"/sites/{towers.pk}/"))
    assert button in page
    assert ("Pay US$" in page) is (who == "dora")
    assert "Request activation" not in page
    assert "Hafen Intercom GmbH edits this sheet" in page


def test_where_prices_are_hidden_no_sum_appears(
    people: People, ivan: Client, towers: Site, price_list: PriceList
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    page = page_of(ivan.get(f"/sites/{towers.pk}/"))
    assert "US$" not in page
    assert "Price list" not in page
    assert "Request activation of 1 item" in page


def test_heads_count_the_switches_of_what_matches(ivan: Client, towers: Site) -> None:
    def heads(query: str = "") -> list[str]:
        return re.findall(
            r'<td class="sv"[^>]*>(?:<a [^>]*></a> <span>)?(\d+ of \d+)(?:</span>)?</td>',
            page_of(ivan.get(f"/sites/{towers.pk}/{query}")),
        )

    # all, the building, floor 1, floor 2; each with monitor, landline, video
    assert heads() == [
        "4 of 4", "1 of 4", "0 of 4", "4 of 4", "1 of 4", "0 of 4", "2 of 2", "1 of 2", "0 of 2", "2 of 2", "0 of 2", "0 of 2",
    ]  # fmt: skip
    assert heads("?show=landline-off")[:3] == ["3 of 3", "0 of 3", "0 of 3"]
    assert "4 apartments, 3 match" in page_of(ivan.get(f"/sites/{towers.pk}/?show=landline-off"))


def test_chips_count_and_narrow(ivan: Client, towers: Site) -> None:
    address = f"/sites/{towers.pk}/"
    page = page_of(ivan.get(address))
    for words, n in (("Without monitor", 1), ("Not paid", 2), ("Landline off", 3), ("No resident", 1)):
        assert re.search(rf'{words} ?<span class="n">{n}</span>', page), words
    assert numbers(page_of(ivan.get(address, {"show": "no-monitor"}))) == ["2.01"]
    assert numbers(page_of(ivan.get(address, {"show": "no-master"}))) == ["2.02"]
    assert numbers(page_of(ivan.get(address, {"show": "not-paid"}))) == ["1.02", "2.01"]
    assert numbers(page_of(ivan.get(address, {"q": "Resident 1.02"}))) == ["1.02"]


def test_floors_of_a_large_building_are_folded_and_each_can_be_opened(
    ivan: Client, towers: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "FOLDED_FROM", 4)
    page = page_of(ivan.get(f"/sites/{towers.pk}/"))
    assert numbers(page) == ["1.01", "1.02"]
    (url,) = re.findall(r'<a href="(\?[^"]+floor=2)" hx-get', page)
    opened = page_of(ivan.get(f"/sites/{towers.pk}/{url.replace('&amp;', '&')}"))
    assert numbers(opened) == ["2.01", "2.02"]
    (key,) = re.findall(r'hx-target="#(f\d+-\d+)"', page)
    assert re.search(rf'<tbody class="units" id="{key}"> ?<tr data-was', opened)


def test_who_else_lives_there_is_counted(people: People, ivan: Client, towers: Site) -> None:
    flat = Apartment.objects.get(number="1.01")
    for name in ("Ada", "Ben"):
        residents.add_resident(people.ivan.actor, apartment_id=flat.pk, name=name, email="x@example.org", now=NOW)
    page = page_of(ivan.get(f"/sites/{towers.pk}/"))
    assert 'Resident 1.01 <span class="mute">+2</span>' in page


def test_the_former_address_leads_to_the_sheet_with_its_query(ivan: Client, towers: Site) -> None:
    answer = ivan.get(f"/sites/{towers.pk}/apartments/?show=no-monitor&q=a")
    assert (answer.status_code, answer["Location"]) == (301, f"/sites/{towers.pk}/?show=no-monitor&q=a")


def test_the_sheet_asks_as_much_for_forty_apartments_as_for_four(
    people: People, ivan: Client, towers: Site, price_list: PriceList, make_apartment: MakeApartment
) -> None:
    def asked() -> int:
        ivan.get(f"/sites/{towers.pk}/?show=landline-off")
        with CaptureQueriesContext(connection) as found:
            assert ivan.get(f"/sites/{towers.pk}/?show=landline-off").status_code == 200
        return len(found)

    few = asked()
    sites.add_building(people.ivan.actor, site_id=towers.pk, name="Annex", now=NOW)
    for number in range(36):
        make_apartment(towers, f"{3 + number // 6}.{number:02}", master=bool(number % 2))
    assert asked() == few
    assert few <= 18
