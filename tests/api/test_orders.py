"""Orders through the API: who pays sees the whole, others their own sites (R1)."""

from __future__ import annotations

import pytest

from accounts.models import Membership, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(harbour_view, fill_cart, place):
    """Dora's order for Harbour View: two apps, two premium plans, a PM App."""
    return place(fill_cart())


def test_the_payer_sees_the_whole_order_in_minor_units(people, ask, token_of, order, harbour_view):
    answer = ask(token_of(people.dora), f"orders/{order.number}").json()
    assert answer == {
        "number": order.number,
        "type": "activation",
        "state": "processing",
        "currency": "USD",
        "amount_minor": order.total_minor,
        "is_payer": True,
        "created_at": "2026-11-22T09:00:00Z",
        "closed_at": None,
        "sites": [
            {
                "site_id": harbour_view.pk,
                "site": "Harbour View",
                "items": order.line_count,
                "amount_minor": order.subtotal_minor,
            }
        ],
    }
    assert isinstance(answer["amount_minor"], int)
    page = ask(token_of(people.dora), "orders").json()
    assert [one["number"] for one in page["items"]] == [order.number]
    assert page["next"] == ""


@pytest.mark.rule("R1")
def test_others_see_the_lines_of_their_own_sites_or_nothing(people, ask, token_of, order):
    own = ask(token_of(people.ivan), f"orders/{order.number}").json()
    assert (own["is_payer"], own["amount_minor"]) == (False, order.subtotal_minor)
    strangers = [
        ask(token_of(person), f"orders/{number}")
        for person in (people.mallory, people.sam, people.ines)
        for number in (order.number, "SP-261122-XXXXXXXX")
    ]
    assert {(one.status_code, one.content) for one in strangers} == {(404, b'{"detail": "Not found."}')}
    for person in (people.mallory, people.sam, people.ines):
        assert ask(token_of(person), "orders").json()["items"] == []


def test_amounts_are_kept_back_where_prices_are_hidden(people, ask, token_of, order):
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    text = token_of(people.ivan)
    answer = ask(text, f"orders/{order.number}").json()
    assert answer["amount_minor"] is None
    assert [site["amount_minor"] for site in answer["sites"]] == [None]
    assert ask(text, "orders").json()["items"][0]["amount_minor"] is None
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=True)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(sees_prices=False)
    assert ask(text, "orders").json()["items"][0]["amount_minor"] is None
