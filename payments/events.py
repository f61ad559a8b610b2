"""Webhooks: verified, stored once, worked off in turn. A message is a doorbell: it says where to look, never what is true (R50)."""

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

# An event claimed by a worker that died is due again after this. One that only is slow may find a second worker at its side: the
# claim is a conditional update and settling idempotent, so that costs a question to the gateway, while a long lease costs the payer.
LEASE = timedelta(seconds=20)
WAITING = (EventState.NEW, EventState.FAILED)


def receive(gateway: str, body: bytes, headers: Mapping[str, str], *, now: datetime) -> bool:
    """Store a webhook; False for one that we have. What does not concern us, or is of no shape we know, is stored as ignored.

    Size and signature come before any database access: a forger costs us no statement. Raises TooLarge and BadSignature, and
    UnknownGateway or GatewayCant where no such gateway tells us anything.
    One statement says both whether we had it and keeps it: of two copies in the same instant one answers True.
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
    """INSERT, and do nothing where it is there already; whether it is new, which `bulk_create(ignore_conflicts=True)` does not tell."""
    insert = InsertQuery(GatewayEvent, on_conflict=OnConflict.IGNORE)
    insert.insert_values([field for field in GatewayEvent._meta.concrete_fields if not field.primary_key], [row])
    using = router.db_for_write(GatewayEvent)
    with connections[using].cursor() as cursor:
        for sql, params in insert.get_compiler(using=using).as_sql():
            cursor.execute(sql, params)
        return bool(cursor.rowcount == 1)


def due(now: datetime, limit: int = 100) -> list[GatewayEvent]:
    """Events to be worked on now, the longest waiting first."""
    return list(GatewayEvent.objects.due(now).defer("raw_body")[:limit])


def claim(event: GatewayEvent, *, now: datetime) -> bool:
    """Take an event for the length of the lease; False when another worker was faster. Counts as one try."""
    taken = GatewayEvent.objects.filter(
        pk=event.pk, state__in=WAITING, tries=event.tries, next_try_at=event.next_try_at
    ).update(tries=event.tries + 1, next_try_at=now + LEASE)
    if not taken:
        return False
    event.tries, event.next_try_at = event.tries + 1, now + LEASE
    return True


def finish(event: GatewayEvent, *, now: datetime, is_ignored: bool = False) -> None:
    """A claimed event is worked off, or turned out to concern none of our payments. Settling is idempotent, so a worker that was
    slower than its lease says so as well."""
    event.state = EventState.IGNORED if is_ignored else EventState.DONE
    event.next_try_at, event.done_at, event.last_error = None, now, ""
    event.save(update_fields=["state", "next_try_at", "done_at", "last_error"])


def fail(event: GatewayEvent, problem: Exception, *, is_expected: bool, now: datetime) -> datetime | None:
    """A claimed event could not be worked off: later again, ever later, and answers when. After the last try it stays in the list of
    failures; one that waits for a gateway is never given up. Raises NotNow, and writes nothing, where another worker has it by now."""
    later = fences.later(event.tries, now=now, is_expected=is_expected)
    mine = GatewayEvent.objects.filter(pk=event.pk, state__in=WAITING, tries=event.tries)
    if not mine.update(state=EventState.FAILED, last_error=fences.in_words(problem), next_try_at=later):
        raise fences.NotNow
    return later


def try_again(event_id: int, *, now: datetime) -> None:
    """A person wants an event that failed to be worked on now, with all its tries before it."""
    GatewayEvent.objects.filter(pk=event_id, state=EventState.FAILED).update(next_try_at=now, tries=0)


def unsettled(request_keys: Iterable[str]) -> bool:
    """Whether the gateway told of money for one of these payments and nobody has found it in its books yet."""
    told = GatewayEvent.objects.filter(says_paid=True, state__in=[EventState.NEW, EventState.FAILED])
    return told.filter(request_key__in=list(request_keys)).exists()


def payment_of(event: GatewayEvent) -> Payment | None:
    """The payment an event is about: by the page, by the gateway's payment, or by our own key that the gateway echoes."""
    ours = Payment.objects.filter(gateway=event.gateway)
    for name, value in (
        ("gateway_ref", event.object_ref),
        ("gateway_payment_ref", event.object_ref),
        ("request_key", event.request_key),
    ):
        if value and (found := ours.filter(**{name: value}).first()):
            return found
    return None
