"""A change of many objects: one row of the audit that says it, and one for each object, written together and sealed with it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy

from accounts import audit, chain
from accounts.models import AuditEvent, AuditSeal, Organization
from accounts.scope import Actor
from tests.guards.planted import unguarded
from tests.people import NOW, SYSTEM, People

ALL = audit.Word("test.all_changed", gettext_lazy("Changed"))
ONE = audit.Word("test.one_changed", gettext_lazy("Changed"))


def written(actor: Actor, firm: Organization, count: int) -> AuditEvent:
    """A change of `count` objects, all of them one firm for once."""
    parent = audit.record(actor, ALL, firm, now=NOW, tenant=firm, after={"count": count})
    audit.record_all(
        audit.event(actor, ONE, firm, now=NOW, tenant=firm, after={"n": n}, batch=parent) for n in range(count)
    )
    return parent


def test_many_rows_are_written_by_as_many_statements_as_few(people: People) -> None:
    def statements(count: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            written(SYSTEM, people.ivan.firm, count)
        return len(seen)

    assert statements(2) == statements(40)


def test_a_row_names_its_batch_and_counts_no_more_than_the_change(people: People) -> None:
    parent = written(people.ivan.actor, people.ivan.firm, 3)
    assert list(parent.rows.values_list("action", flat=True)) == [ONE.code] * 3
    whole = AuditEvent.objects.visible_to(people.ivan.actor).whole()
    assert list(whole.filter(action__in=[ALL.code, ONE.code])) == [parent]


def test_a_batch_is_sealed_with_its_rows_and_a_row_that_changes_sides_is_found(
    people: People,
) -> None:
    first, second = (written(SYSTEM, people.ivan.firm, 2) for _n in range(2))
    chain.seal_due(now=NOW)
    assert AuditSeal.objects.filter(event__batch=first).count() == 2
    assert chain.verify(now=NOW).faults == []
    moved = first.rows.earliest("pk")
    with unguarded(AuditEvent):
        AuditEvent.objects.filter(pk=moved.pk).update(batch=second)
    assert [fault.event_id for fault in chain.verify(now=NOW).faults] == [moved.pk]


def test_seals_of_before_batches_stay_right(people: People) -> None:
    """A row of no batch is sealed as it always was: heads that were kept elsewhere hold."""
    event = audit.record(SYSTEM, ONE, people.ivan.firm, now=NOW, tenant=people.ivan.firm)
    row = AuditEvent.objects.values(*chain.KEYS, *chain.CONTENT).get(pk=event.pk)
    before = {name: value for name, value in row.items() if name != "batch_id"}
    keys = [before[name] for name in chain.KEYS if name != "batch_id"]
    expected = chain._sha256(chain.START, chain._canonical([people.ivan.firm.pk, 1, keys, "content"]))
    assert chain.link(chain.START, people.ivan.firm.pk, 1, row, "content") == expected


@pytest.mark.django_db
def test_a_row_is_never_put_into_another_batch(people: People) -> None:
    parent = written(SYSTEM, people.ivan.firm, 1)
    with pytest.raises((IntegrityError, DatabaseError), match="append-only"), transaction.atomic():
        parent.rows.update(batch=None)
