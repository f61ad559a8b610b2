"""Cases of the benchmark and their goals."""

from __future__ import annotations

from dataclasses import dataclass, field

from smartplus.bench.measure import Cost


@dataclass(frozen=True, slots=True)
class Goal:
    """The goals of a case; None means no goal. Milliseconds are CPU time of process and database backend together."""

    ratio: float | None = None  # relative to the floor
    cpu_ms: float | None = None
    statements: int | None = None
    sent_kb: int | None = None
    growth: float | None = None  # from the smaller to the larger data set

    def __str__(self) -> str:
        said = [
            f"≤ {limit:g}{unit}"
            for limit, unit in (
                (self.ratio, " × floor"),
                (self.cpu_ms, " ms"),
                (self.statements, " statements"),
                (self.sent_kb, " KB"),
                (self.growth, " × growth"),
            )
            if limit is not None
        ]
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Result:
    """The cost of a case, and of its floor."""

    group: str  # names for --only
    name: str
    goal: Goal
    ours: Cost
    floor: Cost | None = None
    smaller: Cost | None = None  # the same in the smaller data set
    grows: str = ""  # what grows between the data sets
    notes: tuple[str, ...] = field(default=())

    @property
    def ratio(self) -> float | None:
        """Cost relative to the floor."""
        return self.ours.cpu_ms / self.floor.cpu_ms if self.floor and self.floor.cpu_ms else None

    @property
    def growth(self) -> float | None:
        """Cost relative to the smaller data set."""
        return self.ours.cpu_ms / self.smaller.cpu_ms if self.smaller and self.smaller.cpu_ms else None

    @property
    def missed(self) -> list[str]:
        """The missed goals, one word each."""
        limits = (
            ("ratio", self.ratio, self.goal.ratio),
            ("CPU", self.ours.cpu_ms, self.goal.cpu_ms),
            ("statements", self.ours.statements, self.goal.statements),
            ("KB", self.ours.sent_bytes / 1000, self.goal.sent_kb),
            ("growth", self.growth, self.goal.growth),
        )
        return [name for name, found, limit in limits if limit is not None and found is not None and found > limit]

    @property
    def excess(self) -> float:
        """How far from its goals it is: 2 is twice the allowed cost. Of several readers of a page the worst one is shown."""
        pairs = (
            (self.ratio, self.goal.ratio),
            (self.ours.cpu_ms, self.goal.cpu_ms),
            (self.ours.sent_bytes / 1000, self.goal.sent_kb),
            (self.growth, self.goal.growth),
        )
        return max((found / limit for found, limit in pairs if limit and found is not None), default=0.0)
