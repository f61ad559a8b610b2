"""The benchmark: what it counts, what it prints, whom it refuses, and that each of its cases runs. Nothing here is judged by the clock."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Organization
from communities.models import ServiceChange, Site
from payments.models import GatewayEvent
from smartplus.bench import pages, runs, table
from smartplus.bench.cases import Goal, Result
from smartplus.bench.measure import Cost, in_turn, undone
from smartplus.bench.people import readers
from smartplus.scale import building
from subscriptions.models import Order, ServicePeriod
from tests.people import People

NOW = timezone.now()
TINY = runs.Plan(8, largest=3, flats=2, rounds=1)


def silent(_text: str) -> None:
    """Say nothing."""


@pytest.mark.django_db
def test_it_counts_what_is_asked_and_takes_back_what_is_written() -> None:
    done: Counter[str] = Counter()

    def ours() -> int:
        done["ours"] += 1
        with undone():
            Organization.objects.create(kind="operator", name="Gone", path="gone")
            assert Organization.objects.count() == 1
        return 7

    def floor() -> int:
        done["floor"] += 1
        return Organization.objects.count()

    found, under = in_turn(ours, floor, rounds=4)
    assert under is not None
    assert (found.statements, found.sent_bytes) == (2, 7)
    assert (under.statements, under.sent_bytes) == (1, 0)
    assert found.peak_kib > 0
    assert done == {"ours": 6, "floor": 6}
    assert not Organization.objects.exists()


def test_a_goal_is_met_or_said_to_be_missed_and_the_worst_reader_stands_for_the_page() -> None:
    cost = Cost(cpu_ms=30.0, database_ms=10.0, statements=8, sent_bytes=61_000, peak_kib=512)
    page = Result("lists", "/sites/ as operator", Goal(ratio=2.5, sent_kb=60), cost, replace(cost, cpu_ms=10.0))
    good = replace(page, name="/sites/ as installer", ours=replace(cost, cpu_ms=20.0, sent_bytes=900))
    assert (page.missed, good.missed) == (["ratio", "KB"], [])
    grown = replace(page, goal=Goal(growth=1.3, statements=8), smaller=replace(cost, cpu_ms=20.0), grows="everything")
    assert grown.missed == ["growth"]
    lines = table.markdown([good, page, replace(grown, name="/dashboard/ as operator")]).splitlines()
    assert len(lines) == 4
    assert lines[2] == (
        "| /sites/ as operator | 30.0 | 10.0 | 10.0 | 3.00 |  |  | 8 | 61 | 0.5 | ≤ 2.5 × floor, ≤ 60 KB | not yet: ratio, KB |"
    )
    assert "(everything) | 30.0 | 10.0 | 10.0 | 3.00 | 20.0 | 1.50 | 8 |" in lines[3]
    assert [row["missed"] for row in json.loads(table.as_json([good, page]))] == [[], ["ratio", "KB"]]


@pytest.mark.django_db
def test_a_database_that_is_not_kept_for_it_is_refused_and_stays_as_it_is(people: People) -> None:
    before = Organization.objects.count()
    with pytest.raises(CommandError, match="_bench"):
        call_command("bench", scale=8)
    assert Organization.objects.count() == before


@pytest.mark.django_db
def test_some_of_its_cases_can_be_chosen_and_printed_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "refuse_other_databases", lambda: None)
    monkeypatch.setattr(runs, "empty", lambda: None)
    out = StringIO()
    call_command("bench", only=["webhook"], scale=8, json=True, stdout=out, stderr=StringIO())
    said: list[dict[str, Any]] = json.loads(out.getvalue())
    assert [row["name"] for row in said] == ["message accepted", "message known already", "message forged"]
    assert [row["ours"]["statements"] for row in said] == [1, 1, 0]
    assert not GatewayEvent.objects.filter(event_id__startswith="evt_bench").exists()


@pytest.mark.django_db
def test_orders_and_the_pages_of_a_community_are_measured_and_leave_nothing() -> None:
    found = list(
        runs.run(replace(TINY, only=frozenset({"community", "bulk", "new_site", *runs.OF_MONEY})), now=NOW, say=silent)
    )
    names = [one.name for one in found]
    assert [name for name in names if "as" not in name.split()] == [
        "dry run of 3 apartments", "bulk change of 3 apartments", "taking back a bulk change of 3 apartments",
        "new site with 3 apartments",
        "quote of 7 lines, each with its why", "place 1 lines", "settle 1 lines", "place 3 lines", "settle 3 lines",
    ]  # fmt: skip
    assert {name.partition(" as ")[0] for name in names if name.startswith("/")} == {
        template.format(site="…") for template, _plain, _goal in pages.SITE_PAGES
    }
    assert all(one.ours.statements for one in found)
    assert [one.name for one in found if one.floor is None] == ["dry run of 3 apartments", "new site with 3 apartments"]
    assert not ServiceChange.objects.exists()
    assert not Order.objects.filter(state=Order.State.PROCESSING).exists()
    assert not ServicePeriod.objects.filter(line__site__name="Ten Thousand Homes").exists()


@pytest.mark.django_db
def test_lists_and_searches_are_opened_by_everybody_who_may() -> None:
    world = building.build(16, now=NOW, flats=2)
    people = [one for one in readers(world) if one.label in {"operator", "large distributor", "small manager"}]
    found = list(pages.of_readers(people, world, {}, rounds=1)) + list(pages.of_searches(people, rounds=1))
    by_reader = Counter(one.name.partition(" as ")[2] for one in found)
    assert set(by_reader) == {one.label for one in people}
    assert by_reader["operator"] > by_reader["small manager"] > 5
    opened = {one.name.partition(" as ")[0] for one in found if one.group == "lists"}
    assert opened == {template.partition("?installer")[0] for template, _plain, _goal in pages.LISTS} | {pages.EMPTY}
    led = {one.name for one in found if one.ours.sent_bytes < 1000}  # to the device
    assert led == {f"/search/ for a MAC as {who}" for who in ("operator", "large distributor")}


@pytest.mark.django_db
def test_a_start_is_measured_in_processes_of_their_own() -> None:
    (found,) = runs.run(replace(TINY, only=frozenset({"start"})), now=NOW, say=silent)
    assert found.floor is not None
    assert found.ours.cpu_ms > found.floor.cpu_ms > 0


@pytest.mark.django_db
def test_the_floor_has_navigation_and_the_rows_of_its_reader_alone() -> None:
    world = building.build(16, now=NOW, flats=2)
    reader = next(one for one in readers(world) if one.label == "small distributor")
    page = reader.plain.get(pages.plain_address(reader, "sites"), secure=True).content.decode()
    theirs = Site.objects.filter(distributor_id=reader.actor.distributor_id)
    assert [page.count(f">{one.name}<") for one in theirs] == [1] * len(theirs)
    assert page.count('<a class="n"') == len(theirs) < Site.objects.count()
    assert 'href="/orders/"' in page  # the menu of the role
    assert "href=" not in reader.plain.get("/rows/nothing/", secure=True).content.decode()
