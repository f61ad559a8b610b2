"""The hash chain over the audit: sealing committed events, and verifying that nothing changed since.

A seal covers its event and the previous seal. If an event is changed, removed or inserted, every later digest fails. A person who can
write to the database could compute a whole chain anew or cut off its end; only heads of an earlier run that are kept elsewhere show
that.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts import fences
from accounts.models import AuditEvent, AuditSeal, ItemFailure, Organization

log = logging.getLogger("smartplus.jobs")

JOB = "audit_seals"

BATCH = 1000  # events sealed in one transaction, or verified in one statement
FEW = 100  # rows in one condition over several columns
MOST = 20_000  # events that one run seals, about ten seconds; the next run continues
OPEN_AT_MOST = timedelta(hours=1)  # none of our transactions takes so long
OVERDUE = timedelta(days=1)
START = "0" * 64  # the previous digest of the first seal of a chain

KEYS = (
    "id", "at", "user_id", "actor_role", "action", "subject_type", "subject_id",
    "organization_id", "distributor_id", "subdistributor_id", "installer_id", "site_id",
    "batch_id",  # for rows of a batch only: seals older than this field stay valid
)  # fmt: skip
CONTENT = ("actor_label", "subject_label", "before", "after")

Event = Mapping[str, Any]  # KEYS and CONTENT
Head = tuple[int, str]  # number and digest of the last seal of a chain


# --- sealing ------------------------------------------------------------------------------------------------------------


def seal_due(
    *, now: datetime, budget: fences.Budget | None = None, limit: int = MOST, from_the_start: bool = False
) -> int:
    """Seal events that have no seal yet; returns how many. On PostgreSQL five statements for 1,000 events, and four for the run.

    Events become visible out of the order of their ids, because transactions take different times. So there is no id up to which
    everything is sealed: whatever has no seal is sealed next, and the order of a chain is the order of sealing. Only events with old
    ids are not looked for again; if one was missed there, `verify` names it and `from_the_start` seals it. An organization whose events
    can't be sealed does not block the others: its failure is recorded, and its chain is tried alone later.
    """
    budget = budget or fences.Budget()
    failed = dict(
        ItemFailure.objects.filter(job=JOB).exclude(item_id=fences.WHOLE_JOB).values_list("item_id", "next_try_at")
    )
    after: int | None = 0 if from_the_start else _floor()
    busy: set[int] = set(failed)
    sealed = 0
    while after is not None and sealed < limit and not budget.is_over:
        fences.mend_connections()
        size, start = min(BATCH, limit - sealed), after
        try:
            done, after = _seal_some(size, after=start, busy=busy, now=now)
        except Exception as problem:  # the failing organization is not known, so each is tried alone
            log.warning("a batch of seals failed: %s", fences.in_words(problem))
            fences.mend_connections()
            found = _found(size, after=start, busy=busy)
            ids = sorted({organization_id for _pk, organization_id in found})
            done = _seal_each(ids, size, budget=budget, now=now)
            busy |= set(ItemFailure.objects.filter(job=JOB, item_id__in=ids).values_list("item_id", flat=True))
            after = found[-1][0] if found else None
        sealed += done
    due = sorted(pk for pk, next_try_at in failed.items() if next_try_at is not None and next_try_at <= now)
    return sealed + _seal_each(due, limit, budget=budget, now=now)


def _seal_each(organization_ids: list[int], size: int, *, budget: fences.Budget, now: datetime) -> int:
    """Seal these organizations one by one, each fenced, from the first event without a seal."""

    def seal(organization_id: int) -> int:
        return _seal_some(size, after=0, busy=set(), now=now, only=organization_id)[0]

    return fences.each(JOB, organization_ids, seal, now=now, budget=budget, key=int)


def _floor() -> int:
    """The id below which no new event can appear: that of an event sealed one hour before the last run that sealed anything. Every
    lower id was inserted earlier, so it was committed and sealed by that run or an earlier one. Counting from now would be wrong:
    after a night without runs, events that were uncommitted during the last run would lie below."""
    newest = AuditSeal.objects.order_by("-sealed_at", "-pk").values_list("sealed_at", flat=True)
    last = newest.first()
    if last is None:
        return 0
    settled = newest.filter(sealed_at__lt=last - OPEN_AT_MOST)
    return settled.values_list("event_id", flat=True).first() or 0


@transaction.atomic
def _seal_some(
    size: int, *, after: int, busy: set[int], now: datetime, only: int | None = None
) -> tuple[int, int | None]:
    """Seal up to `size` events after the id `after`; returns how many, and the last id looked at (None at the end).

    An organization that is locked is skipped and added to `busy`: waiting for its lock while holding others could deadlock with actions
    that lock several organizations.
    """
    waiting = _waiting(after=after, busy=busy, only=only)
    found = _found(size, after=after, busy=busy, only=only)
    if not found:
        return 0, None
    wanted = {organization_id for _pk, organization_id in found}
    rows = Organization.objects.filter(pk__in=wanted).order_by("pk")
    free = set(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
    busy |= wanted - free
    if only is not None and not free:
        raise fences.NotNow  # locked by another transaction
    # Read again under the lock: another worker may have sealed some of them.
    events = waiting.filter(organization_id__in=free, pk__lte=found[-1][0]).values(*KEYS, *CONTENT)[:size]
    ends = heads(free)
    seals = list(sealed(events, ends, now=now))
    AuditSeal.objects.bulk_create(seals)
    return len(seals), found[-1][0]


def _waiting(*, after: int, busy: set[int], only: int | None = None) -> QuerySet[AuditEvent]:
    rows: QuerySet[AuditEvent] = AuditEvent.objects.filter(pk__gt=after, seal=None).order_by("pk")
    return rows.exclude(organization_id__in=busy) if only is None else rows.filter(organization_id=only)


def _found(size: int, *, after: int, busy: set[int], only: int | None = None) -> list[tuple[int, int]]:
    """The next events without a seal: their ids and organizations."""
    return list(_waiting(after=after, busy=busy, only=only).values_list("pk", "organization_id")[:size])


def heads(organization_ids: Iterable[int] | None = None) -> dict[int, Head]:
    """The last seal of each chain, or of the chains of some organizations; one statement."""
    last = AuditSeal.objects.filter(organization_id=OuterRef("pk")).order_by("-sequence")
    of_whom = (
        Organization.objects.all() if organization_ids is None else Organization.objects.filter(pk__in=organization_ids)
    )
    rows = of_whom.order_by().annotate(
        last=Subquery(last.values("sequence")[:1]), head=Subquery(last.values("digest")[:1])
    )
    return {pk: (last, head) for pk, last, head in rows.values_list("pk", "last", "head") if last is not None}


def lost(kept: Mapping[int, Head]) -> set[int]:
    """The organizations whose chain no longer contains its kept head; one statement for every hundred."""
    rows = sorted(kept.items())
    missing = set(kept)
    for first in range(0, len(rows), FEW):
        any_of = Q()
        for organization_id, (sequence, digest) in rows[first : first + FEW]:
            any_of |= Q(organization_id=organization_id, sequence=sequence, digest=digest)
        missing.difference_update(AuditSeal.objects.filter(any_of).values_list("organization_id", flat=True))
    return missing


def sealed(events: Iterable[Event], ends: dict[int, Head], *, now: datetime) -> Iterator[AuditSeal]:
    """The next seals for these events, in their order. `ends` has the last seal of each organization, and is moved on."""
    for event in events:
        organization_id = event["organization_id"]
        sequence, previous = ends.get(organization_id, (0, START))
        salt = secrets.token_hex(16)
        content = content_digest(event, salt)
        digest = link(previous, organization_id, sequence + 1, event, content)
        ends[organization_id] = (sequence + 1, digest)
        yield AuditSeal(
            organization_id=organization_id,
            sequence=sequence + 1,
            event_id=event["id"],
            sealed_at=now,
            salt=salt,
            content=content,
            previous=previous,
            digest=digest,
        )


def content_digest(event: Event, salt: str) -> str:
    """The salted digest of an event's words and values, as 64 hex digits."""
    return _sha256(salt, _canonical([event[name] for name in CONTENT]))


def link(previous: str, organization_id: int, sequence: int, event: Event, content: str) -> str:
    """The digest of a seal, as 64 hex digits."""
    keys = [event[name] for name in KEYS if name != "batch_id" or event[name] is not None]
    return _sha256(previous, _canonical([organization_id, sequence, keys, content]))


def _canonical(values: list[Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_instant)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


# --- verifying ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where a chain fails: its organization, the number of the seal (0 for an event without one), the event (0 if unknown)."""

    organization_id: int
    sequence: int
    event_id: int
    problem: str

    def __str__(self) -> str:
        return f"organization {self.organization_id}, sequence {self.sequence}, event {self.event_id}: {self.problem}"


@dataclass(slots=True)
class Verified:
    """The result of a verification: number of seals, the head of the valid part of each chain, and the first fault of each chain."""

    seals: int = 0
    heads: dict[int, Head] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def verify(*, now: datetime, kept: Mapping[int, Head] | None = None) -> Verified:
    """Compute every chain anew. `kept` are heads of an earlier run, which must still be in their chains. Writes nothing; memory does
    not grow with the number of events."""
    result = Verified()
    broken: set[int] = set()
    reached: dict[int, Head] = {}
    for seal, event in _sealed():
        result.seals += 1
        organization_id = seal["organization_id"]
        if organization_id in broken:
            continue
        head = reached.get(organization_id, (0, START))
        problem = _problem(seal, event, head) or _against(kept, seal)
        if problem:
            broken.add(organization_id)
            result.faults.append(
                Fault(organization_id, head[0] + 1, seal["event_id"] if seal["sequence"] == head[0] + 1 else 0, problem)
            )
        else:
            reached[organization_id] = (seal["sequence"], seal["digest"])
    for organization_id, (sequence, _digest) in sorted((kept or {}).items()):
        last = reached.get(organization_id, (0, START))[0]
        if organization_id not in broken and last < sequence:
            result.faults.append(
                Fault(organization_id, last + 1, 0, f"the chain ends here, but it had {sequence} seals before")
            )
    result.faults += _unsealed(now)
    result.heads = reached
    return result


def _problem(seal: Mapping[str, Any], event: Event | None, head: Head) -> str:
    sequence, previous = head
    if seal["sequence"] != sequence + 1:
        return "this seal is missing"
    if seal["previous"] != previous:
        return "the seal does not continue the one before it"
    if event is None:
        return "the event is gone"
    if content_digest(event, seal["salt"]) != seal["content"]:
        return "the names or values of the event are not those that were sealed"
    if link(previous, seal["organization_id"], seal["sequence"], event, seal["content"]) != seal["digest"]:
        return "the event or its seal is not what was sealed"
    return ""


def _against(kept: Mapping[int, Head] | None, seal: Mapping[str, Any]) -> str:
    known = (kept or {}).get(seal["organization_id"])
    is_other = known is not None and known[0] == seal["sequence"] and known[1] != seal["digest"]
    return "the chain was written anew: this is not the digest of the earlier run" if is_other else ""


def _sealed() -> Iterator[tuple[Mapping[str, Any], Event | None]]:
    """Every seal in the order of its chain, with its event; None for a deleted event, which an inner join would hide."""
    seals = (
        AuditSeal.objects.order_by("organization_id", "sequence")
        .values("organization_id", "sequence", "event_id", "salt", "content", "previous", "digest")
        .iterator(chunk_size=BATCH)
    )
    while some := list(islice(seals, BATCH)):
        ids = [seal["event_id"] for seal in some]
        events = {event["id"]: event for event in AuditEvent.objects.filter(pk__in=ids).values(*KEYS, *CONTENT)}
        for seal in some:
            yield seal, events.get(seal["event_id"])


def _unsealed(now: datetime) -> list[Fault]:
    late = (
        AuditEvent.objects.filter(seal=None, at__lt=now - OVERDUE).order_by("pk").values_list("organization_id", "pk")
    )
    return [
        Fault(organization_id, 0, pk, "the event is older than a day and has no seal")
        for organization_id, pk in late[:1]
    ]


def waiting() -> int:
    """The number of events without a seal."""
    return AuditEvent.objects.filter(seal=None).count()
