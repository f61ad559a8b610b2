"""A request that waits is seen: on the payer's dashboard, in the menu, in the list, and on the asking side until it is paid."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from communities.catalogue import ServiceType
from communities.models import Apartment, Entitlement, Site
from subscriptions.actions import carts, request_decisions
from subscriptions.actions import requests as actions
from subscriptions.models import Cart, PriceList, RenewalRequest
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean, untimed
from tests.portal.places import pay
from tests.subscriptions.lookups import entitlement

SignIn = Callable[[Person], Client]
Ask = Callable[..., RenewalRequest]
pytestmark = pytest.mark.usefixtures("time_machine_at_noon")


@pytest.fixture
def ask(people: People, harbour_view: Site, price_list: PriceList) -> Ask:
    """Ivan asks for everything that can be activated, or for one service."""

    def make(service: str = "", *, months: int = 1, note: str = "") -> RenewalRequest:
        free = actions.requestable(people.ivan.actor, installer=people.ivan.firm, site_kind="community")
        ids = (free.filter(service_type=service) if service else free).values_list("pk", flat=True)
        return actions.request_activation(
            people.ivan.actor, site_kind="community", entitlement_ids=list(ids), months=months, note=note, now=NOW
        )

    return make


def text_of(client: Client, url: str) -> str:
    page = client.get(url)
    assert page.status_code == 200
    assert_clean(page.content)
    return " ".join(page.content.decode().split())


def first_tile(client: Client) -> tuple[str, str, str, str]:
    tile = client.get("/dashboard/").context["tiles"][0]
    return tile.label, tile.value, tile.small, tile.detail


def hide_prices(person: Person) -> None:
    Membership.objects.filter(pk=person.membership.pk).update(sees_prices=False)


def test_a_request_is_the_payers_first_tile_a_line_a_count_and_a_row(people: People, ask: Ask, sign_in: SignIn) -> None:
    dora = sign_in(people.dora)
    assert first_tile(dora)[0] == "Due in 30 days"
    assert "asks you to" not in text_of(dora, "/dashboard/")
    asked = ask(months=3, note="Move-in on Monday.")
    assert first_tile(dora) == ("Requests waiting", "1", "US$30.60", "Hafen Intercom GmbH")
    page = text_of(dora, "/dashboard/")
    assert "Hafen Intercom GmbH asks you to activate 5 items in Harbour View" in page
    assert "2 × App, 1 × PM App, 2 × Premium Plan, 3 months until 22 Feb 2027. Ivan Brandt, " in untimed(page)
    assert "“Move-in on Monday.”" in page
    assert f'href="/subscription/requests/{asked.pk}/"> Review, US$30.60' in page
    assert "one click" not in page.lower()
    assert 'Subscription <span class="n">1<span class="vh"> request waiting' in page
    listed = text_of(dora, "/subscription/requests/?state=waiting")
    assert "US$30.60" in listed
    assert "Harbour View" in listed
    assert "2 × App, 1 × PM App, 2 × Premium Plan" in listed


def test_of_several_the_newest_is_shown_and_the_others_counted(people: People, ask: Ask, sign_in: SignIn) -> None:
    ask(ServiceType.APP)
    ask(ServiceType.PREMIUM)
    ask(ServiceType.PM_APP, months=2)
    dora = sign_in(people.dora)
    assert first_tile(dora) == ("Requests waiting", "3", "US$15.20", "Hafen Intercom GmbH")  # 4.00 + 1.20 + 2 × 5.00
    page = text_of(dora, "/dashboard/")
    assert "asks you to activate 1 item in Harbour View" in page
    assert "Review, US$10.00" in page
    assert '?state=waiting">2 more</a>' in page


def test_an_address_may_call_waiting_requests_open(people: People, ask: Ask, sign_in: SignIn) -> None:
    """The tiles of orders lead to `?state=open`; the same word must not show every request."""
    asked, dora = ask(), sign_in(people.dora)
    address = "/subscription/requests/?state=open"
    listed = text_of(dora, address)
    assert '<a class="chip on" href="?state=waiting" aria-current="true">' in listed
    assert f"/subscription/requests/{asked.pk}/" in listed
    request_decisions.refuse(people.dora.actor, request_id=asked.pk, reason="Not now.", now=NOW)
    assert f"/subscription/requests/{asked.pk}/" not in text_of(dora, address)


def test_a_payer_whose_prices_are_hidden_reads_items_and_no_amount(people: People, ask: Ask, sign_in: SignIn) -> None:
    ask()
    hide_prices(people.dora)
    dora = sign_in(people.dora)
    assert first_tile(dora) == ("Requests waiting", "1", "", "Hafen Intercom GmbH")
    for url in ("/dashboard/", "/subscription/requests/"):
        assert "US$" not in text_of(dora, url)
    assert "asks you to activate 5 items" in text_of(dora, "/dashboard/")


def test_what_is_approved_and_not_paid_goes_on_waiting_until_its_order_is_placed(
    people: People, ask: Ask, place: Callable[..., object], sign_in: SignIn
) -> None:
    asked, dora = ask(), sign_in(people.dora)
    assert dora.post(f"/subscription/requests/{asked.pk}/approve/").status_code == 302
    assert first_tile(dora)[:2] == ("Requests waiting", "1")
    place(Cart.objects.get(request=asked))
    assert first_tile(dora)[0] == "Due in 30 days"
    assert "request waiting" not in text_of(dora, "/dashboard/")


@pytest.mark.rule("R1")
@pytest.mark.parametrize("who", ["sam", "ivan", "mallory", "petra"])
def test_who_decides_nothing_has_no_tile_and_no_count(people: People, ask: Ask, sign_in: SignIn, who: str) -> None:
    ask()
    client = sign_in(getattr(people, who))
    page = client.get("/dashboard/")
    assert "Requests waiting" not in [tile.label for tile in page.context.get("tiles", [])]
    assert "request waiting" not in page.content.decode()
    assert page.context.get("asked") is None


def test_a_member_who_manages_no_subscriptions_is_not_asked(people: People, ask: Ask, sign_in: SignIn) -> None:
    ask()
    Membership.objects.filter(pk=people.dora.membership.pk).update(manages_subscriptions=False)
    dora = sign_in(people.dora)
    assert first_tile(dora)[0] == "Due in 30 days"
    assert "request waiting" not in text_of(dora, "/dashboard/")


def test_the_installers_todo_becomes_requested_and_waiting(
    people: People, harbour_view: Site, ask: Ask, sign_in: SignIn
) -> None:
    ivan, address = sign_in(people.ivan), f"/sites/{harbour_view.pk}/facts/"
    before = text_of(ivan, address)
    assert "5 items are not activated" in before
    assert before.count("Request activation") == 1  # one for the site, not one a service
    asked = ask()
    after = text_of(ivan, address)
    assert "not activated<span" not in after
    assert "5 items requested, waiting for Nordlys Distribution" in after
    assert "Requested 22 Nov 2026, 10:00." in after  # in Hamburg
    assert f'href="/subscription/requests/{asked.pk}/">Show the request' in after
    Apartment.objects.update(indoor_monitor=False)  # nothing else is to do first
    steps = {site.name: step.action for site, _paid, _units, step in ivan.get("/dashboard/").context["rows"]}
    assert steps == {"Harbour View": "5 items requested"}
    assert f'href="/subscription/requests/{asked.pk}/">Review' in text_of(sign_in(people.dora), address)
    for_petra = text_of(sign_in(people.petra), address)
    assert "5 items requested, waiting for Nordlys Distribution" in for_petra
    assert f"/subscription/requests/{asked.pk}/" not in for_petra


def test_what_an_open_order_holds_is_said_and_asked_for_no_more(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., object], sign_in: SignIn
) -> None:
    place(fill_cart(items=[entitlement(harbour_view, ServiceType.PM_APP)]))
    page = text_of(sign_in(people.ivan), f"/sites/{harbour_view.pk}/facts/")
    assert "1 item is in an open order" in page
    assert "4 items are not activated" in page


@pytest.mark.parametrize(("who", "may_pay"), [("ivan", False), ("ivan", True), ("dora", False)])
def test_a_todo_carries_exactly_its_items_over_ticked(
    people: People,
    harbour_view: Site,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., object],
    price_list: PriceList,
    sign_in: SignIn,
    who: str,
    may_pay: bool,
) -> None:
    other = make_site("Elbe Terraces")
    make_apartment(other, "7.01")
    pay(entitlement(harbour_view, ServiceType.PM_APP))
    people.ivan.firm.pays_regular = may_pay
    people.ivan.firm.save()
    client = sign_in(getattr(people, who))
    page = client.get(f"/sites/{harbour_view.pk}/facts/")
    [item] = [todo for todo in page.context["todo"] if todo.url.startswith("/subscription/")]
    assert item.title == "4 items are not activated"
    chosen = client.get(item.url)
    expected = Entitlement.objects.filter(site=harbour_view, expires_at=None).values_list("pk", flat=True)
    assert {row.id for row in chosen.context["cells"] if row.checked} == set(expected)
    assert chosen.context["all_ticked"] is True
    assert chosen.context["quote"].count == 4
    assert_clean(chosen.content)


def test_the_review_names_apartments_people_and_the_request_it_pays(
    people: People, harbour_view: Site, ask: Ask, sign_in: SignIn
) -> None:
    asked, dora = ask(note="Move-in on Monday."), sign_in(people.dora)
    page = text_of(dora, dora.post(f"/subscription/requests/{asked.pk}/approve/")["Location"])
    assert f'This pays <a href="/subscription/requests/{asked.pk}/">Request {asked.pk}</a> of Ivan Brandt' in page
    assert "“Move-in on Monday.”" in page
    for words in ("Quay House 1.01 Resident 1.01", "Quay House 1.02 Resident 1.02", "Petra Holm"):
        assert words in page
    cart = carts.fill_cart(
        people.dora.actor, installer_id=people.ivan.firm.pk, site_kind="community", months=1, now=NOW,
        entitlement_ids=[entitlement(harbour_view, ServiceType.PM_APP).pk],
    )  # fmt: skip
    assert "This pays" not in text_of(dora, f"/subscription/carts/{cart.pk}/")


def test_many_requests_take_no_more_statements_than_few(people: People, ask: Ask, sign_in: SignIn) -> None:
    dora, counted = sign_in(people.dora), []
    for service in (ServiceType.APP, ServiceType.PREMIUM, ServiceType.PM_APP):
        ask(service)
        for url in ("/dashboard/", "/subscription/requests/"):
            with CaptureQueriesContext(connection) as queries:
                dora.get(url)
            counted.append((url, len(queries)))
    assert len(set(counted)) == 2, counted
