"""A building is added with its apartments or without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from communities.models import Apartment, Building, Site
from tests.people import People, Person
from tests.portal.html import assert_clean, page_of

GRID = {
    "name": "Annexe", "b1-mode": "grid", "b1-first_floor": "0", "b1-floors": "2", "b1-units": "2",
    "b1-first_unit": "1", "b1-numbering": "digits",
}  # fmt: skip


@pytest.fixture
def ivan(people: People, sign_in: Callable[[Person], Client]) -> Client:
    """Ivan's browser."""
    return sign_in(people.ivan)


@pytest.mark.rule("R17", "R23")
def test_a_building_comes_with_its_apartments_which_wait_for_their_monitors(
    ivan: Client, make_site: Callable[..., Site]
) -> None:
    site = make_site(landline=True)
    address = f"/sites/{site.pk}/buildings/new/"
    page = ivan.get(address)
    assert_clean(page.content)
    assert "wait for their indoor monitors" in page_of(page)
    answer = ivan.post(address, GRID)
    assert answer["Location"] == f"/sites/{site.pk}/"
    rows = Apartment.objects.order_by("number_order").values_list("number", "floor", "landline", "monitor_pending")
    assert list(rows) == [
        ("001", "0", True, True),
        ("002", "0", True, True),
        ("101", "1", True, True),
        ("102", "1", True, True),
    ]
    assert "Annexe is added with 4 apartments." in page_of(ivan.get(f"/sites/{site.pk}/facts/"))


def test_a_building_without_apartments_leads_to_the_first_one(ivan: Client, make_site: Callable[..., Site]) -> None:
    site = make_site()
    answer = ivan.post(f"/sites/{site.pk}/buildings/new/", {"name": "Annexe"})
    building = Building.objects.get()
    assert answer["Location"] == f"/sites/{site.pk}/apartments/new/?building={building.pk}"
    assert not Apartment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"b1-floors": "0"}, "greater than or equal to 1"),
        ({"b1-numbering": "own", "b1-pattern": "{floor}"}, "All apartments of a floor would have one number"),
        ({"b1-mode": "list", "b1-pasted": "1; 1\n1; 2"}, "Line 2 repeats 1 of line 1."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_added(
    ivan: Client, make_site: Callable[..., Site], changes: dict[str, str], said: str
) -> None:
    answer = ivan.post(f"/sites/{make_site().pk}/buildings/new/", GRID | changes)
    assert answer.status_code == 422
    assert said in page_of(answer)
    assert_clean(answer.content)
    assert not Building.objects.exists()


def test_small_buttons_and_the_preview_add_nothing(
    people: People, ivan: Client, make_site: Callable[..., Site], sign_in: Callable[[Person], Client]
) -> None:
    address = f"/sites/{make_site().pk}/buildings/new/"
    page = ivan.post(address, GRID | {"do": "other:b1"})
    assert page.status_code == 200
    assert 'name="b1-other_floor"' in page_of(page)
    assert 'value="Annexe"' in page_of(page)
    shown = page_of(ivan.post(f"{address}preview/", GRID | {"b1-other_floor": "1", "b1-other_units": "1"}))
    assert "101" in shown
    assert "102" not in shown
    assert not Building.objects.exists()
    assert sign_in(people.igor).post(f"{address}preview/", GRID).status_code == 404
