"""A gateway that does not answer: after a few failures it is left alone, and neither mail nor seals wait for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import AuditSeal, CircuitBreaker, ItemFailure, Notice
from payments.errors import GatewayNotSetUp, GatewayUnavailable, PaymentOpen
from smartplus import jobs
from subscriptions.actions import scheduled
from tests.factories import NoticeFactory, PaymentFactory
from tests.people import NOW, People

LATER = NOW + timedelta(seconds=31)  # the rest, and what the first three took


@pytest.fixture
def asked(people: People, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Six payments that hang at a gateway that does not answer; the list says which of them it was asked about."""
    PaymentFactory.create_batch(
        6, payer=people.dora.firm, created_at=NOW - timedelta(hours=1), expires_at=NOW + timedelta(hours=1)
    )
    asked: list[int] = []

    def settle(payment_id: int, *, now: datetime) -> None:
        asked.append(payment_id)
        raise GatewayUnavailable("timed out")

    monkeypatch.setattr(scheduled, "settle", settle)
    return asked


def test_it_is_left_alone_after_three_failures_and_looked_at_once_later(
    people: People, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jobs.run("stale_payments", now=NOW) == 0
    assert len(asked) == 3
    jobs.run("stale_payments", now=NOW)
    assert len(asked) == 3  # no other job of this gateway asks it either
    (letter,) = Notice.objects.filter(email=people.olga.email, subject="Stripe does not answer")
    assert "timed out" in letter.body
    jobs.run("stale_payments", now=LATER)
    assert len(asked) == 4  # half-open
    assert len(set(asked)) == 4  # the longest waiting, not the same again
    monkeypatch.setattr(scheduled, "settle", lambda payment_id, *, now: asked.append(payment_id))
    assert jobs.run("stale_payments", now=LATER + timedelta(minutes=2)) == 6  # it is back
    assert not ItemFailure.objects.exists()
    assert CircuitBreaker.objects.get().opened_at is None


@pytest.mark.parametrize("answer", [PaymentOpen(), GatewayNotSetUp("wrong key")])
def test_an_answer_that_helps_nothing_is_an_answer(
    asked: list[int], monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    def settle(payment_id: int, *, now: datetime) -> None:
        asked.append(payment_id)
        raise answer

    monkeypatch.setattr(scheduled, "settle", settle)
    jobs.run("stale_payments", now=NOW)
    assert len(asked) == 6
    assert not CircuitBreaker.objects.exists()


def test_mail_and_seals_are_done_before_anything_waits_for_a_gateway(
    people: People, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    NoticeFactory.create(key="k", user=people.dora.membership.user)
    done: list[tuple[str, bool]] = []

    def settle(payment_id: int, *, now: datetime) -> None:
        done.append((Notice.objects.get(key="k").state, AuditSeal.objects.exists()))
        raise GatewayUnavailable("timed out")

    monkeypatch.setattr(scheduled, "settle", settle)
    jobs.tick(now=NOW)
    assert set(done) == {("sent", True)}
