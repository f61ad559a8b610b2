"""Heads of the chains lie where the database can't rewrite them: in a file that only grows, and in the log."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import chain, heads
from accounts.models import AuditEvent, AuditSeal, ItemFailure, Organization
from smartplus import jobs
from tests.accounts.chained import attacker, events
from tests.people import NOW, People

TODAY, TOMORROW = NOW + timedelta(minutes=1), NOW + timedelta(days=1)
LOG = "smartplus.audit"


@pytest.fixture
def kept(settings: Any, tmp_path: Path) -> Path:
    """Where the heads are kept in this test; nothing is there yet."""
    settings.AUDIT_HEADS = tmp_path / "far" / "audit-heads.jsonl"
    return settings.AUDIT_HEADS  # type: ignore[no-any-return]


def said(verify: dict[str, Any] | None = None) -> tuple[list[str], list[str]]:
    """What `verify_ledger` writes, and names."""
    out, problems = io.StringIO(), io.StringIO()
    try:
        call_command("verify_ledger", stdout=out, stderr=problems, **(verify or {}))
    except CommandError as refused:
        return out.getvalue().splitlines(), [*problems.getvalue().splitlines(), str(refused)]
    return out.getvalue().splitlines(), problems.getvalue().splitlines()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the audit wrote to the log."""
    return [record.getMessage() for record in caplog.records if record.name == LOG]


def write_anew(firm: Organization) -> None:
    """Somebody with all rights on the database changes an event and computes the chain anew."""
    event = AuditEvent.objects.filter(organization=firm).earliest("pk")
    AuditEvent.objects.filter(pk=event.pk).update(action="nothing.happened")
    AuditSeal.objects.filter(organization=firm).delete()
    chain.seal_due(now=TODAY, from_the_start=True)


@pytest.mark.rule("R9")
def test_each_day_what_moved_goes_to_the_file_and_to_the_log(
    people: People, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=LOG)
    jobs.tick(now=TODAY)
    of_all = chain.heads()
    assert heads.read(kept) == of_all
    assert len(of_all) > 1
    for pk, (sequence, digest) in of_all.items():
        assert sum(f"{pk} at {sequence} is {digest}" in line for line in lines(caplog)) == 1
    caplog.clear()
    events(people.ivan.firm, 3)
    jobs.tick(now=TODAY + timedelta(hours=2))
    assert (heads.read(kept), lines(caplog)) == (of_all, [])  # once a day
    jobs.tick(now=TOMORROW)
    first, second = (json.loads(line) for line in kept.read_text().splitlines())
    assert set(second["heads"]) < set(first["heads"])
    assert second["heads"][str(people.ivan.firm.pk)] == list(chain.heads()[people.ivan.firm.pk])
    assert heads.read(kept) == chain.heads()
    assert [line.split(":")[0] for line in lines(caplog)] == ["audit heads 2026-11-23"]


def test_a_file_that_was_put_away_begins_again_with_every_chain(people: People, kept: Path) -> None:
    jobs.tick(now=TODAY)
    kept.rename(kept.with_suffix(".old"))
    jobs.tick(now=TODAY)
    assert heads.read(kept) == heads.read(kept.with_suffix(".old")) == chain.heads()


@pytest.mark.rule("R9")
def test_verifying_compares_with_the_kept_heads_without_being_asked(people: People, kept: Path) -> None:
    chain.seal_due(now=TODAY)
    out, problems = said()
    assert (out[1], problems) == (
        f"audit: no heads were kept in {kept}, so a chain written anew, or cut off at its end, would not show",
        [],
    )
    out, problems = said()
    assert (out[1], problems) == (f"audit: compared with {len(chain.heads())} heads kept in {kept}", [])
    before = kept.read_text()
    with attacker():
        write_anew(people.ivan.firm)
        _out, problems = said()
        assert any(f"organization {people.ivan.firm.pk}, " in line and "written anew" in line for line in problems)
    with attacker():
        AuditSeal.objects.filter(organization=people.ivan.firm).latest("sequence").delete()
        _out, problems = said()
        assert any("the chain ends here, but it had" in line for line in problems)
    assert kept.read_text() == before


@pytest.mark.rule("R9")
def test_a_chain_that_was_written_anew_is_told_and_not_believed_from_the_next_day_on(
    people: People, kept: Path
) -> None:
    jobs.tick(now=TODAY)
    mine = heads.read(kept)[people.ivan.firm.pk]
    with attacker():
        write_anew(people.ivan.firm)
        events(people.ivan.firm, 2)
        chain.seal_due(now=TOMORROW)
        jobs.run("audit_heads", now=TOMORROW)
        (failure,) = ItemFailure.objects.filter(job="audit_heads")
        assert f"the audit of organizations {people.ivan.firm.pk} is not what it was" in failure.error
        assert failure.told_at == TOMORROW
        assert heads.read(kept)[people.ivan.firm.pk] == mine
        assert any("written anew" in line for line in said()[1])


def test_a_file_of_something_else_is_named_and_left_alone(people: People, kept: Path) -> None:
    chain.seal_due(now=TODAY)
    said()
    with kept.open("a") as file:
        file.write("torn\n")
    before = kept.read_text()
    with pytest.raises(CommandError, match=r"line 2 of .* does not hold heads"):
        call_command("verify_ledger", stdout=io.StringIO())
    assert kept.read_text() == before
