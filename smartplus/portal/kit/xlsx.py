"""Lists as XLSX files. A module of its own, which the first file loads: openpyxl takes a fifth of a process's start."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from payments import money
from payments.money import Money
from smartplus.portal.kit import export_cells as cells

NO_TEXT = re.compile("[\ud800-\udfff\ufffe\uffff]")  # what XML, and so Excel, can't hold besides openpyxl's list
MOST = 50_000  # rows of an Excel file, which is made before it is sent; CSV has no end
LONGEST = 32_767  # characters of one cell of Excel


def written(columns: Sequence[cells.Column], rows: Iterable[Sequence[object]]) -> io.BufferedRandom:
    """The file, on disk and open at its beginning; whoever sends it closes it."""
    workbook = Workbook(write_only=True)
    workbook.properties.creator = "SmartPlus"
    _Sheet(workbook, columns).fill(iter(rows))
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the response)
    workbook.save(file)
    file.seek(0)
    return file


class _Sheet:
    """One sheet of a file. A cell of each look is made once and written again and again, since looks are what takes the time."""

    def __init__(self, workbook: Workbook, columns: Sequence[cells.Column]) -> None:
        self.sheet: Any = workbook.create_sheet()
        self.looks: dict[tuple[str, bool], Any] = {}
        self.days = cells.days()[1]
        self.sheet.freeze_panes = "A2"
        heads = [WriteOnlyCell(self.sheet, value=_clean(column.head)) for column in columns]
        for place, (head, column) in enumerate(zip(heads, columns, strict=True)):
            head.font = Font(bold=True)
            self.sheet.column_dimensions[get_column_letter(place + 1)].width = max(
                column.kind.value, len(column.head) + 2
            )
        self.sheet.append(heads)

    def fill(self, rows: Iterator[Sequence[object]]) -> None:
        """Write the rows; when there is no room for all of them, the last line says so."""
        for row in islice(rows, MOST):
            self.sheet.append(self._cell(value) for value in row)
        if next(rows, None) is not None:
            told = _("These are the first %(n)s rows. The CSV file has all of them.") % {"n": MOST}
            self.sheet.append([self._cell(told)])

    def _cell(self, value: Any) -> Any:
        """The value with its type, ready to be written at once."""
        if value is None or value == "":
            return None
        if isinstance(value, str):
            cell = self._look("General", is_guarded=cells.is_like_formula(value))
            cell.value = _clean(value)
            cell.data_type = "s"  # a text: not a formula, nor one of Excel's words for errors
            return cell
        if isinstance(value, Money):
            digits = money.exponent(value.currency)
            cell = self._look(f'#,##0{"." if digits else ""}{"0" * digits} "{value.currency}"')
            cell.value = cells.decimal(value)
        elif isinstance(value, datetime):
            cell = self._look(f"{self.days} HH:MM:SS")
            cell.value = timezone.localtime(value).replace(tzinfo=None)
        else:
            cell = self._look(self.days if isinstance(value, date) else "0")
            cell.value = value
        return cell

    def _look(self, number_format: str, *, is_guarded: bool = False) -> Any:
        """The cell of this look; a guarded text stays text when somebody edits it."""
        if (cell := self.looks.get((number_format, is_guarded))) is None:
            cell = self.looks[number_format, is_guarded] = WriteOnlyCell(self.sheet)
            cell.number_format = number_format
            cell.alignment = Alignment(
                vertical="top"
            )  # openpyxl spoils the type of a cell that has no look and comes twice
            cell.quotePrefix = is_guarded
        return cell


def _clean(text: str) -> str:
    return NO_TEXT.sub("", ILLEGAL_CHARACTERS_RE.sub("", text))[:LONGEST]
