"""The chain over the audit: everything is sealed once, in any order of commits, and whatever is changed afterwards shows."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts import audit, chain
from accounts.models import AuditEvent, AuditSeal, Organization
from tests.accounts.chained import attacker, events
from tests.people import NOW, People

LATER = NOW + timedelta(minutes=1)


def chain_of(firm: Organization) -> list[AuditSeal]:
    """Its seals, in order."""
    return list(AuditSeal.objects.filter(organization=firm))


def found() -> list[str]:
    """What verifying says."""
    return [str(fault) for fault in chain.verify(now=LATER).faults]


@pytest.mark.rule("R9")
def test_every_event_is_sealed_once_in_the_chain_of_its_organization(people: People) -> None:
    total = AuditEvent.objects.count()
    assert chain.seal_due(now=LATER) == total
    assert chain.seal_due(now=LATER) == 0
    assert AuditSeal.objects.count() == total
    made = events(people.ivan.firm, 2)
    before = len(chain_of(people.ivan.firm))
    assert chain.seal_due(now=LATER) == 2
    seals = chain_of(people.ivan.firm)
    assert [seal.sequence for seal in seals] == list(range(1, before + 3))
    assert [seal.event_id for seal in seals[-2:]] == [event.pk for event in made]
    assert [seal.previous for seal in seals] == [chain.START, *(seal.digest for seal in seals[:-1])]
    assert found() == []


def test_an_event_that_was_committed_late_is_sealed_next(people: People) -> None:
    first, late, last = events(people.ivan.firm, 3)
    with attacker():  # as if its transaction were still open
        row = AuditEvent.objects.filter(pk=late.pk).values().get()
        AuditEvent.objects.filter(pk=late.pk).delete()
        chain.seal_due(now=LATER)
        AuditEvent.objects.create(**row)
        assert chain.seal_due(now=LATER + timedelta(hours=8)) == 1  # however long no worker ran in between
        assert [seal.event_id for seal in chain_of(people.ivan.firm)[-3:]] == [first.pk, last.pk, late.pk]
        assert found() == []


def test_what_is_old_and_sealed_is_not_looked_at_again(people: People) -> None:
    first, _second = events(people.ivan.firm, 2)
    chain.seal_due(now=LATER)
    events(people.ivan.firm, 1)
    chain.seal_due(now=LATER + timedelta(hours=2))
    with attacker():  # an event that nothing but an attacker could put there, or take the seal of
        AuditSeal.objects.filter(event=first).delete()
        assert chain.seal_due(now=LATER + timedelta(hours=3)) == 0
        assert chain.verify(now=LATER).faults != []
        assert chain.seal_due(now=LATER + timedelta(hours=3), from_the_start=True) == 1


def test_sealing_goes_on_where_it_stopped(people: People) -> None:
    events(people.ivan.firm, 5)
    total = AuditEvent.objects.count()
    assert chain.seal_due(now=LATER, limit=3) == 3
    with transaction.atomic():
        chain.seal_due(now=LATER)
        transaction.set_rollback(True)  # the machine went off before the commit
    assert chain.seal_due(now=LATER) == total - 3
    assert found() == []


def test_a_thousand_events_cost_few_statements(people: People) -> None:
    chain.seal_due(now=LATER)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=NOW, actor_label="", actor_role="system", action="order.created", subject_type="order", subject_id=n, subject_label="",
            organization=firm, **audit.tenant_keys(firm),
        )
        for n, firm in zip(range(1000), [people.ivan.firm, people.dora.firm, people.igor.firm] * 334, strict=False)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as statements:
        assert chain.seal_due(now=LATER, limit=1000) == 1000
    wanted = [each["sql"] for each in statements if "SAVEPOINT" not in each["sql"]]
    # SQLite takes 999 values in one statement, so that it needs several for the rows.
    assert len([sql for sql in wanted if not sql.startswith("INSERT")]) <= 7  # three of them for the run, however long
    assert len([sql for sql in wanted if sql.startswith("INSERT")]) <= (1 if connection.vendor == "postgresql" else 9)


@pytest.mark.parametrize(
    ("field", "value"),
    [("actor_label", "Nobody"), ("action", "site.created"), ("at", NOW - timedelta(days=3)), ("after", {"landline": False}), ("site_id", 7)],
)  # fmt: skip
def test_a_changed_value_is_found(people: People, field: str, value: object) -> None:
    first, _last = events(people.ivan.firm, 2)
    chain.seal_due(now=LATER)
    sequence = AuditSeal.objects.get(event=first).sequence
    with attacker():
        AuditEvent.objects.filter(pk=first.pk).update(**{field: value})
        (fault,) = found()
        assert fault.startswith(f"organization {people.ivan.firm.pk}, sequence {sequence}, event {first.pk}: ")
    assert found() == []


def test_a_deleted_event_is_found(people: People) -> None:
    first, _last = events(people.ivan.firm, 2)
    chain.seal_due(now=LATER)
    sequence = AuditSeal.objects.get(event=first).sequence
    with attacker():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_auditevent WHERE id = %s", [first.pk])
        assert found() == [
            f"organization {people.ivan.firm.pk}, sequence {sequence}, event {first.pk}: the event is gone"
        ]


def test_a_deleted_seal_is_found_even_with_its_event(people: People) -> None:
    first, second, third = events(people.ivan.firm, 3)
    chain.seal_due(now=LATER)
    sequence = AuditSeal.objects.get(event=second).sequence
    gap = [f"organization {people.ivan.firm.pk}, sequence {sequence}, event 0: this seal is missing"]
    with attacker():
        AuditSeal.objects.filter(event=second).delete()
        assert found() == gap
        AuditEvent.objects.filter(pk=second.pk).delete()
        assert found() == gap
        # Moving the others up doesn't help: the digests know their number and the one before.
        AuditSeal.objects.filter(event=third).update(sequence=F("sequence") - 1)
        assert found() == [
            f"organization {people.ivan.firm.pk}, sequence {sequence}, event {third.pk}: the seal does not continue the one before it"
        ]
    assert first.pk < second.pk


def test_swapped_events_are_found(people: People) -> None:
    first, second = events(people.ivan.firm, 2)
    chain.seal_due(now=LATER)
    sequence = AuditSeal.objects.get(event=first).sequence
    with attacker():
        AuditSeal.objects.filter(event=first).update(event_id=-1)
        AuditSeal.objects.filter(event=second).update(event=first)
        AuditSeal.objects.filter(event_id=-1).update(event=second)
        (fault,) = found()
        assert fault.startswith(f"organization {people.ivan.firm.pk}, sequence {sequence}, event {second.pk}: ")
        # Not even a content that is moved along with its salt.
        for pk in (first.pk, second.pk):
            seal, event = AuditSeal.objects.get(event=pk), AuditEvent.objects.filter(pk=pk).values().get()
            AuditSeal.objects.filter(event=pk).update(content=chain.content_digest(event, seal.salt))
        assert len(found()) == 1


def test_a_chain_that_breaks_says_nothing_about_the_others(people: People) -> None:
    events(people.igor.firm, 2)
    chain.seal_due(now=LATER)
    with attacker():
        AuditEvent.objects.filter(organization=people.ivan.firm).update(action="site.created")
        result = chain.verify(now=LATER)
        assert [fault.organization_id for fault in result.faults] == [people.ivan.firm.pk]
        assert result.heads[people.igor.firm.pk][0] == len(chain_of(people.igor.firm))


def test_an_event_that_nobody_sealed_for_a_day_is_named(people: People) -> None:
    chain.seal_due(now=LATER)
    (event,) = events(people.ivan.firm, 1)
    assert chain.verify(now=NOW + timedelta(hours=23)).faults == []
    assert [str(fault) for fault in chain.verify(now=NOW + timedelta(hours=25)).faults] == [
        f"organization {people.ivan.firm.pk}, sequence 0, event {event.pk}: the event is older than a day and has no seal"
    ]


def test_heads_kept_elsewhere_show_a_chain_that_was_cut_or_written_anew(people: People) -> None:
    *_, last = events(people.ivan.firm, 3)
    chain.seal_due(now=LATER)
    kept = chain.verify(now=LATER).heads
    firm = people.ivan.firm
    number = kept[firm.pk][0]
    with attacker():
        AuditSeal.objects.filter(event=last).delete()
        AuditEvent.objects.filter(pk=last.pk).delete()
        assert found() == []  # the chain alone can't know how long it was
        assert [str(fault) for fault in chain.verify(now=LATER, kept=kept).faults] == [
            f"organization {firm.pk}, sequence {number}, event 0: the chain ends here, but it had {number} seals before"
        ]
    with attacker():
        AuditEvent.objects.filter(pk=last.pk).update(action="site.created")
        AuditSeal.objects.filter(organization=firm).delete()
        chain.seal_due(now=LATER, from_the_start=True)
        assert found() == []
        (fault,) = chain.verify(now=LATER, kept=kept).faults
        assert (fault.organization_id, fault.sequence, fault.event_id) == (firm.pk, number, last.pk)
    assert chain.verify(now=LATER, kept=kept).faults == []


def test_names_can_be_erased_one_day_without_breaking_the_chain(people: People) -> None:
    """The digest of a seal needs the digest of the names only, and that one is salted."""
    (event,) = events(people.ivan.firm, 1)
    chain.seal_due(now=LATER)
    seal, row = AuditSeal.objects.get(event=event), AuditEvent.objects.filter(pk=event.pk).values().get()
    erased = {**row, "actor_label": "", "subject_label": "", "before": {}, "after": {}}
    assert chain.link(seal.previous, seal.organization_id, seal.sequence, erased, seal.content) == seal.digest
    assert AuditSeal.objects.values("salt").distinct().count() == AuditSeal.objects.count()


def test_the_command_counts_names_the_row_and_keeps_the_heads(people: People, tmp_path: Path) -> None:
    (event,) = events(people.ivan.firm, 1)
    heads, out, problems = tmp_path / "heads.json", io.StringIO(), io.StringIO()
    call_command("verify_ledger", seal=True, heads=heads, stdout=out)
    seals, chains = AuditSeal.objects.count(), AuditSeal.objects.values("organization").distinct().count()
    assert out.getvalue().splitlines() == [
        f"audit: {seals} seals in {chains} chains, 0 events waiting",
        f"audit: no heads were kept in {heads}, so a chain written anew, or cut off at its end, would not show",
        "books: money, orders, paid time and reservations agree",
        "targets: owners, doors and items agree",
        "monitors: whether apartments wait for one is what their devices say",
    ]
    call_command("verify_ledger", heads=heads, stdout=out)
    kept = heads.read_text()
    with attacker():
        AuditEvent.objects.filter(pk=event.pk).update(action="site.created")
        with pytest.raises(CommandError, match="in 5 places"):
            call_command("verify_ledger", heads=heads, stdout=out, stderr=problems)
    sequence = AuditSeal.objects.get(event=event).sequence
    assert f"organization {people.ivan.firm.pk}, sequence {sequence}, event {event.pk}: " in problems.getvalue()
    assert heads.read_text() == kept
    heads.write_text("[]")
    with pytest.raises(CommandError, match="does not hold heads"):
        call_command("verify_ledger", heads=heads, stdout=out)


@pytest.mark.django_db(transaction=True)
def test_workers_that_seal_at_once_do_not_meet(people: People) -> None:
    for firm in (people.ivan.firm, people.dora.firm, people.igor.firm):
        events(firm, 20)
    total, barrier, outcomes = AuditEvent.objects.count(), threading.Barrier(3), list[object]()

    def work() -> None:
        try:
            barrier.wait(timeout=20)
            outcomes.append(chain.seal_due(now=LATER))
        except Exception as problem:
            outcomes.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    chain.seal_due(now=LATER)  # what a worker passed over because another one was at it
    assert AuditSeal.objects.count() == total
    assert found() == []
