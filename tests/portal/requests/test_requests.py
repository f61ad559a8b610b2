"""Requests as people use them: tick and ask, find it as a ready cart, approve and pay, or refuse with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts import notify
from accounts.models import Membership, Organization
from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.models import Payment
from payments.sandbox import Sandbox
from subscriptions.actions import carts, settlement
from subscriptions.models import Cart, Order, PriceList, RenewalRequest
from subscriptions.selections import Filter
from tests.payments.pay_page import press
from tests.people import NOW, People, Person
from tests.portal.checkout import BILLING, fingerprint
from tests.portal.html import assert_clean, everything, links_of, untimed
from tests.subscriptions.lookups import entitlement

HTMX = {"HX-Request": "true", "HX-Target": "cart"}


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Ivan's browser; his firm may not pay."""
    return sign_in(people.ivan)


@pytest.fixture
def dora(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Dora's browser."""
    return sign_in(people.dora)


def asked(client: Client, **fields: object) -> str:
    sent = {"all": everything(client), "months": 3, "action": "request", "note": "Please", **fields}
    answer = client.post("/subscription/", sent)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def hide_prices(people: People) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)


def test_who_may_not_pay_ticks_the_same_list_and_sees_the_price_but_no_till(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client
) -> None:
    page = ivan.get("/subscription/").content.decode()
    assert_clean(page)
    assert "You may not pay for your sites" in page
    assert "Nordlys Distribution pays for your firm" in page
    assert "Quay House 1.01" in page
    assert 'value="request"' in page
    assert 'value="next"' not in page
    app = entitlement(harbour_view, ServiceType.APP, "1.02")
    fragment = ivan.post("/subscription/", {"item": app.pk, "months": 3}, headers=HTMX).content.decode()
    assert "US$7.50" in fragment
    assert "Request activation" in fragment


@pytest.mark.parametrize("who", ["firm", "member"])
def test_where_prices_are_hidden_there_are_counts_and_dates_and_no_amount(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, who: str
) -> None:
    if who == "firm":
        hide_prices(people)
    else:
        Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=False)
    page = ivan.get("/subscription/").content.decode()
    fragment = ivan.post("/subscription/", {"all": everything(ivan), "months": 3}, headers=HTMX).content.decode()
    assert "from the payment until 22 Feb 2027" in untimed(fragment)
    assert re.search(r"PM App.*?1 ×", fragment, re.S)
    shown = ivan.get(asked(ivan)).content.decode()
    assert "22 Feb 2027" in shown
    for text in (page, fragment, shown):
        assert "US$" not in text
        assert "Demo prices" not in text


@pytest.mark.rule("R5")
def test_a_forged_checkout_of_who_may_not_pay_makes_no_cart_and_no_order(
    people: People, harbour_view: Site, price_list: PriceList, billing: None, ivan: Client, dora: Client
) -> None:
    page = ivan.post("/subscription/", {"all": everything(ivan), "months": 1, "action": "next"}).content.decode()
    assert "Your organization may not pay for this installer&#x27;s sites." in page
    assert not Cart.objects.exists()
    answer = dora.post("/subscription/", {"all": everything(dora), "months": 1, "action": "request"})
    assert "Your role may not do this." in answer.content.decode()
    assert not RenewalRequest.objects.exists()
    ids = tuple(Entitlement.objects.filter(site=harbour_view).values_list("pk", flat=True))
    cart = carts.new_cart(
        people.ivan.actor, people.ivan.firm, Filter(people.ivan.firm.pk, "community", ids=ids), months=1, now=NOW
    )
    back = f"/subscription/?installer={people.ivan.firm.pk}&kind=community&cart={cart.pk}&months=1"
    for answer in (
        ivan.get(f"/subscription/carts/{cart.pk}/"),
        ivan.post(f"/subscription/carts/{cart.pk}/", {**BILLING, "fingerprint": "0" * 24, "terms": "on"}),
        ivan.post(f"/subscription/carts/{cart.pk}/term/", {"months": 3}),
    ):
        assert (answer.status_code, answer["Location"]) == (302, back)
    page = ivan.get(back).content.decode()
    assert "Your organization may not pay for this installer&#x27;s sites." in page
    assert page.count(" checked") >= 5  # the items are ticked: they can be requested
    cart.refresh_from_db()
    assert cart.months == 1
    assert (Order.objects.count(), Payment.objects.count()) == (0, 0)
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


def test_asked_approved_paid_and_everybody_is_told(
    people: People,
    harbour_view: Site,
    price_list: PriceList,
    billing: None,
    ivan: Client,
    dora: Client,
    sandbox: Sandbox,
) -> None:
    address = asked(ivan)
    shown = ivan.get(address).content.decode()
    assert_clean(shown)
    assert "Waiting for Nordlys Distribution" in shown
    assert "Mail to dora@nordlys.example" in shown
    assert "Everything is requested" in ivan.get("/subscription/").content.decode()
    assert "To the requests" in ivan.get("/subscription/").content.decode()
    notify.send_due(now=NOW)
    listed = dora.get("/subscription/requests/").content.decode()
    assert_clean(listed)
    assert "Hafen Intercom GmbH" in listed
    ready = dora.get(address).content.decode()
    assert_clean(ready)
    assert "Mail sent to dora@nordlys.example" in ready
    assert "Approve, then pay US$30.60" in ready
    assert "3 months × US$2.50" in ready
    cart = dora.post(f"{address}approve/")["Location"]
    page = dora.get(cart).content.decode()
    assert "Pay US$30.60" in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    form = {**BILLING, "version": version[1], "fingerprint": fingerprint(page), "terms": "on"}
    assert dora.post(cart, form)["Location"] == Payment.objects.get().checkout_url
    order = Order.objects.get()
    assert dora.post(f"{address}approve/")["Location"] == f"/orders/{order.number}/"
    assert "Approved and being paid" in ivan.get(address).content.decode()
    press(Payment.objects.get().checkout_url, "approve")
    settlement.settle_order(order.number, now=NOW)
    assert "Done: paid and active" in ivan.get(address).content.decode()
    assert "Mail to ivan@hafen.example" in ivan.get(address).content.decode()
    timeline = dora.get(f"/orders/{order.number}/").content.decode()
    assert_clean(timeline)
    assert "Mail to dora@nordlys.example" in timeline
    assert "dora@nordlys.example" not in ivan.get(f"/orders/{order.number}/").content.decode()


def test_refused_with_a_reason_and_not_without(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, dora: Client
) -> None:
    address = asked(ivan)
    answer = dora.post(f"{address}refuse/", {"reason": " "})
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert "Say why, so that the installer knows what to do." in answer.content.decode()
    assert RenewalRequest.objects.get().state == "open"
    dora.post(f"{address}refuse/", {"reason": "Pay the last <invoice> first."})
    assert "Pay the last &lt;invoice&gt; first." in ivan.get(address).content.decode()
    assert RenewalRequest.objects.get().state == "refused"


def test_a_text_that_no_database_keeps_is_refused_where_it_was_typed(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, dora: Client
) -> None:
    """A NUL byte, in the note, in the reason of a refusal, and in a search that was sent where addresses ask."""
    said = "(U+0000). Delete it."
    sent = {"all": everything(ivan), "months": 3, "action": "request", "note": "Plea\0se", "q": "Har\0bour"}
    assert said in ivan.post("/subscription/", sent).content.decode()
    assert not RenewalRequest.objects.exists()
    address = asked(ivan, q="Har\0bour")  # only the address of the page searches
    answer = dora.post(f"{address}refuse/", {"reason": "Pay\0first"})
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert RenewalRequest.objects.get().state == "open"
    assert ivan.get("/subscription/?q=Har%00bour").status_code == 404


def test_withdrawn_meanwhile_is_said_and_nothing_is_approved(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, dora: Client
) -> None:
    address = asked(ivan)
    assert "Withdrawn." in ivan.post(f"{address}withdraw/", follow=True).content.decode()
    page = dora.post(f"{address}approve/", follow=True).content.decode()
    assert "The installer has withdrawn this request in the meantime. Nothing was charged." in page
    assert not Cart.objects.exists()
    assert "Quay House 1.01" in ivan.get("/subscription/").content.decode()


def test_what_is_left_out_is_named_before_and_after_approving(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, dora: Client
) -> None:
    address = asked(ivan)
    Entitlement.objects.filter(
        pk=entitlement(harbour_view, ServiceType.PREMIUM, "1.02").pk
    ).update(variant="")  # fmt: skip
    page = dora.get(address).content.decode()
    assert "1 item can&#x27;t be activated any more" in page or "1 item can't be activated any more" in page
    assert "Premium Plan, Quay House 1.02" in page
    after = dora.post(f"{address}approve/", follow=True).content.decode()
    assert "1 item is left out, since it can&#x27;t be activated any more: Premium Plan, Quay House 1.02" in after


@pytest.mark.rule("R1")
def test_a_foreign_request_is_the_same_as_none_and_roles_without_money_get_nothing(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, sign_in: Callable[[Person], Client]
) -> None:
    address = asked(ivan)
    for stranger in (people.mallory, people.sam):
        client = sign_in(stranger)
        for page in ("", "approve/", "refuse/"):
            ask = client.post if page else client.get
            foreign, absent = ask(address + page), ask("/subscription/requests/999999/" + page)
            assert (foreign.status_code, foreign.content) == (404, absent.content)
        assert "No requests yet" in client.get("/subscription/requests/").content.decode()
    igor = sign_in(people.igor)
    assert igor.post(f"{address}withdraw/").status_code == igor.get(address).status_code == 404
    for person in (people.tess, people.petra):
        client = sign_in(person)
        assert client.get(address).status_code == client.get("/subscription/requests/").status_code == 403
        assert client.post(f"{address}withdraw/").status_code == 403
    assert ivan.post(f"{address}approve/").status_code == ivan.post(f"{address}refuse/").status_code == 403
    assert ivan.get(f"{address}approve/").status_code in {403, 405}
    olga = sign_in(people.olga)
    assert olga.get(address).status_code == olga.get("/subscription/requests/").status_code == 200
    assert olga.post(f"{address}approve/").status_code == 403
    assert RenewalRequest.objects.get().state == "open"


def test_a_member_who_does_not_manage_subscriptions_is_told_whom_to_ask(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client, dora: Client
) -> None:
    address = asked(ivan)
    Membership.objects.update(manages_subscriptions=False)
    refused = ivan.get("/subscription/")
    assert refused.status_code == 403
    assert "Your firm lets others manage subscriptions." in refused.content.decode()
    assert "Withdraw" not in ivan.get(address).content.decode()
    assert "Approve, then pay" not in dora.get(address).content.decode()
    assert ivan.post("/subscription/", {"all": everything(ivan), "months": 1, "action": "request"}).status_code == 403
    assert ivan.post(f"{address}withdraw/").status_code == dora.post(f"{address}approve/").status_code == 403
    assert RenewalRequest.objects.get().state == "open"


def test_requests_stand_in_the_menu_and_a_site_says_what_to_do(
    people: People, harbour_view: Site, price_list: PriceList, ivan: Client
) -> None:
    page = ivan.get("/subscription/").content.decode()
    assert "/subscription/requests/" in links_of(page, "nav-v")
    site = ivan.get(f"/sites/{harbour_view.pk}/").content.decode()
    assert "Request activation" in site
