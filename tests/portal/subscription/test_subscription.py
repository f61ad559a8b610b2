"""The Subscription pages as the distributor uses them: choose, see the price with its why, review, pay."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.actions import terms
from accounts.models import Organization
from communities.models import Entitlement, Site
from payments.actions import save_billing
from payments.models import BillingProfile, Payment
from payments.sandbox import Sandbox
from smartplus.demo import INVENTED_PRICES
from smartplus.portal.kit.numbers import as_ranges, from_ranges
from subscriptions.actions import prices, settlement
from subscriptions.models import Cart, Order, PriceList
from tests.payments.pay_page import press
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.checkout import BILLING, fingerprint, tick_all
from tests.portal.conflicts import told
from tests.portal.html import assert_clean, form_in, page_of, untimed


@pytest.fixture(autouse=True)
def _clock(time_machine_at_noon: None) -> None:
    """The pages read the clock; it stands at NOW."""


def test_the_page_lists_what_waits_and_prices_the_ticks_with_their_why(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    page = dora.get("/subscription/").content.decode()
    assert_clean(page)
    assert "Quay House 1.01" in page
    assert "Petra Holm" in page
    app = Entitlement.objects.get(service_type="app", target__number="1.02")
    answer = dora.post(
        "/subscription/", {"item": app.pk, "months": 3}, headers={"HX-Request": "true", "HX-Target": "cart"}
    )
    fragment = answer.content.decode()
    assert "<html" not in fragment
    assert "US$7.50" in fragment
    assert "3 months × US$2.50" in fragment
    assert "Activate 1 item" in fragment


def test_without_script_the_same_button_shows_the_price_on_a_whole_page(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    app = Entitlement.objects.get(service_type="app", target__number="1.02")
    page = dora.post("/subscription/", {"item": app.pk, "months": 1, "action": "price"}).content.decode()
    assert "<html" in page
    assert "US$2.50" in page
    assert re.search(rf'value="{app.pk}"[^>]* checked', page)


def test_nothing_ticked_is_said_and_keeps_no_cart(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    page = dora.post("/subscription/", {"months": 1, "action": "next"}).content.decode()
    assert "Tick at least one item." in page
    assert not Cart.objects.exists()


def test_review_and_pay_goes_to_the_gateway_and_the_order_waits(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, sandbox: Sandbox
) -> None:
    cart = tick_all(dora, people, months=3)
    page = dora.get(cart).content.decode()
    assert_clean(page)
    assert "Pay US$30.60" in page
    assert "activate 5 items until 22 Feb 2027" in untimed(page)
    answer = dora.post(cart, {**BILLING, "fingerprint": fingerprint(page), "terms": "on"})
    order = Order.objects.get()
    payment = Payment.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, payment.checkout_url)
    assert BillingProfile.objects.get().company == "Nordlys Distribution AS"
    shown = dora.get(f"/orders/{order.number}/").content.decode()
    assert_clean(shown)
    assert "Processing" in shown
    assert "Pay US$30.60" in shown
    assert dora.get(cart)["Location"] == f"/orders/{order.number}/"


@pytest.mark.rule("R51")
def test_coming_back_in_the_browser_never_pays(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, sandbox: Sandbox
) -> None:
    cart = tick_all(dora, people)
    dora.post(cart, {**BILLING, "fingerprint": fingerprint(dora.get(cart).content.decode()), "terms": "on"})
    order = Order.objects.get()
    for _ in range(3):
        page = dora.get(f"/orders/{order.number}/returned/?paid=1&session=cs_test_anything").content.decode()
        assert "Waiting for Stripe" in page
    order.refresh_from_db()
    assert order.state == "processing"
    assert not Entitlement.objects.exclude(expires_at=None).exists()
    press(Payment.objects.get().checkout_url, "approve")
    settlement.settle_order(order.number, now=NOW)
    page = dora.get(f"/orders/{order.number}/").content.decode()
    assert "Done: 5 items are active until 22 Dec 2026" in untimed(page)


@pytest.mark.rule("R39")
def test_missing_billing_or_terms_are_shown_at_their_place_and_nothing_is_ordered(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    cart = tick_all(dora, people)
    mark = fingerprint(dora.get(cart).content.decode())
    answer = dora.post(cart, {**BILLING, "fingerprint": mark})
    assert answer.status_code == 422
    assert "Please accept the Terms and Conditions." in answer.content.decode()
    answer = dora.post(cart, {**BILLING, "city": "", "fingerprint": mark, "terms": "on"})
    assert answer.status_code == 422
    assert 'id="id_city_error"' in answer.content.decode()
    assert not Order.objects.exists()
    assert not BillingProfile.objects.exists()


@pytest.mark.rule("R39")
def test_terms_that_changed_meanwhile_are_shown_anew(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    cart = tick_all(dora, people)
    mark = fingerprint(dora.get(cart).content.decode())
    terms.publish(people.olga.actor, document="terms", texts={"en": "Dearer."}, valid_from=NOW, now=NOW)
    terms.accept(people.dora.membership.user, now=NOW)  # in another window
    answer = dora.post(cart, {**BILLING, "fingerprint": mark, "terms": "on"})
    assert answer.status_code == 422
    assert "The Terms and Conditions changed since this page was opened." in answer.content.decode()
    assert 'name="terms_version" value="2"' in answer.content.decode()
    assert not Order.objects.exists()
    assert not BillingProfile.objects.exists()


@pytest.mark.rule("R39")
def test_before_terms_are_published_nothing_can_be_ordered_and_the_page_says_so(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = tick_all(dora, people)
    mark = fingerprint(dora.get(cart).content.decode())
    monkeypatch.setattr(terms, "in_force", lambda document, now: None)
    page = dora.get(cart).content.decode()
    assert_clean(page)
    assert "No Terms and Conditions are published here yet, so nothing can be ordered." in page
    assert "pay-b" not in page
    answer = dora.post(cart, {**BILLING, "fingerprint": mark, "terms": "on"})
    assert answer.status_code == 422
    assert_clean(answer.content)
    assert not Order.objects.exists()
    assert not BillingProfile.objects.exists()


@pytest.mark.rule("R40")
def test_a_price_that_changed_meanwhile_is_shown_anew(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    cart = tick_all(dora, people)
    old = fingerprint(dora.get(cart).content.decode())
    dearer = {key: 2 * amount for key, amount in INVENTED_PRICES.items()}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=dearer, valid_from=NOW, now=NOW)
    answer = dora.post(cart, {**BILLING, "fingerprint": old, "terms": "on"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The price changed since it was shown." in page
    assert "Pay US$20.40" in page
    assert fingerprint(page) != old
    assert not Order.objects.exists()


def test_a_gateway_that_does_not_answer_keeps_the_order(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, sandbox: Sandbox
) -> None:
    sandbox.faults.arm("unavailable", 99)
    cart = tick_all(dora, people)
    answer = dora.post(
        cart, {**BILLING, "fingerprint": fingerprint(dora.get(cart).content.decode()), "terms": "on"}, follow=True
    )
    page = answer.content.decode()
    assert "The payment service did not answer." in page
    assert "Stripe did not answer" in page
    order = Order.objects.get()
    assert order.state == "processing"
    sandbox.faults.clear()
    again = dora.post(f"/orders/{order.number}/pay/")
    assert again["Location"] == Payment.objects.get().checkout_url


def test_an_unpaid_order_can_be_cancelled(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, sandbox: Sandbox
) -> None:
    cart = tick_all(dora, people)
    dora.post(cart, {**BILLING, "fingerprint": fingerprint(dora.get(cart).content.decode()), "terms": "on"})
    order = Order.objects.get()
    assert dora.get(f"/orders/{order.number}/cancel/").status_code == 405
    page = dora.post(f"/orders/{order.number}/cancel/", follow=True).content.decode()
    assert f"Order {order.number} is cancelled." in page
    assert "Cancelled" in page
    assert not Entitlement.objects.exclude(reserved_by=None).exists()


@pytest.mark.rule("R1")
def test_strangers_get_404_for_order_and_cart_and_an_unpermitted_installer_can_not_pay(
    people: People,
    harbour_view: Site,
    price_list: PriceList,
    dora: Client,
    sandbox: Sandbox,
    sign_in: Callable[[Person], Client],
) -> None:
    cart = tick_all(dora, people)
    stranger = sign_in(people.mallory)
    assert stranger.get(cart).status_code == stranger.get("/subscription/carts/999999/").status_code == 404
    dora.post(cart, {**BILLING, "fingerprint": fingerprint(dora.get(cart).content.decode()), "terms": "on"})
    number = Order.objects.get().number
    foreign, absent = stranger.get(f"/orders/{number}/"), stranger.get("/orders/SP-261122-AAAAAAAA/")
    assert (foreign.status_code, foreign.content) == (404, absent.content)
    assert stranger.get(f"/subscription/?installer={people.ivan.firm.pk}").status_code == 404
    ivan = sign_in(people.ivan)
    assert "You may not pay for your sites" in ivan.get("/subscription/").content.decode()
    assert ivan.post(f"/orders/{number}/pay/", follow=True).status_code in {200, 403}
    assert ivan.get(cart).status_code == 404
    seen = ivan.get(f"/orders/{number}/").content.decode()
    assert "Here are only the lines of yours" in seen
    assert "Storgata 8" not in seen
    assert Payment.objects.count() == 1


def test_an_installer_that_may_pay_pays_for_the_own_sites(
    people: People, harbour_view: Site, price_list: PriceList, sandbox: Sandbox, sign_in: Callable[[Person], Client]
) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=True)
    ivan = sign_in(people.ivan)
    cart = tick_all(ivan, people)
    answer = ivan.post(cart, {**BILLING, "fingerprint": fingerprint(ivan.get(cart).content.decode()), "terms": "on"})
    assert answer["Location"] == Payment.objects.get().checkout_url
    assert Order.objects.get().payer == people.ivan.firm


@pytest.mark.rule("R1")
def test_the_list_tells_a_manager_the_items_and_the_sum_of_the_own_sites_only(
    people: People,
    harbour_view: Site,
    price_list: PriceList,
    make_site,
    make_apartment,
    dora: Client,
    sandbox: Sandbox,
    sign_in,
) -> None:
    make_apartment(make_site("Pier Court"), "9.01")
    cart = tick_all(dora, people)
    dora.post(cart, {**BILLING, "fingerprint": fingerprint(dora.get(cart).content.decode()), "terms": "on"})
    mine = dora.get("/orders/").content.decode()
    assert "US$11.70" in mine
    assert "Pier Court" in mine
    hers = sign_in(people.petra).get("/orders/").content.decode()
    assert "US$10.20" in hers
    assert ">5<" in hers
    assert ">6<" not in hers
    assert "Pier Court" not in hers


@pytest.mark.parametrize("query", ["q=1", "installer={installer}", "kind=community&service=app", "cart="])
def test_what_an_address_does_not_ask_is_not_called_missing(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, query: str
) -> None:
    page = dora.get(f"/subscription/?{query.format(installer=people.ivan.firm.pk)}").content.decode()
    assert "This field is required" not in page
    assert "said lapsed" not in page
    assert "Choose between 1 and 60 months" in dora.get("/subscription/?months=99").content.decode()


def test_the_countries_and_the_refusals_of_the_form_speak_german_as_well(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client
) -> None:
    user = people.dora.membership.user
    user.language = "de"
    user.save(update_fields=["language"])
    page = dora.get("/settings/billing/").content.decode()
    assert '/choices/countries/de/"' in page
    options = dora.get("/choices/countries/de/").content.decode()
    assert 'value="Deutschland"' in options
    assert 'value="Germany"' not in options
    billing = {name: value for name, value in BILLING.items() if name not in {"terms_version", "country"}}
    assert dora.post("/settings/billing/", {**billing, "country": "Nirgendwo"}).status_code == 422
    assert not BillingProfile.objects.exists()
    assert dora.post("/settings/billing/", {**billing, "country": " norwegen"}).status_code == 302
    assert BillingProfile.objects.get().country == "NO"
    assert "Choose between" not in dora.get("/subscription/?months=99").content.decode()


@given(st.sets(st.integers(1, 60), max_size=40))
def test_ids_as_ranges_come_back_as_they_were(ids: set[int]) -> None:
    text = as_ranges(ids)
    assert from_ranges(text, most=40) == (ids or {0})
    assert not ids or from_ranges(text, most=len(ids) - 1) == {0}


def test_the_payers_own_reference_stands_on_the_order_and_is_found(
    people: People,
    harbour_view: Site,
    price_list: PriceList,
    dora: Client,
    sign_in: Callable[[Person], Client],
    sandbox: Sandbox,
) -> None:
    cart = tick_all(dora, people)
    page = dora.get(cart).content.decode()
    assert "Your reference or PO number" in page
    typed = {**BILLING, "fingerprint": fingerprint(page), "terms": "on"}
    assert dora.post(cart, {**typed, "reference": "x" * 65}).status_code == 422
    assert not Order.objects.exists()
    dora.post(cart, {**typed, "reference": " PO\u00a04711 / 26 "})
    order = Order.objects.get()
    assert order.reference == "PO 4711 / 26"
    assert "PO 4711 / 26" in dora.get(f"/orders/{order.number}/").content.decode()
    assert order.number in dora.get("/orders/?q=po+4711").content.decode()
    assert "PO 4711 / 26" in answered(dora.get("/orders/?format=csv"))
    ivan = sign_in(people.ivan)  # whose sites it is for, and who does not pay it
    assert "PO 4711" not in ivan.get(f"/orders/{order.number}/").content.decode()
    assert order.number in ivan.get(f"/orders/?q={order.number}").content.decode()
    assert order.number not in ivan.get("/orders/?q=po+4711").content.decode()
    assert "PO 4711" not in answered(ivan.get("/orders/?format=csv"))


def answered(answer) -> str:
    """A file as it arrives."""
    return b"".join(answer.streaming_content if answer.streaming else [answer.content]).decode("utf-8-sig")


def test_billing_information_saved_by_a_colleague_loses_nothing_of_the_checkout(
    people: People, harbour_view: Site, price_list: PriceList, dora: Client, sandbox: Sandbox
) -> None:
    saved: dict[str, Any] = {name: value for name, value in BILLING.items() if name not in {"version", "terms_version"}}
    save_billing(people.dora.actor, organization=people.dora.firm, now=NOW, **saved)
    cart = tick_all(dora, people)
    opened = form_in(dora.get(cart).content, "company")
    save_billing(people.dora.actor, organization=people.dora.firm, version=1, now=NOW, **{**saved, "city": "Bergen"})
    typed = {"street": "Storgata 9", "reference": "PO 77", "terms": "on", "auto_renew": "on", "renewals": "6"}
    answer = dora.post(cart, opened | typed)
    assert [(line[0], line[2], line[4]) for line in told(answer)] == [
        ("Street", "Storgata 8", True),
        ("Post town", "Bergen", False),
    ]
    assert "You saved this in another window" in page_of(answer)
    again = form_in(answer.content, "company")
    assert again.items() >= {**typed, "city": "Bergen", "version": "2"}.items()
    assert not Order.objects.exists()
    assert dora.post(cart, again)["Location"] == Payment.objects.get().checkout_url
    assert BillingProfile.objects.values_list("street", "city").get() == ("Storgata 9", "Bergen")
