"""How the people of an apartment stand on a day: who lives there, who is the family master, who waits for a yes (R30, R31, R32)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from communities.households import MAX_MEMBERS, Lease, Person, Stage, Standing, settled
from tests.people import NOW

TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)
PRESENT, FUTURE, WAITING, ENDED = Standing("present"), Standing("future"), Standing("waiting"), Standing("ended")
MASTER = Standing("present", is_master=True)


def person(key: int, stage: str = Stage.PRESENT, **more: object) -> Person:
    return Person(key, stage, NOW + timedelta(hours=key), **more)  # type: ignore[arg-type]


def stands(*people: Person, free: int = 4, today: date = TODAY) -> list[Standing]:
    found = settled(people, free=free, today=today)
    return [found[one.key] for one in people]


@pytest.mark.rule("R32")
def test_the_first_to_arrive_is_the_family_master_and_stays_it() -> None:
    assert stands(person(1, Stage.FUTURE), person(2, Stage.FUTURE)) == [MASTER, PRESENT]
    assert stands(person(1), person(2, is_master=True), person(3, Stage.FUTURE)) == [PRESENT, MASTER, PRESENT]


@pytest.mark.rule("R32")
def test_the_member_who_came_first_follows_a_master_who_left() -> None:
    gone = person(1, is_master=True, lease=Lease(ends=TODAY - DAY))
    assert stands(gone, person(3), person(2)) == [ENDED, PRESENT, MASTER]


@pytest.mark.rule("R32")
def test_nobody_who_waits_for_a_yes_becomes_the_master() -> None:
    gone = person(1, is_master=True, lease=Lease(ends=TODAY - DAY))
    assert stands(gone, person(2, Stage.WAITING, is_accepted=False), free=0) == [ENDED, WAITING]


@pytest.mark.rule("R32")
def test_nobody_is_admitted_to_an_empty_apartment() -> None:
    """Else the App would be used there by a member, and billed to nobody."""
    gone = person(1, is_master=True, lease=Lease(ends=TODAY - DAY))
    assert stands(gone, person(2, Stage.WAITING, is_accepted=False), free=4) == [ENDED, WAITING]
    arrives = person(3, Stage.FUTURE, becomes_master=True)
    assert stands(person(2, Stage.WAITING, is_accepted=False), arrives, free=4) == [PRESENT, MASTER]


@pytest.mark.rule("R32")
def test_who_was_meant_to_be_the_master_is_it_from_the_first_day_and_takes_it_from_nobody() -> None:
    next_one = person(3, Stage.FUTURE, becomes_master=True, lease=Lease(begins=TODAY))
    leaving = person(1, is_master=True, lease=Lease(ends=TODAY - DAY))
    assert stands(leaving, person(2), next_one) == [ENDED, PRESENT, MASTER]
    assert stands(person(1, is_master=True), next_one) == [MASTER, PRESENT]
    assert stands(leaving, next_one, today=TODAY - DAY) == [MASTER, FUTURE]


@pytest.mark.parametrize(("on", "standing"), [(TODAY - DAY, FUTURE), (TODAY, PRESENT), (TODAY + DAY, PRESENT)])
def test_the_first_day_of_a_lease_belongs_to_it(on: date, standing: Standing) -> None:
    arrives = person(2, Stage.FUTURE, lease=Lease(begins=TODAY))
    assert stands(person(1, is_master=True), arrives, today=on)[1] == standing


@pytest.mark.parametrize(("on", "standing"), [(TODAY, PRESENT), (TODAY + DAY, ENDED)])
def test_the_last_day_of_a_lease_belongs_to_it(on: date, standing: Standing) -> None:
    leaves = person(2, lease=Lease(ends=TODAY))
    assert stands(person(1, is_master=True), leaves, today=on)[1] == standing


@pytest.mark.rule("R30")
def test_beyond_the_free_number_a_member_waits_until_it_is_accepted() -> None:
    master, old = person(1, is_master=True), person(2)
    new = person(3, Stage.FUTURE, is_accepted=False)
    assert stands(master, old, new, free=2)[2] == PRESENT
    assert stands(master, old, new, free=1)[2] == WAITING
    assert stands(master, old, person(3, Stage.WAITING, is_accepted=True), free=1)[2] == PRESENT
    assert stands(master, old, person(3, Stage.WAITING, is_accepted=False), free=2)[2] == PRESENT


@pytest.mark.rule("R30")
def test_who_waits_longest_is_the_first_for_whom_there_is_room() -> None:
    waiting = [person(key, Stage.WAITING, is_accepted=False) for key in (3, 2)]
    assert stands(person(1, is_master=True), *waiting, free=1) == [MASTER, WAITING, PRESENT]


@pytest.mark.rule("R30")
def test_who_lives_there_stays_where_the_free_number_has_become_smaller() -> None:
    members = [person(key, is_accepted=False) for key in (2, 3)]
    assert stands(person(1, is_master=True), *members, free=0) == [MASTER, PRESENT, PRESENT]


@pytest.mark.rule("R31")
def test_a_sixty_fourth_member_waits_even_if_accepted() -> None:
    members = [person(key) for key in range(2, MAX_MEMBERS + 2)]
    arriving = person(99, Stage.FUTURE, is_accepted=True)
    found = stands(person(1, is_master=True), *members, arriving, free=63)
    assert (found.count(PRESENT), found[-1]) == (63, WAITING)


def test_who_has_moved_out_is_not_looked_at() -> None:
    assert settled([person(1, Stage.ENDED)], free=4, today=TODAY) == {}
