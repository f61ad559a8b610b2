"""Which rows a piece of work locks, and in which order: seen at the statements on their way to PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

ARCHITECTURE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"


def order_of(text: str) -> tuple[str, ...]:
    """The tables of the list under "Locks", in the one order (DESIGN §2): each line may begin with what its tables are called in words."""
    listed = text.split("## Locks", maxsplit=1)[1].split("```")[1]
    return tuple(re.findall(r"[a-z]+_\w+", listed))


# The one order, and where everything else stands in it. A table that is missing there has no place yet: the test says so.
ORDER = order_of(ARCHITECTURE.read_text())
# Rows that are only ever locked by who holds the row above them: they need no order among themselves.
BELOW = {
    "communities_building": "communities_site", "communities_resident": "communities_site", "devices_device": "communities_site",
    "communities_managerassignment": "communities_site", "communities_technicianassignment": "communities_site",
    "communities_registrationcode": "communities_site", "communities_pmsconnection": "communities_site",
    "communities_target": "communities_site", "communities_equipment": "communities_site", "communities_commercialaccount": "communities_site",
    "communities_importrow": "communities_apartmentimport", "accounts_failedrow": "accounts_longjob", "accounts_jobfilepart": "accounts_longjob",
    "otp_static_statictoken": "accounts_user", "otp_static_staticdevice": "accounts_user", "otp_totp_totpdevice": "accounts_user",
    "accounts_usersession": "accounts_user", "subscriptions_autorenewalitem": "subscriptions_autorenewal",
    "subscriptions_requestitem": "subscriptions_renewalrequest", "subscriptions_variantchange": "communities_entitlement",
}  # fmt: skip
OTHERS = ("django_", "axes_")  # sessions and counted tries: single rows, of which nobody holds two
SELECTS = re.compile(r'\bFROM "(\w+)".*\bFOR (?:NO KEY )?UPDATE(?: OF "(\w+)")?(?P<waits>.*)$', re.S)
UPDATES = re.compile(r'\s*UPDATE "(\w+)" SET (.*?)(?: RETURNING .*)?$', re.S)
FROM_ROWS = re.compile(r'\s*UPDATE "(\w+)" SET\s+(.*?)\bFROM \((.*)\) AS source\s+WHERE "\1".id = source.id\s*$', re.S)
HOLDS = re.compile(r"\s*WITH held AS \((SELECT item\.id, .*) FOR NO KEY UPDATE OF item\)\s*SELECT ", re.S)
DELETES = re.compile(r'\s*DELETE FROM "(\w+)"(?: WHERE (.*?))?(?: RETURNING .*)?$', re.S)
INSERTS = re.compile(r'\s*INSERT INTO "(\w+)"', re.S)


@dataclass(frozen=True)
class Lock:
    """Rows of one table that one statement locked, in its order; `is_sorted` where that order is by ascending id."""

    table: str
    ids: tuple[int, ...]
    is_sorted: bool
    waits: bool
    sql: str


@dataclass
class Transaction:
    """One outermost transaction: its locks in the order they were taken, without rows it holds already or has made itself."""

    locks: list[Lock] = field(default_factory=list)
    held: set[tuple[str, int]] = field(default_factory=set)

    def take(self, lock: Lock) -> None:
        """Note what is new of a lock."""
        new = tuple(pk for pk in lock.ids if (lock.table, pk) not in self.held)
        self.held |= {(lock.table, pk) for pk in new}
        if new:
            self.locks.append(Lock(lock.table, new, lock.is_sorted, lock.waits, lock.sql))


class Watch:
    """Collects the transactions of a piece of work that runs inside a test's own transaction: a savepoint stands for each."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self.depth = 0
        self.is_busy = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Look at a statement on its way to the database."""
        if self.is_busy:
            return execute(sql, params, many, context)
        if sql.startswith("SAVEPOINT"):
            if self.depth == 0:
                self.transactions.append(Transaction())
            self.depth += 1
        elif sql.startswith("RELEASE SAVEPOINT"):
            self.depth -= 1
        written = self._written(sql, params)
        result = execute(sql, params, many, context)
        current = self.transactions[-1] if self.depth and self.transactions else Transaction()
        if written is not None:
            current.take(written)
        elif found := HOLDS.match(sql):
            ids = self._ask(f"SELECT held.id FROM ({found[1]}) AS held", tuple(params))
            current.take(Lock("communities_entitlement", ids, found[1].endswith("ORDER BY item.id"), True, sql))
        elif (found := SELECTS.search(sql)) and not (found[2] or found[1]).startswith(OTHERS):
            current.take(self._selected(found, sql, params, context))
        elif found := INSERTS.match(sql):
            current.held |= {(found[1], pk) for pk in self._keys(context)}
        if not self.depth and current.locks:
            self.transactions.append(current)
        return result

    def _selected(self, found: re.Match[str], sql: str, params: Any, context: Any) -> Lock:
        table = found[2] or found[1]
        is_sorted = f'ORDER BY "{table}"."id" ASC' in sql or "ORDER BY 1 ASC" in sql
        waits = not any(word in found["waits"] for word in ("SKIP LOCKED", "NOWAIT"))
        if context["cursor"].cursor.description[0].name in {"id", "pk"}:
            return Lock(table, tuple(self._keys(context)), is_sorted, waits, sql)
        head, rest = sql.split(" FROM ", 1)
        plain = f'SELECT "{table}".id FROM {rest.rpartition(" FOR ")[0]}'
        return Lock(table, self._ask(plain, tuple(params)[head.count("%s") :]), is_sorted, waits, sql)

    def _ask(self, sql: str, params: tuple[Any, ...]) -> tuple[int, ...]:
        """Ids, by a question of our own."""
        self.is_busy = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                return tuple(pk for (pk,) in cursor.fetchall())
        finally:
            self.is_busy = False

    @staticmethod
    def _keys(context: Any) -> list[int]:
        """The first column of the rows that the cursor is about to hand out; it is wound back."""
        cursor = context["cursor"].cursor
        rows = cursor.fetchall() if cursor.description else []
        if rows:
            cursor.scroll(0, mode="absolute")
        return [row[0] for row in rows]

    def _written(self, sql: str, params: Any) -> Lock | None:
        """The rows that an UPDATE or DELETE is about to lock."""
        if found := FROM_ROWS.match(sql):
            table, head, rows = found[1], found[2], found[3]
            ids = self._ask(f"SELECT source.id FROM ({rows}) AS source ORDER BY 1", tuple(params)[head.count("%s") :])
            return Lock(table, ids, len(ids) < 2, waits=True, sql=sql)
        if found := UPDATES.match(sql):
            table, (head, where) = found[1], _parted(found[2])
        elif found := DELETES.match(sql):
            table, head, where = found[1], "", found[2]
        else:
            return None
        if table.startswith(OTHERS):
            return None
        given = tuple(params or ())[head.count("%s") :]
        ids = self._ask(f'SELECT id FROM "{table}"' + (f" WHERE {where}" if where else "") + " ORDER BY id", given)
        return Lock(table, ids, len(ids) < 2, waits=True, sql=sql)


def _parted(written: str) -> tuple[str, str]:
    """What an UPDATE sets, and which rows: parted at the WHERE that stands in no brackets."""
    depth = 0
    for at, sign in enumerate(written):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if not depth and written.startswith(" WHERE ", at):
            return written[:at], written[at + len(" WHERE ") :]
    return written, ""


@contextmanager
def locks() -> Iterator[Watch]:
    """What is locked inside."""
    watch = Watch()
    with connection.execute_wrapper(watch):
        yield watch


def leaks(transaction: Transaction) -> list[str]:
    """What one transaction did against the one order."""
    found: list[str] = []
    earlier: list[Lock] = []
    for lock in transaction.locks:
        if lock.table not in ORDER:
            found.append(f"{lock.table} has no place in the order: {lock.sql[:200]}")
            continue
        above = BELOW.get(lock.table)
        if above is not None and above in {one.table for one in earlier}:
            continue
        if len(lock.ids) > 1 and lock.waits and not lock.is_sorted:
            found.append(f"{len(lock.ids)} rows of {lock.table} in no order: {lock.sql[:200]}")
        for one in earlier if lock.waits else ():
            if ORDER.index(one.table) > ORDER.index(lock.table):
                found.append(f"{lock.table} after {one.table}: {lock.sql[:200]}")
            if one.table == lock.table and max(one.ids) > min(lock.ids):
                found.append(f"{lock.table} {min(lock.ids)} after {max(one.ids)}: {lock.sql[:200]}")
        earlier.append(lock)
    return found
