"""A line of an order freezes what stands on the door, and nothing of a person: names are read, and found, as they are now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import User
from communities.actions import sites
from communities.models import Building, Entitlement, Site
from subscriptions.lines import in_orders, target_names
from subscriptions.models import Cart, Order, OrderLine
from tests.people import NOW, People, Person


@pytest.fixture
def order(harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]) -> Order:
    """An order of everything in 1.01, one of everything in 1.02, and one, which is answered, of Petra's PM App."""
    for number in ("1.01", "1.02"):
        place(fill_cart(items=Entitlement.objects.filter(target__number=number)))
    return place(fill_cart())


def said() -> set[str]:
    return set(OrderLine.objects.annotate(said=target_names()).values_list("said", flat=True))


def found(person: Person, text: str) -> set[str]:
    """What the orders are for that somebody finds."""
    orders = Order.objects.visible_to(person.actor).filter(in_orders(person.actor, text))
    lines = OrderLine.objects.filter(order__in=orders)
    return set(lines.annotate(said=target_names()).values_list("said", flat=True))


@pytest.mark.rule("R40")
def test_the_door_is_frozen_and_the_name_is_not(people: People, order: Order) -> None:
    assert set(OrderLine.objects.values_list("target_label", "search_key")) == {
        ("Quay House 1.01", "quay house 1.01"), ("Quay House 1.02", "quay house 1.02"), ("", ""),
    }  # fmt: skip
    building = Building.objects.get()
    sites.rename_building(people.ivan.actor, building_id=building.pk, version=1, name="Pier House", now=NOW)
    petra = User.objects.get(pk=people.petra.membership.user_id)
    petra.name = "Petra Winter"
    petra.save()
    assert said() == {"Quay House 1.01", "Quay House 1.02", "Petra Winter"}


def test_orders_are_found_by_site_apartment_and_the_name_of_today(people: People, order: Order) -> None:
    dora = people.dora
    assert found(dora, "petra") == found(dora, "Holm harbour") == {"Petra Holm"}
    assert found(dora, "1.01") == {"Quay House 1.01"}
    assert found(dora, "harbour view") == {"Quay House 1.01", "Quay House 1.02", "Petra Holm"}
    assert found(dora, "petra 1.01") == found(dora, "nobody") == set()
    User.objects.filter(pk=people.petra.membership.user_id).update(name="P. Winter", search_key="p. winter")
    assert (found(dora, "petra"), found(dora, "winter")) == (set(), {"P. Winter"})


@pytest.mark.rule("R1")
def test_nobody_finds_orders_of_others_by_a_name(people: People, order: Order) -> None:
    assert found(people.mallory, "petra") == found(people.igor, "petra") == set()
    assert found(people.ivan, "petra") == {"Petra Holm"}
