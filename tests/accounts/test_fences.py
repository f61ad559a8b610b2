"""Fences and breakers: what fails stays with its item, and a server that does not answer is left alone."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
from django.db import connection

from accounts import breakers, fences
from accounts.errors import Refused
from accounts.models import CircuitBreaker, ItemFailure, User
from tests.people import NOW, People


class NoAnswer(Exception):
    """A server hangs."""


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ask(answer: Exception | None = None, *, second: float = 0) -> None:
    """Ask the server once, at this second."""
    with breakers.guard("stripe", trips_on=NoAnswer, at=lambda: at(second)):
        if answer is not None:
            raise answer


def asked(answer: Exception | None = None, *, second: float = 0) -> bool:
    """Whether the server was asked, and not left alone."""
    try:
        ask(answer, second=second)
    except breakers.Resting:
        return False
    except (NoAnswer, Refused, RuntimeError):
        pass
    return True


@pytest.mark.usefixtures("db")
def test_three_failures_in_a_row_open_the_breaker_and_one_look_closes_it() -> None:
    assert [asked(NoAnswer()) for _ in range(4)] == [True, True, True, False]
    assert breakers.resting(at(29)) == ["stripe"]
    assert asked(second=29) is False
    with breakers.guard("stripe", trips_on=NoAnswer, at=lambda: at(30)):  # half-open: this one looks
        assert asked(second=31) is False  # the others go on resting
    assert (asked(second=31), breakers.resting(at(31))) == (True, [])
    assert (CircuitBreaker.objects.get().failures, CircuitBreaker.objects.get().opened_at) == (0, None)


@pytest.mark.usefixtures("db")
def test_each_look_that_fails_makes_the_rest_longer_up_to_two_minutes() -> None:
    second, rests = 0.0, []
    for _ in range(3):
        asked(NoAnswer(), second=second)
    for _ in range(4):
        until = CircuitBreaker.objects.get().open_until
        assert until is not None
        rests.append((until - at(second)).total_seconds())
        second += rests[-1]
        assert asked(NoAnswer(), second=second) is True
    assert rests == [30, 60, 120, 120]
    assert CircuitBreaker.objects.get().opened_at == NOW


@pytest.mark.usefixtures("db")
def test_an_answer_between_failures_starts_the_count_anew_and_a_refusal_is_an_answer() -> None:
    for answer in (NoAnswer(), NoAnswer(), None, NoAnswer(), NoAnswer(), Refused(), NoAnswer(), NoAnswer()):
        assert asked(answer) is True
    assert breakers.resting(NOW) == []
    assert CircuitBreaker.objects.get().failures == 2


@pytest.mark.usefixtures("db")
def test_a_bug_of_ours_says_nothing_about_the_server_and_lets_another_item_look() -> None:
    for _ in range(3):
        asked(NoAnswer())
    assert asked(RuntimeError(), second=30) is True
    with breakers.guard("stripe", trips_on=NoAnswer, at=lambda: at(30)) as call:
        call.was_made = False  # it turned out that nothing had to be asked
    assert CircuitBreaker.objects.get().failures == 3
    assert asked(second=30) is True
    assert CircuitBreaker.objects.get().failures == 0


def test_failures_back_off_and_are_given_up_but_never_those_of_a_server_that_does_not_answer(people: People) -> None:
    users = [people.dora.membership.user]

    def fail(problem: Exception) -> list[float | None]:
        now, pauses = NOW, []
        for _ in range(12):

            def work(user: User) -> int:
                raise problem

            fences.each("mail", users, work, now=now, expects=NoAnswer)
            row = ItemFailure.objects.get()
            pauses.append((row.next_try_at - now).total_seconds() / 60 if row.next_try_at else None)
            now = row.next_try_at or now
        return pauses

    assert fail(RuntimeError("no")) == [1, 5, 30, 120, 720, 720, 720, 720, 720, None, None, None]
    assert ItemFailure.objects.get().is_given_up
    ItemFailure.objects.all().delete()
    assert fail(NoAnswer("no")) == [1, 5, 15, *[30] * 9]


def test_the_longest_waiting_come_first_and_those_that_failed_take_turns_with_them(people: People) -> None:
    everybody = list(User.objects.order_by("pk").values_list("pk", flat=True))
    bad = everybody[:3]
    for pk in bad:
        fences.record_failure("mail", pk, RuntimeError("no"), now=NOW)
    due = fences.due("mail", User.objects.all(), by=("pk",), now=at(30), limit=2)
    assert due == everybody[3:5]  # those that failed rest a minute
    assert fences.due("mail", User.objects.all(), by=("pk",), now=at(60), limit=2) == [
        everybody[3], bad[0], everybody[4], bad[1],
    ]  # fmt: skip


def test_the_failure_of_an_item_that_needs_the_work_no_more_is_forgotten(people: People) -> None:
    ids = list(User.objects.order_by("pk").values_list("pk", flat=True))
    for pk in ids[:2]:
        fences.record_failure("mail", pk, RuntimeError("no"), now=NOW, next_try_at=None, is_set=True)  # given up
    assert ids[0] not in fences.due("mail", User.objects.exclude(pk=ids[0]), by=("pk",), now=NOW, limit=50)
    assert list(ItemFailure.objects.values_list("item_id", flat=True)) == [ids[1]]


@pytest.mark.usefixtures("db")
def test_an_error_no_database_can_hold_is_written_all_the_same() -> None:
    fences.record_failure("mail", 1, RuntimeError("half \ud83d, nul \0, and\nlong " + "x" * 600), now=NOW)
    assert ItemFailure.objects.get().error.startswith("RuntimeError: half ?, nul , and long xxx")
    assert len(ItemFailure.objects.get().error) == 500


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_costs_one_item_at_most(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def work(n: int) -> int:
        if n == 2:
            assert connection.connection is not None
            connection.connection.close()  # as a database that is started again does to us
        ItemFailure.objects.count()
        seen.append(n)
        return 1

    with caplog.at_level(logging.CRITICAL):
        assert fences.each("mail", [1, 2, 3, 4], work, now=NOW, key=int) == 3
    assert seen == [1, 3, 4]
    assert list(ItemFailure.objects.values_list("item_id", flat=True)) == [2]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_between_two_items_costs_none() -> None:
    seen: list[int] = []

    def work(n: int) -> int:
        ItemFailure.objects.count()
        seen.append(n)
        assert connection.connection is not None
        connection.connection.close()
        return 1

    connection.ensure_connection()
    fences.each("mail", [1, 2, 3], work, now=NOW, key=int)
    assert seen == [1, 2, 3]
    fences.mend_connections()
