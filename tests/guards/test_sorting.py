"""Every list can be sorted by the heads it shows: each way holds over its pages, forth and back, and what narrows the list stays."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import unescape
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from smartplus.portal.kit import keyset
from tests.guards.browser import Browser
from tests.guards.crowd import FIRST, crowd

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("sorting")]

HEAD = re.compile(r'<th scope="col"([^>]*)><a class="by" href="([^"]+)"')
SORTED = re.compile(r'aria-sort="(\w+)"><a class="by" href="([^"]+)"')
LISTS = {  # who reads it, its address, and what it can be sorted by
    ("dora", "/sites/"): {"name", "installer", "type", "expiry"},
    ("ivan", "/sites/?q=a"): {"name", "type", "expiry"},
    ("petra", "/sites/"): {"name", "type", "expiry"},
    ("ivan", "/sites/drafts/"): {"name", "apartments", "saved"},
    ("dora", "/library/"): {"mac", "model", "serial", "installer", "status"},
    ("ivan", "/library/"): {"mac", "model", "serial", "status"},
    ("dora", "/users/?tab=manager"): {"name", "standing"},
    ("dora", "/users/?tab=installer"): {"name", "pays", "security", "standing"},
    ("ivan", "/users/?tab=people"): {"name", "role", "standing", "signed_in"},
    ("dora", "/orders/"): {"number", "type", "installer", "state", "created", "total"},
    ("petra", "/orders/?q=a"): {"number", "type", "installer", "state", "created", "total"},
    ("dora", "/subscription/requests/"): {"installer", "months", "state", "requested"},
    ("dora", "/handovers/"): {"giver", "taker", "state", "asked"},
    ("ivan", "/handovers/?state=asked"): {"giver", "taker", "state", "asked"},
    ("dora", "/subscription/auto-renew/"): {"state", "installer", "next", "payer"},
    ("olga", "/orders/"): {"number", "type", "installer", "state", "created", "total"},
    ("olga", "/jobs/"): {"state", "started"},
    ("olga", "/payments/"): {"order", "payer", "gateway", "state", "at", "amount"},
    ("olga", "/payments/webhooks/"): {"message", "gateway", "state", "tries", "at"},
    ("olga", "/setup/terms/accepted/"): {"person", "email", "at"},
}
ANY = {"installer", "pays", "security"}  # columns that some list shows to some readers alone


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[keyset.Page[Any]]]:
    """Short pages, each kept as it is made."""
    made: list[keyset.Page[Any]] = []
    page = keyset.page

    def short(rows: Any, *, by: Any, query: Any, size: int, under: Any) -> keyset.Page[Any]:
        made.append(page(rows, by=by, query=query, size=4, under=under))
        return made[-1]

    monkeypatch.setattr(keyset, "page", short)
    yield made


def _walk(browser: Browser, person: str, address: str, pages: list[keyset.Page[Any]]) -> list[list[int]]:
    """The ids of the rows, page by page to the end; each page leads back to the one before."""
    found: list[list[int]] = []
    path = urlsplit(address).path
    base = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    extra: dict[str, str] = {}
    while True:
        answer = browser.ask(person, "GET", f"{path}?{urlencode({**base, **extra})}")
        assert answer.status == 200, answer.problem or answer.asked
        page = pages[-1]
        if found:
            assert page.previous, answer.asked
            browser.ask(person, "GET", f"{path}?{urlencode({**base, 'before': page.previous})}")
            assert [row.pk for row in pages[-1].rows] == found[-1], answer.asked
        found.append([row.pk for row in page.rows])
        if not page.next or len(found) > 12:
            return found
        extra = {"after": page.next}


@pytest.fixture(scope="module")
def grown(browser: Browser) -> Browser:
    """The world, with enough of everything for several pages."""
    for number, (estate, payer) in enumerate((("hafen", "dora"), ("hafen", "ivan")), start=1):
        crowd(browser.world, estate=estate, payer=payer, count=4, first=FIRST - 1000 * number)
    return browser


@pytest.mark.parametrize(("person", "address"), LISTS, ids=lambda part: part)
def test_a_list_is_sorted_by_each_of_its_heads(
    grown: Browser, pages: list[keyset.Page[Any]], person: str, address: str
) -> None:
    _check(grown, pages, person, address, LISTS[person, address])


def test_the_apartments_of_a_site_are_sorted_by_each_head(grown: Browser, pages: list[keyset.Page[Any]]) -> None:
    site = grown.world.sites["hafen"]
    columns = {"number", "master", "monitor", "landline", "video", "until"}
    _check(grown, pages, "ivan", f"/sites/{site.pk}/", columns)
    _check(grown, pages, "petra", f"/sites/{site.pk}/?q=1", columns)


def test_the_residents_of_a_site_are_sorted_by_each_head(grown: Browser, pages: list[keyset.Page[Any]]) -> None:
    site = grown.world.sites["hafen"]
    columns = {"name", "apartment", "status", "from", "until"}
    _check(grown, pages, "ivan", f"/sites/{site.pk}/residents/", columns)
    _check(grown, pages, "petra", f"/sites/{site.pk}/residents/?show=present", columns)


def test_the_equipment_of_a_site_is_sorted_by_each_head(grown: Browser, pages: list[keyset.Page[Any]]) -> None:
    address = f"/sites/{grown.world.sites['hafen'].pk}/equipment/"
    for person, query in (("ivan", ""), ("petra", "?kind=lock"), ("dora", "?q=a")):
        _check(grown, pages, person, address + query, {"name", "place"})


def test_the_people_of_a_commercial_site_are_sorted_by_each_head(grown: Browser, pages: list[keyset.Page[Any]]) -> None:
    address = f"/sites/{grown.world.holdings['hafen'].keys['commercial'][0]}/doors-and-people/"
    for person, query in (("ivan", ""), ("dora", "?q=a")):
        _check(grown, pages, person, address + query, {"name", "kind", "intercom"})


def _check(browser: Browser, pages: list[keyset.Page[Any]], person: str, address: str, columns: set[str]) -> None:
    first = browser.ask(person, "GET", address)
    assert first.status == 200, first.problem
    plain = sorted(chain.from_iterable(_walk(browser, person, address, pages)))
    assert len(set(plain)) == len(plain)
    heads = [parse_qs(urlsplit(unescape(url)).query) for _css, url in HEAD.findall(first.body)]
    assert {head["sort"][0].removeprefix("-") for head in heads} == columns
    narrow = parse_qs(urlsplit(address).query)
    assert all({name: values for name, values in head.items() if name != "sort"} == narrow for head in heads)
    sign = "&" if "?" in address else "?"
    for column in sorted(columns):
        ways = []
        for value in (column, f"-{column}"):
            answer = browser.ask(person, "GET", f"{address}{sign}sort={value}")
            assert answer.status == 200, answer.problem or answer.asked
            [(way, other)] = SORTED.findall(answer.body)
            assert way == ("descending" if value.startswith("-") else "ascending")
            assert parse_qs(urlsplit(unescape(other)).query)["sort"] == [
                column if value.startswith("-") else f"-{column}"
            ]
            ways.append(list(chain.from_iterable(_walk(browser, person, f"{address}{sign}sort={value}", pages))))
        up, down = ways
        assert sorted(up) == plain, (address, column)
        if len(plain) < 4 * 12:
            assert up == down[::-1], (address, column)
    browser.ask(person, "GET", address)
    own = pages[-1]
    for other in chain.from_iterable((column, f"-{column}") for column in ANY - columns):
        answer = browser.ask(person, "GET", f"{address}{sign}sort={other}")
        assert answer.status == 200, answer.problem or answer.asked
        assert [row.pk for row in pages[-1].rows] == [row.pk for row in own.rows], (address, other)
        assert pages[-1].next == own.next, (address, other)
    for key in ("x", base64.urlsafe_b64encode(b"[" * 2_900).decode()):
        nonsense = browser.ask(person, "GET", f"{address}{sign}sort=nonsense&after={key}")
        assert nonsense.status == 200, nonsense.problem
