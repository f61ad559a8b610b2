"""Whether everything that was sealed is still as it was sealed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import chain


class Command(BaseCommand):
    """`verify_ledger [--heads FILE] [--seal]`: exit 1 and name the row when a chain does not hold."""

    help = "Compute the hash chains of the audit anew and compare them with what was sealed."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--heads` makes rewritten or shortened chains show, if the file is where nobody with rights on the database can write."""
        parser.add_argument("--heads", type=Path, help="heads of the last run: compared, and replaced when all is well")
        parser.add_argument("--seal", action="store_true", help="first seal whatever has no seal, however old")

    def handle(self, *, heads: Path | None = None, seal: bool = False, **options: Any) -> None:
        """Print the counts, then every chain's first fault."""
        now = timezone.now()
        if seal:
            while chain.seal_due(now=now, from_the_start=True):
                pass
        kept = _read(heads) if heads else {}
        found = chain.verify(now=now, kept=kept)
        self.stdout.write(f"audit: {found.seals} seals in {len(found.heads)} chains, {chain.waiting()} events waiting")
        if found.faults:
            for fault in found.faults:
                self.stderr.write(str(fault))
            raise CommandError(f"the audit does not hold in {len(found.faults)} places")
        if heads:
            heads.write_text(json.dumps({str(pk): head for pk, head in sorted(found.heads.items())}, indent=0) + "\n")


def _read(path: Path) -> dict[int, chain.Head]:
    if not path.exists():
        return {}
    try:
        return {
            int(pk): (int(sequence), str(digest)) for pk, (sequence, digest) in json.loads(path.read_text()).items()
        }
    except (ValueError, TypeError, AttributeError) as problem:
        raise CommandError(f"{path} does not hold heads of an earlier run: {problem}") from problem
