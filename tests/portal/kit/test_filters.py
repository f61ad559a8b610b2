"""What an address says of a filter, and where its chips lead."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from smartplus.access import PortalRequest
from smartplus.portal.kit import keyset
from smartplus.portal.kit.lists import Column, Filter, List, Listing, Option
from tests.people import SYSTEM

STATE = Filter("state", {"waiting": Option("Waiting"), "done": Option("Done")}, also={"open": "waiting"})
DAYS = Filter("days", {"7": Option("A week"), "30": Option("A month")}, own="30", clears=("from",), is_apart=True)
LIST = List(title="Things", columns=(Column("thing", "Thing", further="all of it"),), filters=(STATE, DAYS))


def listing_of(query: str) -> Listing:
    request = RequestFactory().get(f"/?{query}")
    asked: PortalRequest = request  # type: ignore[assignment]
    asked.actor = SYSTEM
    return LIST.asked(asked)


def chips_of(query: str, place: str) -> list[tuple[str, str, bool]]:
    (bar,) = listing_of(query).context(keyset.Page([], "", ""), [])[place]
    return [(chip.value, chip.url, chip.is_on) for chip in bar.chips]


@pytest.mark.parametrize(
    ("query", "state", "days"),
    [
        ("", "", "30"),
        ("state=done&days=7", "done", "7"),
        ("state=open", "waiting", "30"),
        ("state=nonsense&days=nonsense", "", "30"),
    ],
)
def test_an_address_names_an_option_by_any_of_its_words_and_none_is_its_own(query: str, state: str, days: str) -> None:
    sent = QueryDict(query)
    assert (STATE.chosen(sent), DAYS.chosen(sent)) == (state, days)
    chosen = listing_of(query).chosen
    assert (chosen.get("state", ""), chosen.get("days", "")) == (state, days)


def test_a_list_that_shows_what_it_shows_by_itself_is_not_narrowed() -> None:
    assert [listing_of(query).is_narrowed for query in ("", "days=30", "days=7", "state=open")] == [
        False,
        False,
        True,
        True,
    ]


def test_a_chip_of_all_stands_where_no_option_is_the_filters_own() -> None:
    assert chips_of("state=open", "bars") == [
        ("", "?", False),
        ("waiting", "?state=waiting", True),
        ("done", "?state=done", False),
    ]
    assert chips_of("", "apart") == [("7", "?days=7", False), ("30", "?days=30", True)]


def test_what_says_more_of_one_option_goes_with_another() -> None:
    assert chips_of("from=2026-11-29&after=x&state=done", "apart") == [
        ("7", "?state=done&days=7", False),
        ("30", "?state=done&days=30", True),
    ]


def test_a_list_that_its_view_sorts_has_no_order_of_its_own() -> None:
    listing = listing_of("sort=thing")
    assert listing.sorting.value == ""
    assert [(head.url, head.column.further) for head in listing.heads] == [("", "all of it")]
