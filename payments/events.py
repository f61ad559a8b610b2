"""Webhooks: verified, stored once, then processed in order. A message only says which object to look up; it is never proof (R50)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connections, router
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery

from accounts import fences
from payments import gateways
from payments.errors import TooLarge
from payments.models import EventState, GatewayEvent, Payment

log = logging.getLogger("smartplus.payments")

# Seconds after which an event can be claimed again, in case its worker died. A worker that is only slow may then get a second one
# beside it. That costs one more request to the gateway, since the claim is a conditional update and settling is idempotent; a longer
# lease would let the payer wait.
LEASE = timedelta(seconds=20)
WAITING = (EventState.NEW, EventState.FAILED)


def receive(gateway: str, body: bytes, headers: Mapping[str, str], *, now: datetime) -> bool:
    """Store a webhook; False for one that is stored already. An event that does not concern us, or has an unknown shape, is stored as
    ignored.

    Size and signature are checked before any database access, so a forged message costs no statement. Raises TooLarge, BadSignature,
    and UnknownGateway or GatewayCant where no such gateway sends messages. One INSERT both stores the event and tells whether it was
    new: of two copies at the same instant exactly one returns True.
    """
    sender = gateways.events(gateway)
    if len(body) > settings.WEBHOOK_MAX_BYTES:
        raise TooLarge
    event = sender.read_event(body, headers, now=now)
    row = GatewayEvent(
        gateway=gateway,
        event_id=event.id,
        kind=event.kind,
        topic=event.topic,
        object_ref=event.object_ref,
        request_key=event.request_key,
        says_paid=event.says_paid,
        raw_body=body,
        headers={name.lower(): value[:1000] for name, value in headers.items() if name.lower() in sender.event_headers},
        state=EventState.NEW if event.is_known else EventState.IGNORED,
        received_at=now,
        next_try_at=now if event.is_known else None,
    )
    is_new = _keep(row)
    if is_new and event.is_odd:
        log.warning("%s sent a verified message of an unknown shape: %s %s", gateway, event.id, event.kind)
    return is_new


def _keep(row: GatewayEvent) -> bool:
    """Insert the row unless it exists, and return whether it was new, which `bulk_create(ignore_conflicts=True)` does not tell."""
    insert = InsertQuery(GatewayEvent, on_conflict=OnConflict.IGNORE)
    insert.insert_values([field for field in GatewayEvent._meta.concrete_fields if not field.primary_key], [row])
    using = router.db_for_write(GatewayEvent)
    with connections[using].cursor() as cursor:
        for sql, params in insert.get_compiler(using=using).as_sql():
            cursor.execute(sql, params)
        return bool(cursor.rowcount == 1)


def due(now: datetime, limit: int = 100) -> list[GatewayEvent]:
    """Events to be processed now, the longest waiting first."""
    return list(GatewayEvent.objects.due(now).defer("raw_body")[:limit])


def claim(event: GatewayEvent, *, now: datetime) -> bool:
    """Claim an event for the length of the lease; False if another worker was faster. Counts as one try."""
    taken = GatewayEvent.objects.filter(
        pk=event.pk, state__in=WAITING, tries=event.tries, next_try_at=event.next_try_at
    ).update(tries=event.tries + 1, next_try_at=now + LEASE)
    if not taken:
        return False
    event.tries, event.next_try_at = event.tries + 1, now + LEASE
    return True


def finish(event: GatewayEvent, *, now: datetime, is_ignored: bool = False) -> None:
    """Mark a claimed event as processed, or as ignored because it concerns none of our payments. A worker that was slower than its
    lease may call it too, since settling is idempotent.
    """
    event.state = EventState.IGNORED if is_ignored else EventState.DONE
    event.next_try_at, event.done_at, event.last_error = None, now, ""
    event.save(update_fields=["state", "next_try_at", "done_at", "last_error"])


def fail(event: GatewayEvent, problem: Exception, *, is_expected: bool, now: datetime) -> datetime | None:
    """Record that a claimed event failed, and return the time of its next try; each wait is longer than the one before.

    After the last try the event stays in the list of failures; an event that waits for a gateway is never given up. Raises NotNow, and
    writes nothing, where another worker has claimed the event since.
    """
    later = fences.later(event.tries, now=now, is_expected=is_expected)
    mine = GatewayEvent.objects.filter(pk=event.pk, state__in=WAITING, tries=event.tries)
    if not mine.update(state=EventState.FAILED, last_error=fences.in_words(problem), next_try_at=later):
        raise fences.NotNow
    return later


def try_again(event_id: int, *, now: datetime) -> None:
    """Process a failed event now, at a person's request. Its number of tries starts again at zero."""
    GatewayEvent.objects.filter(pk=event_id, state=EventState.FAILED).update(next_try_at=now, tries=0)


def unsettled(request_keys: Iterable[str]) -> bool:
    """Whether a message reported money for one of these payments and the gateway's object has not confirmed it yet."""
    told = GatewayEvent.objects.filter(says_paid=True, state__in=[EventState.NEW, EventState.FAILED])
    return told.filter(request_key__in=list(request_keys)).exists()


def payment_of(event: GatewayEvent) -> Payment | None:
    """The payment that an event is about: found by the page's id, by the gateway's payment id, or by our own key in the event."""
    ours = Payment.objects.filter(gateway=event.gateway)
    for name, value in (
        ("gateway_ref", event.object_ref),
        ("gateway_payment_ref", event.object_ref),
        ("request_key", event.request_key),
    ):
        if value and (found := ours.filter(**{name: value}).first()):
            return found
    return None
