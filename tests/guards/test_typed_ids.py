"""Ids in addresses and forms are typed by whoever likes: what is no id is answered like one that nobody has."""

from __future__ import annotations

import pytest

from communities.models import Site
from smartplus.portal.kit.numbers import typed_id
from subscriptions.models import Cart
from tests.people import People

NO_IDS = ["²", "9" * 25, "-1", "x", "\0", " "]


@pytest.mark.parametrize("text", [*NO_IDS, "", None])
def test_what_is_no_id_is_the_id_of_nothing(text: str | None) -> None:
    assert typed_id(text) == 0
    assert typed_id("17") == 17


@pytest.mark.parametrize("text", NO_IDS)
def test_an_installer_that_is_no_number_is_not_there(text: str, people: People, sign_in, harbour_view: Site) -> None:
    assert sign_in(people.dora).get("/subscription/", {"installer": text}).status_code == 404


@pytest.mark.parametrize("text", [text for text in NO_IDS if "\x00" not in text])  # that one is 404 at the door
def test_ids_that_are_none_select_nothing(text: str, people: People, sign_in, harbour_view: Site, price_list) -> None:
    dora, olga = sign_in(people.dora), sign_in(people.olga)
    assert dora.get("/subscription/", {"site": text, "cart": text}).status_code == 200
    assert dora.post("/subscription/", {"item": text, "months": 1}).status_code == 200
    assert dora.get("/orders/", {"after": text}).status_code == 200
    assert olga.get("/prices/new/", {"follows": text}).status_code == 200
    assert not Cart.objects.exists()


@pytest.mark.rule("R1")
@pytest.mark.parametrize("months", ["3", "0"])
def test_somebody_elses_cart_is_not_there_whatever_term_is_sent(
    months: str, people: People, sign_in, harbour_view: Site, fill_cart
) -> None:
    cart = fill_cart()
    mallory = sign_in(people.mallory)
    foreign = mallory.post(f"/subscription/carts/{cart.pk}/term/", {"months": months})
    never = mallory.post("/subscription/carts/999999/term/", {"months": months})
    assert (foreign.status_code, foreign.content) == (404, never.content)
    assert sign_in(people.dora).post(f"/subscription/carts/{cart.pk}/term/", {"months": "3"}).status_code == 302
    cart.refresh_from_db()
    assert cart.months == 3
