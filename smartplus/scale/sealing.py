"""Sealing the audit of a whole data set at once, as `accounts.chain` does for a thousand events."""

from __future__ import annotations

from datetime import datetime
from io import StringIO
from itertools import islice

from django.db import connection

from accounts import chain
from accounts.models import AuditEvent, AuditSeal

AT_ONCE = 10_000


def seal_all(ends: dict[int, chain.Head], *, now: datetime) -> int:
    """Seal every event without a seal; returns how many. No other process may work in this database.

    `ends` are `chain.heads()`, read while the seals still had their indexes.
    """
    count = 0
    rows = AuditEvent.objects.filter(seal=None).order_by("pk").values(*chain.KEYS, *chain.CONTENT)
    seals = chain.sealed(rows.iterator(chunk_size=AT_ONCE), ends, now=now)
    while some := list(islice(seals, AT_ONCE)):
        _write(some)
        count += len(some)
    return count


def _write(seals: list[AuditSeal]) -> None:
    """On PostgreSQL by COPY."""
    if connection.vendor != "postgresql":
        AuditSeal.objects.bulk_create(seals, batch_size=500)
        return
    columns = [one.column for one in AuditSeal._meta.concrete_fields if not one.primary_key]
    names = [one.attname for one in AuditSeal._meta.concrete_fields if not one.primary_key]
    text = StringIO("".join("\t".join(str(getattr(seal, name)) for name in names) + "\n" for seal in seals))
    with connection.cursor() as cursor:
        cursor.copy_from(text, AuditSeal._meta.db_table, columns=columns)
