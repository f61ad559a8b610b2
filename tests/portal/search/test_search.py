"""The search: each role finds its own, and of what is somebody else's nothing is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from django.utils.html import escape

from communities.actions import assignments
from communities.models import Apartment, Resident
from devices import actions as devices
from smartplus.portal.search import queries
from subscriptions import lines
from subscriptions.models import Order
from tests.guards.pages import without_token
from tests.people import NOW, People
from tests.portal.html import assert_clean

MAC = "0C:11:05:2A:10:4E"


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def order(people, harbour_view, fill_cart, place, billing) -> Order:
    """Harbour View: Rosa in 1.01 with a monitor, Tess works there, Petra looks after it, Dora has ordered for it."""
    assignments.set_technicians(
        people.ivan.actor, site_id=harbour_view.pk, membership_ids=[people.tess.membership.pk], now=NOW
    )
    rosa = Resident.objects.get(apartment__number="1.01")
    rosa.name, rosa.email = "Rosa Almeida", "rosa@quay.example"
    rosa.save()
    devices.add_to_library(people.dora.actor, macs=[devices.LibraryRow(MAC, "C313", "SN-77")], now=NOW)
    flat = Apartment.objects.get(number="1.01")
    devices.add_monitor(people.ivan.actor, apartment_id=flat.pk, entry=devices.MonitorEntry(MAC, "Hall"), now=NOW)
    ordered: Order = place(fill_cart())
    return ordered


def found(client: Client, text: str) -> list[str]:
    page = client.get("/search/", {"q": text})
    assert page.status_code == 200, page
    assert_clean(page.content)
    return re.findall(r'id="found-(\w+)"', page.content.decode())


WHO_FINDS = {
    "olga": {"harbour": ["sites", "orders"], "rosa@": ["apartments"], "Rosa": ["apartments"], "0c11": ["devices", "library"],
             "Ivan": ["people"], "Hafen": ["firms", "people"]},
    "dora": {"harbour": ["sites", "orders"], "Rosa": ["apartments"], "0C-11-05-2A": ["devices", "library"], "Ivan": ["people"]},
    "ivan": {"harbour": ["sites", "orders"], "Rosa": ["apartments"], "0c11.052a": ["devices", "library"], "Tess": ["people"]},
    "tess": {"harbour": ["sites"], "Rosa": ["apartments"], "0c 11 05": ["devices", "library"], "Tess": [], "Hafen": []},
    "petra": {"harbour": ["sites", "orders"], "Rosa": ["apartments"], "0C1105": ["devices"], "Petra": ["orders"]},
    "sam": {"harbour": [], "Rosa": [], "0C11": [], "Ivan": [], "Ines": ["people"]},
}  # fmt: skip


@pytest.mark.parametrize("few", [0, lines.FEW], ids=["of many sites", "of few"])
@pytest.mark.parametrize("name", WHO_FINDS)
def test_everybody_finds_the_own_and_only_what_the_role_may_open(
    people: People, order: Order, sign_in, name: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FEW", few)
    client = sign_in(getattr(people, name))
    assert {text: found(client, text) for text in WHO_FINDS[name]} == WHO_FINDS[name]
    links = re.findall(r'row-link" href="([^"]+)"', client.get("/search/?q=harbour").content.decode())
    assert bool(links) == bool(WHO_FINDS[name]["harbour"])
    for address in links:
        assert client.get(address).status_code == 200, address


def test_an_apartment_is_found_by_what_people_call_it(people: People, order: Order, sign_in) -> None:
    client = sign_in(people.ivan)
    for text in ("Quay House 1.01", "almeida 1.01", "1.01 quay", "rosa@quay"):
        page = client.get("/search/", {"q": text}).content.decode()
        assert "Harbour View, Rosa Almeida" in page, text
        assert "Quay House 1.02" not in page, text
    assert found(client, "Quay House 9.99") == []


def test_a_member_who_sees_no_invoices_finds_no_orders(people: People, order: Order, sign_in) -> None:
    people.petra.membership.sees_invoices = False
    people.petra.membership.save(update_fields=["sees_invoices"])
    client = sign_in(people.petra)
    assert found(client, "harbour") == ["sites"]
    assert found(client, order.number) == []


@pytest.mark.parametrize("typed", [MAC, MAC.lower(), MAC.replace(":", ""), MAC.replace(":", "-"), "0c11.052a.104e"])
def test_a_whole_mac_and_a_whole_order_number_lead_straight_there(
    people: People, order: Order, sign_in, typed: str
) -> None:
    client, flat = sign_in(people.ivan), Apartment.objects.get(number="1.01")
    assert client.get("/search/", {"q": typed})["Location"] == f"/apartments/{flat.pk}/"
    assert client.get("/search/", {"q": f" {order.number.lower()} "})["Location"] == f"/orders/{order.number}/"


def test_a_mac_that_is_in_the_library_only_leads_to_its_row(people: People, sign_in) -> None:
    devices.add_to_library(people.dora.actor, macs=[devices.LibraryRow(MAC, "C313")], now=NOW)
    assert sign_in(people.dora).get("/search/", {"q": MAC})["Location"] == "/library/?q=0C%3A11%3A05%3A2A%3A10%3A4E"
    assert found(sign_in(people.petra), MAC) == []


@pytest.mark.rule("R1")
@pytest.mark.parametrize("name", ["mallory", "igor", "paul", "sam", "ines"])
def test_what_is_somebody_elses_is_not_found_like_nonsense(people: People, order: Order, sign_in, name: str) -> None:
    client = sign_in(getattr(people, name))

    def page(text: str) -> str:
        answer = client.get("/search/", {"q": text})
        assert answer.status_code == 200
        return without_token(answer.content.decode()).replace(escape(text), "…")

    nonsense = page("nonsense")
    for text in ("Harbour View", "Rosa Almeida", "rosa@quay.example", MAC, "0C11", order.number, "SN-77", "Hafen Intercom",
                 "Ivan Brandt", people.tess.email):  # fmt: skip
        assert page(text) == nonsense, text


def test_the_number_of_statements_does_not_follow_what_is_found(
    people: People, order: Order, make_site, sign_in, django_assert_max_num_queries
) -> None:
    for number in range(15):
        make_site(f"Harbour {number}")
    client = sign_in(people.dora)
    client.get("/search/?q=harbour")
    with django_assert_max_num_queries(16):
        page = client.get("/search/?q=harbour").content.decode()
    assert page.count("Harbour ") >= 10
    assert "Harbour 9" in page
    assert "Harbour 10" not in page  # by name: 0 to 9; the others are behind the link
    assert 'href="/sites/?q=harbour"' in page
    with django_assert_max_num_queries(16):
        client.get("/search/?q=0C11")


def test_the_empty_page_says_what_can_be_searched(people: People, sign_in) -> None:
    tess = sign_in(people.tess).get("/search/").content.decode()
    assert "What are you looking for?" in tess
    assert "MAC Library" in tess
    assert "Orders" not in tess
    ivan = sign_in(people.ivan)
    assert "Orders" in ivan.get("/search/").content.decode()
    assert "Two letters at least" in ivan.get("/search/?q=x").content.decode()
    assert "Nothing found" in ivan.get("/search/?q=Hafenblick").content.decode()


def test_the_box_stands_in_the_top_bar_of_every_page_and_not_before_sign_in(people: People, sign_in) -> None:
    for address in ("/sites/", "/help/", "/settings/", "/nothing/"):
        page = sign_in(people.ivan).get(address).content.decode()
        assert '<form class="find" role="search" action="/search/">' in page
    assert "/search/" not in Client().get("/sign-in/").content.decode()


def test_an_order_is_found_with_any_separators_or_none(people: People, order: Order, sign_in) -> None:
    client = sign_in(people.ivan)
    _sp, day, body = order.number.split("-")
    for text in (order.number, order.number.lower(), f"SP {day} {body}", f"sp{day}{body}", f"{_sp}/{day}/{body}", f"SP–{day}–{body}"):  # fmt: skip
        assert client.get("/search/", {"q": text})["Location"] == f"/orders/{order.number}/", text
    for text in (body, f"{day}/{body[:4]}", f"{day} {body[:4]}", f"sp.{day}"):
        assert "orders" in found(client, text), text
        assert order.number in client.get("/orders/", {"q": text}).content.decode(), text


def test_devices_are_found_by_name_and_a_mac_asks_devices_and_library_alone(
    people: People, order: Order, make_site, sign_in
) -> None:
    make_site("0C1105 House")
    client = sign_in(people.ivan)
    assert found(client, "HÁLL") == ["devices"]
    assert found(client, "hall c313") == ["devices"]
    for text in ("0C1105", "0c:11:05:2a", "mac 0C-11-05-2A-10", "\ufeff0c11\u200b05 2a"):
        assert found(client, text) == ["devices", "library"], text
    assert "0C1105 House" not in client.get("/sites/", {"q": "0C1105"}).content.decode()


@pytest.mark.parametrize("text", ["özgür", "OZGUR celik", "siobhan o'neill", "Siobhan oneill smith", "O’NEILL-smith"])
def test_people_are_found_as_they_are_typed(people: People, order: Order, sign_in, text: str) -> None:
    one, other = Resident.objects.order_by("pk")[:2]
    one.name, other.name = "ÖZGÜR ÇELİK", "Siobhán O’Neill-Smith"
    one.save()
    other.save()
    client = sign_in(people.ivan)
    wanted = one if "zg" in text.lower() else other
    assert escape(wanted.name) in client.get("/search/", {"q": text}).content.decode()
    page = client.get(f"/sites/{one.site_id}/", {"q": text}).content.decode()
    assert escape(wanted.name) in page
    assert escape((other if wanted is one else one).name) not in page


@pytest.mark.parametrize("kept", ["+4915112345678", "+33123456789", "+4912345678", "+496666555544"])
def test_a_resident_is_found_by_a_number_that_may_be_a_mac_too(
    people: People, order: Order, sign_in, kept: str
) -> None:
    rosa = Resident.objects.get(name="Rosa Almeida")
    rosa.mobile = kept
    rosa.save()
    home = "0" + kept[3:]
    pairs = "-".join(re.findall("..", home)) if len(home) % 2 == 0 else f"{home[:4]} {home[4:]}"
    client = sign_in(people.ivan)
    for text in (kept, home, f"{home[:4]} {home[4:]}", pairs, kept.replace("+", "00")):
        assert found(client, text) == ["apartments"], text
        assert "Rosa Almeida" in client.get(f"/sites/{rosa.apartment.site_id}/", {"q": text}).content.decode()


def test_words_of_a_to_f_are_no_mac(people: People, order: Order, make_site, sign_in) -> None:
    make_site("Facade Decade")
    client = sign_in(people.ivan)
    assert found(client, "facade decade") == ["sites"]
    assert "Facade Decade" in client.get("/sites/", {"q": "facade decade"}).content.decode()


@pytest.mark.parametrize(
    ("text", "is_found"),
    [("harbour", True), ("harbour hamburg", True), ("harbour 1.01", True), ("1.01 harbour", True), ("quay 1.01", True),
     ("harbour petra", True), ("harbour nowhere", False), ("petra 1.01", False)],
)  # fmt: skip
@pytest.mark.parametrize("few", [0, lines.FEW])
def test_an_order_is_found_by_words_of_one_line_wherever_they_stand(
    people: People, order: Order, text: str, is_found: bool, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FEW", few)
    for person in (people.olga, people.dora, people.ivan):
        assert list(Order.objects.filter(lines.in_orders(person.actor, text))) == ([order] if is_found else [])
    assert not Order.objects.filter(lines.in_orders(people.mallory.actor, text))


def test_who_sees_a_lot_searches_with_three_signs_in_a_row(people, order, sign_in, monkeypatch):
    """No index knows shorter words: everything there is would be read. Who sees less finds by them as by others."""
    dora = sign_in(people.dora)
    assert found(dora, "1.01") == ["apartments", "orders"]
    monkeypatch.setattr(queries, "WIDE", 0)
    answer = dora.get("/search/", {"q": "1.01"})
    assert answer.status_code == 200
    assert_clean(answer.content)
    assert "Three letters or digits in a row at least" in answer.content.decode()
    assert answer.context["groups"] == []
    assert "apartments" in found(dora, "1.01 Rosa")  # with a longer word beside it
    assert found(dora, "0C:11:05") == ["devices", "library"]  # a MAC, however divided
    assert dora.get("/search/", {"q": order.number}).status_code == 302
