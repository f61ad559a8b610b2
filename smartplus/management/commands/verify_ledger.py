"""Verifies the audit's seals, and that money, orders, paid time, targets and monitors agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from accounts import chain
from accounts import heads as head_files
from accounts.append_only import check_guards
from accounts.migrated import unapplied
from communities import consistency
from communities.expiry_triggers import check_triggers
from devices import consistency as monitors
from subscriptions import ledger

MOST = 100  # faults that are listed


class Command(BaseCommand):
    """`verify_ledger [--heads FILE] [--seal]`: exit 1 and name the rows where something is wrong."""

    help = "Compute the hash chains of the audit anew, compare them with kept heads, and look whether the books agree."

    def add_arguments(self, parser: CommandParser) -> None:
        """The heads to compare with; a copy from another machine is the best proof."""
        parser.add_argument(
            "--heads", type=Path, help=f"kept heads to compare with and to add to; {settings.AUDIT_HEADS} if not given"
        )
        parser.add_argument("--seal", action="store_true", help="first seal whatever has no seal, however old")

    def handle(self, *, heads: Path | None = None, seal: bool = False, **options: Any) -> None:
        """Print the counts, then the faults: the first one of each chain, and the first hundred of the others."""
        now = timezone.now()
        if seal:
            while chain.seal_due(now=now, from_the_start=True):
                pass
        wrong = sum(
            (
                self._named(
                    f"{app}: migration {name} is not applied, and until it is nobody looks at the triggers"
                    for app, name in unapplied(connection)
                ),
                self._named(fault.msg for fault in check_guards(databases=["default"])),
                self._named(fault.msg for fault in check_triggers(databases=["default"])),
                self._audit(heads or settings.AUDIT_HEADS, now=now),
                self._first(ledger.verify(), "books: money, orders, paid time and reservations agree"),
                self._first(consistency.verify(), "targets: owners, doors and items agree"),
                self._first(monitors.verify(), "monitors: whether apartments wait for one is what their devices say"),
            )
        )
        if wrong:
            raise CommandError(f"the ledger does not hold in {wrong} place{'s' if wrong > 1 else ''}")

    def _audit(self, path: Path, *, now: datetime) -> int:
        try:
            kept = head_files.read(path)
        except head_files.UnreadableHeads as problem:
            raise CommandError(str(problem)) from problem
        found = chain.verify(now=now, kept=kept)
        self.stdout.write(f"audit: {found.seals} seals in {len(found.heads)} chains, {chain.waiting()} events waiting")
        if kept:
            self.stdout.write(f"audit: compared with {len(kept)} heads kept in {path}")
        else:
            self.stdout.write(
                f"audit: no heads were kept in {path}, so a chain written anew, or cut off at its end, would not show"
            )
        if not found.faults:
            try:
                head_files.keep(path, {pk: head for pk, head in found.heads.items() if kept.get(pk) != head}, now=now)
            except OSError as problem:
                self.stderr.write(f"the heads of today could not be kept in {path}: {problem}")
        return self._named(found.faults)

    def _first(self, faults: Iterator[object], agreed: str) -> int:
        shown = self._named(islice(faults, MOST))
        more = sum(1 for _fault in faults)
        if more:
            self.stderr.write(f"and {more} more")
        if not shown:
            self.stdout.write(agreed)
        return shown + more

    def _named(self, faults: Iterable[object]) -> int:
        count = 0
        for fault in faults:
            self.stderr.write(str(fault))
            count += 1
        return count
