"""The results as a Markdown table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from smartplus.bench.cases import Result

HEAD = (
    "case",
    "ms",
    "of it database",
    "floor ms",
    "× floor",
    "smaller ms",
    "growth",
    "statements",
    "KB",
    "peak MB",
    "goal",
    "",
)


def markdown(results: Iterable[Result]) -> str:
    """One line for each case; for a page with several readers, the one furthest from the goal."""
    worst: dict[str, Result] = {}
    for result in results:
        page = result.name.partition(" as ")[0]
        if page not in worst or result.excess > worst[page].excess:
            worst[page] = result
    lines = [HEAD, ("---",) * len(HEAD), *map(_cells, worst.values())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(result: Result) -> tuple[str, ...]:
    ours, floor = result.ours, result.floor
    missed = result.missed
    return (
        result.name + (f" ({result.grows})" if result.grows else ""),
        f"{ours.cpu_ms:.1f}",
        f"{ours.database_ms:.1f}",
        f"{floor.cpu_ms:.1f}" if floor else "",
        f"{result.ratio:.2f}" if result.ratio is not None else "",
        f"{result.smaller.cpu_ms:.1f}" if result.smaller else "",
        f"{result.growth:.2f}" if result.growth is not None else "",
        str(ours.statements),
        f"{ours.sent_bytes / 1000:.0f}" if ours.sent_bytes else "",
        f"{ours.peak_kib / 1024:.1f}",
        str(result.goal),
        f"not yet: {', '.join(missed)}" if missed else "met" if str(result.goal) else "",
    )


def as_json(results: Iterable[Result]) -> str:
    """Everything, with every reader of every page."""
    rows = [
        {**asdict(result), "ratio": result.ratio, "growth": result.growth, "missed": result.missed}
        for result in results
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)
