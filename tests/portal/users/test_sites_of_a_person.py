"""The sites of a manager or technician: of many those that are chosen, a page at a time, and those that are searched for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from communities.actions import assignments
from communities.models import Site, TechnicianAssignment
from smartplus.portal.users import sites as page_of
from tests.people import NOW, People, Person
from tests.portal.html import assert_clean

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]


@pytest.fixture
def sites(people: People, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> list[Site]:
    """Eight sites, of which Tess works on the first five; two of them are on a page, and three would be few."""
    monkeypatch.setattr(page_of, "FEW", 3)
    monkeypatch.setattr(page_of, "PAGE", 2)
    found = [make_site(name=f"Quay {n}" + " Xylo" * (n == 7)) for n in range(1, 9)]
    tess = people.tess.membership.pk
    assignments.set_sites_of(people.ivan.actor, membership_id=tess, site_ids=[row.pk for row in found[:5]], now=NOW)
    return found


@pytest.fixture
def ivan(people: People, sign_in: SignIn) -> Client:
    return sign_in(people.ivan)


def boxes(page: str) -> dict[str, bool]:
    """The sites with a box, and whether it is ticked."""
    found = re.findall(r'<input type="checkbox" name="sites" value="\d+"([^>]*)>\s*(?:<[^>]*>)*\s*(Quay \d)', page)
    return {name: "checked" in rest for rest, name in found}


def began(page: str) -> str:
    """What the page remembers of the sites that it shows."""
    return next(text for text in map(unescape, re.findall(r'name="was" value="([^"]*)"', page)) if '"sites"' in text)


def chosen(people: People) -> set[str]:
    rows = TechnicianAssignment.objects.filter(membership=people.tess.membership)
    return set(rows.values_list("site__name", flat=True))


def test_of_many_sites_the_chosen_are_shown_and_the_others_found(
    people: People, ivan: Client, sites: list[Site]
) -> None:
    home = f"/users/{people.tess.membership.pk}/"
    first = ivan.get(home).content.decode()
    assert_clean(first)
    assert boxes(first) == {"Quay 1": True, "Quay 2": True}
    way = unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])  # type: ignore[index]
    second = ivan.get(way).content.decode()
    assert boxes(second) == {"Quay 3": True, "Quay 4": True}
    sent = {"was": began(second), "sites": [sites[2].pk], "find_site": "xylo", "find": "1"}  # the fourth is unticked
    action = unescape(re.search(r'action="([^"]*/sites/[^"]*)"', second)[1])  # type: ignore[index]
    searched = ivan.post(action, sent).content.decode()
    assert_clean(searched)
    assert boxes(searched) == {"Quay 7": False, "Quay 3": True, "Quay 4": False}
    assert began(searched) == began(second)
    assert len(chosen(people)) == 5  # nothing is saved by a search
    ticked = [sites[2].pk, sites[6].pk]
    assert ivan.post(action, {"was": began(searched), "sites": ticked, "find_site": "xylo"}).status_code == 302
    assert chosen(people) == {"Quay 1", "Quay 2", "Quay 3", "Quay 5", "Quay 7 Xylo"}


def test_a_site_that_went_meanwhile_is_a_conflict_and_one_that_came_stays(
    people: People, ivan: Client, sites: list[Site]
) -> None:
    tess, home = people.tess.membership.pk, f"/users/{people.tess.membership.pk}/"
    page = ivan.get(home).content.decode()
    came = [row.pk for row in sites[:6]]
    assignments.set_sites_of(people.ivan.actor, membership_id=tess, site_ids=came, now=NOW)
    sent = {"was": began(page), "sites": [sites[0].pk]}
    assert ivan.post(f"{home}sites/", sent).status_code == 302
    assert chosen(people) == {"Quay 1", "Quay 3", "Quay 4", "Quay 5", "Quay 6"}
    again = ivan.post(f"{home}sites/", sent)  # what this page began with is not so any more
    assert again.status_code == 409
    assert_clean(again.content)
    assert len(chosen(people)) == 5


def test_a_foreign_site_is_refused_and_few_sites_are_all_there(
    people: People, ivan: Client, sites: list[Site], make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = f"/users/{people.tess.membership.pk}/"
    answer = ivan.post(f"{home}sites/", {"was": json.dumps({"sites": []}), "sites": ["999999"]})
    assert answer.status_code == 422
    assert "One of the chosen sites is not yours to choose." in answer.content.decode()
    monkeypatch.setattr(page_of, "FEW", 8)
    page = ivan.get(home).content.decode()
    assert len(boxes(page)) == 8
    assert 'name="find_site"' not in page
    assert ivan.post(f"{home}sites/", {"was": began(page), "sites": [sites[7].pk]}).status_code == 302
    assert chosen(people) == {"Quay 8"}


def test_the_page_is_as_large_for_many_sites_as_for_some(
    people: People, ivan: Client, sites: list[Site], make_site: MakeSite
) -> None:
    home = f"/users/{people.tess.membership.pk}/"
    ivan.get(home)
    with CaptureQueriesContext(connection) as before:
        small = len(ivan.get(home).content)
    for n in range(20):
        make_site(name=f"Pier {n}")
    with CaptureQueriesContext(connection) as after:
        assert abs(len(ivan.get(home).content) - small) < 200
    assert len(after) == len(before)
