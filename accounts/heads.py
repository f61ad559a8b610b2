"""Heads of the audit's chains, stored where the database can't rewrite them: in an append-only file and in the log."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings

from accounts import chain, fences
from accounts.chain import Head

log = logging.getLogger("smartplus.audit")
PER_LINE = 20  # heads in one line of the log: log collectors cut lines of more than some kilobytes
TAIL = re.compile(rb'"at": "(\d{4}-\d\d-\d\d)T[^"]*"\}\n\Z')


class UnreadableHeads(Exception):
    """The file has an unexpected content; the message says where."""


class LostHeads(Exception):
    """Chains no longer contain their kept heads: somebody wrote to the database directly, or it was restored."""


def read(path: Path) -> dict[int, Head]:
    """The newest kept head of each chain; empty where there is no file. Reads one line at a time."""
    found: dict[int, Head] = {}
    if not path.exists():
        return found
    with path.open() as lines:
        for number, line in enumerate(lines, start=1):
            try:
                found |= {int(pk): (int(n), str(digest)) for pk, (n, digest) in json.loads(line)["heads"].items()}
            except (ValueError, TypeError, AttributeError, KeyError) as problem:
                raise UnreadableHeads(f"line {number} of {path} does not hold heads of the audit") from problem
    return found


def keep(path: Path, heads: Mapping[int, Head], *, now: datetime) -> None:
    """Append a line to the file, and write the same to the log. One write, so that lines of two processes do not mix."""
    line = json.dumps({"heads": {str(pk): head for pk, head in sorted(heads.items())}, "at": now.isoformat()}) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for some in _in_lines(heads):
        log.info("audit heads %s: %s", now.date(), some)


def _in_lines(heads: Mapping[int, Head]) -> Iterator[str]:
    """Lines such as "12 at 345 is <digest>; …", several heads in each; one line also where no head moved, as proof that the day was checked."""
    if not heads:
        yield "no chain has moved"
    rows = sorted(heads.items())
    for first in range(0, len(rows), PER_LINE):
        some = rows[first : first + PER_LINE]
        yield "; ".join(f"{pk} at {sequence} is {digest}" for pk, (sequence, digest) in some)


def keep_daily(*, now: datetime, budget: fences.Budget | None = None) -> int:
    """Once a day, keep the heads that moved; in a new file all of them, so that an old file may be archived at any time. Returns how
    many.

    If a chain no longer contains its kept head, the file keeps the old one; otherwise a rewritten chain would be accepted from the next
    day on. After the others are kept, LostHeads names the chain, so that the operator is told. The job has no items and needs no
    `budget`.
    """
    path: Path = settings.AUDIT_HEADS
    if _last_day(path) == now.date().isoformat():
        return 0
    kept = read(path)
    lost = chain.lost(kept)
    moved = {pk: head for pk, head in chain.heads().items() if pk not in lost and kept.get(pk) != head}
    keep(path, moved, now=now)
    if lost:
        names = ", ".join(str(pk) for pk in sorted(lost))
        raise LostHeads(f"the audit of organizations {names} is not what it was on an earlier day: run verify_ledger")
    return len(moved)


def _last_day(path: Path) -> str:
    """The day of the last line, without reading the other lines; "" if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64))
            found = TAIL.search(file.read())
    except FileNotFoundError:
        return ""
    return found[1].decode() if found else ""
