"""The same form twice, by a second click, a network that tries again or the way back: it makes one row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import sent_forms
from accounts.models import ApiToken, MailLink, Membership, SellerVersion, SentForm
from communities.models import Apartment, Building, Resident, Site, SiteDraft
from devices.models import Device
from payments.sandbox import Sandbox
from smartplus import form_tokens
from subscriptions.actions import orders
from subscriptions.models import Cart, Order, PriceList, RenewalRequest
from tests.guards.pages import read
from tests.people import NOW, PASSWORD, People, Person
from tests.portal.html import everything, form_in
from tests.portal.places import MAC, apartment_form, basics_form, building, stock
from tests.portal.seller import JPEG
from tests.portal.seller import SENT as SELLER

KIM = {"name": "Kim Twice", "email": "kim@twice.example", "language": "en"}
AGAIN = "This was saved already. Sent twice, it is there once."


def form_of(client: Client, address: str, field: str = "name") -> dict[str, Any]:
    return form_in(client.get(address).content, field)


def token_of(client: Client, address: str) -> dict[str, str]:
    """The token of a form of the page; each is as good."""
    form = next(form for form in read(client.get(address).content.decode())[0] if form_tokens.FIELD in form.fields)
    return {form_tokens.FIELD: form.fields[form_tokens.FIELD].sent[0]}


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    return sign_in(people.ivan)


def test_a_site_sent_twice_is_there_once_and_both_lead_to_it(ivan: Client) -> None:
    form = {**form_of(ivan, "/sites/new/"), **basics_form()}
    first, second = (ivan.post("/sites/new/", form) for _ in range(2))
    draft = SiteDraft.objects.get()
    assert first["Location"] == second["Location"] == f"/sites/drafts/{draft.pk}/structure/"
    assert AGAIN in ivan.get(second["Location"]).content.decode()


def test_what_may_be_there_twice_is_there_once_too(
    ivan: Client, make_site: Callable[..., Site], make_apartment: Callable[..., Any]
) -> None:
    address = f"/apartments/{make_apartment(make_site()).pk}/residents/new/"
    before, form = Resident.objects.count(), {**form_of(ivan, address), **KIM}
    for _ in range(3):
        assert ivan.post(address, form).status_code == 302
    assert Resident.objects.count() == before + 1
    assert ivan.post(address, {**form_of(ivan, address), **KIM}).status_code == 302  # meant: a fresh form
    assert Resident.objects.count() == before + 2


def test_the_page_one_went_back_to_and_filled_otherwise_makes_another_one(
    ivan: Client, make_site: Callable[..., Site]
) -> None:
    address = f"/sites/{make_site().pk}/buildings/new/"
    form = form_of(ivan, address)
    for name in ("Quay House", "Pier House"):
        ivan.post(address, {**form, "name": name})
    assert Building.objects.count() == 2


def test_what_was_refused_may_be_sent_again(ivan: Client, make_site: Callable[..., Site]) -> None:
    site = make_site()
    form = {**form_of(ivan, "/sites/new/"), **basics_form()}
    for _ in range(2):  # the name is taken, and that is said each time
        refused = ivan.post("/sites/new/", form)
        assert refused.status_code == 422
        assert AGAIN not in refused.content.decode()
    Site.objects.filter(pk=site.pk).delete()
    assert ivan.post("/sites/new/", form).status_code == 302
    assert SiteDraft.objects.count() == 1


def test_a_price_that_is_only_asked_for_uses_nothing_up(
    people: People, ivan: Client, make_site: Callable[..., Site]
) -> None:
    site = make_site(indoor_monitor=False)
    address = f"/sites/{site.pk}/apartments/new/"
    form = {**apartment_form(building(people, site), indoor_monitor=None), **form_of(ivan, address)}
    for _ in range(2):
        assert ivan.post(address, {**form, "show-price": "1"}).status_code == 200
    assert not SentForm.objects.exists()
    ivan.post(address, {**form, "floor": "9", "number": "9.01"})
    assert Apartment.objects.count() == 1


@pytest.mark.parametrize("address", ["apartments/new/", "/subscription/"])
def test_what_only_asks_for_a_price_holds_no_claim(
    ivan: Client, harbour_view: Site, price_list: PriceList, address: str
) -> None:
    address = address if address[0] == "/" else f"/sites/{harbour_view.pk}/{address}"
    token = token_of(ivan, address)
    with CaptureQueriesContext(connection) as asked:
        assert ivan.post(address, {**token, "show-price": "1", "months": 1}).status_code == 200
    assert [query["sql"] for query in asked if SentForm._meta.db_table in query["sql"]] == []


def test_a_resident_who_was_removed_is_added_again_by_the_same_form(
    ivan: Client, make_site: Callable[..., Site], make_apartment: Callable[..., Any]
) -> None:
    address = f"/apartments/{make_apartment(make_site()).pk}/residents/new/"
    form = {**form_of(ivan, address), **KIM}
    for _ in range(2):
        ivan.post(address, form)
        kim = Resident.objects.get(name=KIM["name"])
        assert AGAIN not in ivan.get(f"/residents/{kim.pk}/edit/").content.decode()
        assert ivan.post(f"/residents/{kim.pk}/remove/").status_code == 302
        assert not Resident.objects.filter(name=KIM["name"]).exists()
    ivan.post(address, form)
    ivan.post(address, form)
    assert Resident.objects.filter(name=KIM["name"]).count() == 1


def test_a_site_that_is_gone_is_made_again_and_nothing_leads_to_its_page(ivan: Client) -> None:
    form = {**form_of(ivan, "/sites/new/"), **basics_form()}
    ivan.post("/sites/new/", form)
    SiteDraft.objects.all().delete()
    assert ivan.get(ivan.post("/sites/new/", form)["Location"]).status_code == 200
    assert SiteDraft.objects.count() == 1


def test_a_request_that_was_withdrawn_is_asked_again_by_the_same_page(
    ivan: Client, harbour_view: Site, price_list: PriceList
) -> None:
    form = {**token_of(ivan, "/subscription/"), "all": everything(ivan), "months": 3, "action": "request"}
    first = ivan.post("/subscription/", form)["Location"]
    assert ivan.post("/subscription/", form)["Location"] == first
    ivan.post(f"{first}withdraw/")
    second = ivan.post("/subscription/", form)["Location"]
    assert second != first
    assert ivan.post("/subscription/", form)["Location"] == second
    assert sorted(RenewalRequest.objects.values_list("state", flat=True)) == ["open", "withdrawn"]


@pytest.mark.parametrize("undo", ["the cart is gone", "the order is cancelled"])
def test_a_cart_that_came_to_nothing_is_filled_again_by_the_same_page(
    people: People,
    sign_in: Callable[[Person], Client],
    harbour_view: Site,
    price_list: PriceList,
    place: Callable[..., Order],
    sandbox: Sandbox,
    undo: str,
) -> None:
    dora, address = sign_in(people.dora), f"/subscription/?installer={people.ivan.firm.pk}"
    form = {**token_of(dora, address), "all": everything(dora, address), "months": 1, "action": "next"}
    first = dora.post(address, form)["Location"]
    cart = Cart.objects.get()
    if undo == "the cart is gone":
        cart.delete()
    else:
        order = place(cart)
        assert dora.post(address, form)["Location"] == first
        orders.cancel_order(people.dora.actor, number=order.number, now=NOW)
    second = dora.post(address, form)["Location"]
    assert second != first
    assert dora.get(second).status_code == 200
    assert dora.post(address, form)["Location"] == second


def test_what_was_removed_revoked_or_withdrawn_is_made_again(
    people: People, ivan: Client, make_site: Callable[..., Site], make_apartment: Callable[..., Any]
) -> None:
    stock(people, MAC, to=people.ivan)
    apartment = make_apartment(make_site(), indoor_monitor=False)
    proof = {"password": PASSWORD}
    kinds: list[tuple[str, str, dict[str, Any], Any]] = [
        (f"/apartments/{apartment.pk}/devices/new/", "mac", {"mac": MAC, "name": "Hall"}, Device),
        ("/settings/tokens/", "scopes", {"name": "Export", "scopes": ["read:sites"], **proof}, ApiToken),
        ("/settings/address/", "email", {"email": "new@hafen.example", **proof}, MailLink),
    ]
    closed = {Device: "removed_at", ApiToken: "revoked_at", MailLink: "closed_at"}
    for address, field, typed, kind in kinds:
        form = {**form_of(ivan, address, field), **typed}
        for _ in range(3):
            ivan.post(address, form)
        rows = kind.objects.filter(**{closed[kind]: None})
        assert rows.count() == 1, kind
        first = rows.get().pk
        if kind is Device:
            ivan.post(f"/devices/{first}/remove/")
        elif kind is ApiToken:
            ivan.post("/settings/tokens/revoke/", {"token": first})
        else:
            ivan.post(address, {"do": "withdraw"})
        assert rows.count() == 0, kind
        ivan.post(address, form)
        assert rows.count() == 1, kind
        assert rows.get().pk != first


def test_an_invitation_that_was_withdrawn_is_sent_again_by_the_same_page(ivan: Client) -> None:
    form = {
        **form_of(ivan, "/users/new/?kind=colleague", "person-email"),
        **{f"person-{name}": value for name, value in KIM.items()},
    }
    led = [ivan.post("/users/new/?kind=colleague", form)["Location"] for _ in range(2)]
    assert led[0] == led[1]
    ivan.post(f"{led[0]}invitation/", {"do": "cancel"})
    assert ivan.get(ivan.post("/users/new/?kind=colleague", form)["Location"]).status_code == 200
    assert Membership.objects.filter(invitations__email=KIM["email"]).distinct().count() == 1


def test_what_makes_no_row_is_the_same_click_for_two_minutes(db: None) -> None:
    claimed = sent_forms.claim("a" * 64, now=NOW)
    assert claimed
    sent_forms.finish(claimed, path="/users/")
    assert sent_forms.claim("a" * 64, now=NOW + timedelta(seconds=119)) is None
    again = sent_forms.claim("a" * 64, now=NOW + timedelta(seconds=120))
    assert again
    sent_forms.finish(again, path="/users/")
    assert sent_forms.claim("a" * 64, now=NOW + timedelta(seconds=239)) is None


def test_a_file_is_known_by_what_is_in_it(people: People, sign_in: Callable[[Person], Client]) -> None:
    olga = sign_in(people.olga)
    shown = form_of(olga, "/setup/seller/", "valid_from")
    form = {**shown, **SELLER, "valid_from": shown["valid_from"]}
    sent = [
        olga.post(
            "/setup/seller/", {**form, "logo": SimpleUploadedFile("logo.jpg", content, content_type="image/jpeg")}
        )
        for content in (JPEG, JPEG, JPEG.replace(b"ab", b"cd"))
    ]
    assert [answer.status_code for answer in sent] == [
        302,
        302,
        409,
    ]  # the last one is another version, after the first
    logo = SellerVersion.objects.get().logo
    assert logo
    assert bytes(logo.content) == JPEG


def test_a_token_that_is_shown_once_is_made_once(ivan: Client) -> None:
    form = {
        **form_of(ivan, "/settings/tokens/", "scopes"),
        "name": "Export",
        "scopes": ["read:sites"],
        "password": PASSWORD,
    }
    first, second = (ivan.post("/settings/tokens/", form) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 302)
    assert ApiToken.objects.count() == 1
    assert AGAIN in ivan.get(second["Location"]).content.decode()


def test_somebody_elses_token_is_none(people: People, ivan: Client, sign_in: Callable[[Person], Client]) -> None:
    form = {**form_of(ivan, "/sites/new/"), **basics_form()}
    ivan.post("/sites/new/", form)
    ines = sign_in(people.ines)
    assert ines.post("/sites/new/", form).status_code == 302
    assert SiteDraft.objects.count() == 2
    assert SentForm.objects.count() == 1


@pytest.mark.parametrize("token", ["", "x", "1.abc:def", "é" * 80])
def test_a_token_that_is_none_of_ours_changes_nothing(ivan: Client, token: str) -> None:
    assert form_tokens.owner(token) == form_tokens.NOBODY
    ivan.post("/sites/new/", {**basics_form(), form_tokens.FIELD: token})
    assert (SiteDraft.objects.count(), SentForm.objects.count()) == (1, 0)


def test_a_form_is_remembered_for_a_day(ivan: Client) -> None:
    ivan.post("/sites/new/", {**form_of(ivan, "/sites/new/"), **basics_form()})
    assert sent_forms.forget_old(now=NOW + timedelta(hours=1)) == 0
    SentForm.objects.update(sent_at=NOW)
    assert sent_forms.forget_old(now=NOW + timedelta(hours=23)) == 0
    assert sent_forms.forget_old(now=NOW + timedelta(days=1, seconds=1)) == 1
    assert not SentForm.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_repeated", [False, True])
def test_two_clicks_at_the_same_instant_make_one(
    people: People,
    sign_in: Callable[[Person], Client],
    make_site: Callable[..., Site],
    make_apartment: Callable[..., Any],
    is_repeated: bool,
) -> None:
    with transaction.atomic():
        address = f"/apartments/{make_apartment(make_site()).pk}/residents/new/"
    clients = [sign_in(people.ivan), sign_in(people.ivan)]
    form = {**form_of(clients[0], address), **KIM}
    if is_repeated:  # what the form made first is undone
        clients[0].post(address, form)
        clients[0].post(f"/residents/{Resident.objects.get(name='Kim Twice').pk}/remove/")
    answers: list[str] = []
    start = threading.Barrier(2)

    def click(client: Client) -> None:
        try:
            start.wait(10)
            answers.append(client.post(address, form)["Location"])
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 2
    assert len(set(answers)) == 1
    assert Resident.objects.filter(name="Kim Twice").count() == 1
