"""Rows of an import as its page shows them: each cell with what is wrong in it, and the ways out as buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.safestring import SafeString

from communities.models import ImportRow
from devices import mac
from devices.imported import CELLS
from smartplus.portal.kit.link_tags import address
from smartplus.portal.kit.markup import as_html
from smartplus.portal.kit.status_tags import status

R = ImportRow.Result
COLUMNS = ("building", "floor", "number", "master", "email", "mac", "monitor")
FURTHER = ("name", "mobile")  # columns of their own only where the file has them
TONES = {
    R.NEW: "active",
    R.CHANGED: "auto",
    R.UNCHANGED: "inactive",
    R.LEFT_OUT: "inactive hollow",
    R.FAILED: "lapsed",
    R.WRONG: "lapsed",
}


class Cell(NamedTuple):
    """One cell: the name of its input, what was typed, and what is wrong with it."""

    name: str
    label: Promise
    value: str
    problem: str
    is_code: bool


class Button(NamedTuple):
    """A way out of a problem."""

    value: str
    label: str
    is_suggestion: bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that is to be corrected."""

    number: int
    cells: list[Cell]
    buttons: list[Button]


class Good(NamedTuple):
    """A row that can be written, or was."""

    number: int
    cells: list[tuple[Promise, str, bool]]
    result: SafeString
    told: str


def columns_of(columns: Iterable[str]) -> list[str]:
    """The cells that the page has a column for."""
    have = set(columns)
    return [cell for cell in CELLS if cell in COLUMNS or (cell in FURTHER and cell in have)]


def wrong(rows: Iterable[ImportRow], columns: Sequence[str]) -> list[Wrong]:
    """The rows to correct. A problem in a cell without a column gives it one in this row's first cell of trouble."""
    found = []
    for row in rows:
        cells = [
            Cell(
                f"r{row.number}-{cell}", CELLS[cell], row.cells.get(cell, ""), row.problems.get(cell, ""), cell == "mac"
            )
            for cell in columns
        ]
        buttons = [Button(f"{row.number}:{at}", way[1], way[0] == "use") for at, way in enumerate(row.ways)]
        found.append(Wrong(row.number, cells, buttons))
    return found


def good(rows: Iterable[ImportRow], columns: Sequence[str]) -> list[Good]:
    """The other rows."""
    found = []
    for row in rows:
        mark = status(TONES[R(row.result)], str(R(row.result).label))
        if row.apartment_id and row.is_written:
            mark = as_html('<a href="{}">{}</a>', address("apartment-detail", row.apartment_id), mark)
        told = "; ".join(row.problems.values()) if row.result == R.FAILED else row.told
        cells = [(CELLS[cell], _shown(cell, row.cells.get(cell, "")), cell == "mac") for cell in columns]
        found.append(Good(row.number, cells, mark, told))
    return found


def _shown(cell: str, value: str) -> str:
    reading = mac.read(value).mac if cell == "mac" and value else None
    return str(reading) if reading else value
