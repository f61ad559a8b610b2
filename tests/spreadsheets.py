"""Reading Excel files in the form of the CSV file."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import openpyxl


def sheet(raw: bytes) -> Any:
    """The only sheet of a file."""
    (found,) = openpyxl.load_workbook(io.BytesIO(raw)).worksheets
    return found


def as_csv(cell: Any) -> str:
    """A cell as the English CSV file has it."""
    if isinstance(cell.value, datetime):
        return cell.value.strftime("%Y-%m-%d" if cell.number_format == "YYYY-MM-DD" else "%Y-%m-%d %H:%M:%S")
    if isinstance(cell.value, float | int) and "0.00" in cell.number_format:
        return f"{cell.value:.2f}"
    text = "" if cell.value is None else str(cell.value)
    return f"'{text}" if cell.quotePrefix else text


def rows(raw: bytes) -> list[list[str]]:
    """All rows, as in CSV."""
    return [[as_csv(cell) for cell in row] for row in sheet(raw).iter_rows()]
