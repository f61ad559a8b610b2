"""The end of a test run lists what it did not prove, so that a green line is not read as more than it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

HEADS = {
    "locks": "NOT PROVEN on SQLite, which lets one writer in at a time: run them with DATABASE_URL=postgres://…",
    "contract": "NOT COMPARED with the gateways' own examples: set SMARTPLUS_SPECS to the folder that holds stripe/",
    "other": "SKIPPED",
}


def unproven(skipped: Iterable[Any]) -> list[str]:
    """Lines about the skipped tests (pytest's reports), by what remains unproven: a heading with their number, then each test with its
    reason."""
    groups: dict[str, list[str]] = {kind: [] for kind in HEADS}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        kind = "contract" if "test_contract" in report.nodeid else "locks" if reason.startswith("SQLite") else "other"
        groups[kind].append(f"  {report.nodeid}: {reason}")
    return [
        line
        for kind, found in groups.items()
        if found
        for line in (f"{HEADS[kind]} ({len(found)})", *sorted(set(found)))
    ]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Printed last, in yellow."""
    lines = unproven(terminalreporter.stats.get("skipped", ()))
    if lines:
        terminalreporter.write_sep("=", "what this run did not prove", yellow=True, bold=True)
        for line in lines:
            terminalreporter.write_line(line, yellow=not line.startswith("  "))
