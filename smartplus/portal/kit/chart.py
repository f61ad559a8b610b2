"""Bars drawn on the server: columns of stacked parts in, numbers for an <svg> out. Numbers are text, whatever the language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

STEPS = (1, 2, 3, 4, 5, 6, 8, 10)  # a grid line stands at one of these times a power of ten
GRID_LINES = 3
TOP, FOOT, SIDE = 14, 28, 58  # room above the highest line, below for days, at the right for amounts
LEAST = 3.0  # a bar that is there is seen


@dataclass(frozen=True, slots=True)
class Column:
    """One day or week: its parts from the bottom up as (css class, value), what it says, where it leads."""

    parts: tuple[tuple[str, int], ...]
    title: str
    url: str = ""
    mark: str = ""  # what stands under it on the axis


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle."""

    css: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A column drawn: its parts, and the whole height of its slot to point at."""

    parts: tuple[Part, ...]
    slot: Part
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. `lines` are (y, label), `marks` (x, anchor, label)."""

    width: int
    height: int
    plot: int
    bars: tuple[Bar, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    marks: tuple[tuple[str, str, str], ...] = field(default=())

    @property
    def foot(self) -> int:
        """Where the words under the axis stand."""
        return self.height - 8


def draw(columns: Sequence[Column], *, width: int, height: int, label: Callable[[int, bool], str]) -> Chart:
    """Draw columns side by side; `label` says a value of the axis in words, and is told of the highest."""
    step = step_for(max((sum(value for _css, value in column.parts) for column in columns), default=0))
    plot, base = width - SIDE, height - FOOT
    unit = (base - TOP) / (step * GRID_LINES)
    slot = plot / max(len(columns), 1)
    thick = min(slot * 0.66, 17.0)
    bars, marks = [], []
    for at, column in enumerate(columns):
        left = at * slot + (slot - thick) / 2
        if column.mark:
            anchor = "start" if at == 0 else "middle"
            marks.append((_px(left if at == 0 else left + thick / 2), anchor, column.mark))
        parts, y = [], float(base)
        for css, value in column.parts:
            if value:
                tall = max(value * unit, LEAST)
                y -= tall
                parts.append(Part(css, _px(left), _px(y), _px(thick), _px(tall)))
        if parts:
            whole = Part("", _px(at * slot), _px(TOP), _px(slot), _px(base - TOP))
            bars.append(Bar(tuple(parts), whole, column.title, column.url))
    lines = tuple((_px(base - n * step * unit), label(n * step, n == GRID_LINES)) for n in range(GRID_LINES + 1))
    return Chart(width, height, plot, tuple(bars), lines, tuple(marks))


def step_for(most: int) -> int:
    """The distance of grid lines, a round number, so that `most` lies within the highest."""
    wanted = max(math.ceil(most / GRID_LINES), 1)
    power = int("1" + "0" * (len(str(wanted)) - 1))
    return next(step * power for step in STEPS if step * power >= wanted)


def _px(value: float) -> str:
    return f"{value:.1f}"
