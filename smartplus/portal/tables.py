"""Lists as files: CSV as the reader's spreadsheet writes it, and XLSX with typed cells. A list says its columns once."""

from __future__ import annotations

import csv
import enum
import io
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from babel.numbers import get_decimal_symbol
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from payments import money
from payments.money import Money

FORMATS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINES = 200  # in one piece of a streamed file
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet calculate; names come from people
BEGINNING = 64  # characters of a text in which its first visible one stands
NO_TEXT = re.compile("[\ud800-\udfff\ufffe\uffff]")  # what XML, and so Excel, can't hold besides openpyxl's list
MOST = 50_000  # rows of an Excel file, which is made before it is sent; CSV has no end
LONGEST = 32_767  # characters of one cell of Excel
DAYS = {"de": ("%d.%m.%Y", "DD.MM.YYYY")}  # in CSV and as Excel's number format
ISO = ("%Y-%m-%d", "YYYY-MM-DD")  # English dates begin with the day or the month, depending on who reads them


class Kind(enum.Enum):
    """What stands in a column; the value is its width in Excel."""

    TEXT = 26
    NUMBER = 10
    MONEY = 16
    DAY = 12
    MOMENT = 19


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its head, and what stands in it.

    TEXT holds str, NUMBER int, MONEY Money, DAY date, MOMENT aware datetimes, which are shown in the reader's time zone;
    None is an empty cell.
    """

    head: str
    kind: Kind = Kind.TEXT


def asked(request: HttpRequest) -> str:
    """Which kind of file the address asks for; "" for the page."""
    wanted = request.GET.get("format", "")
    return wanted if wanted in FORMATS else ""


def answer(format: str, name: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> HttpResponseBase:
    """A download called `name`, in the reader's language and time zone. However many rows: they are never all held at once."""
    if format == "xlsx":
        response = FileResponse(_workbook(columns, rows), content_type=XLSX)
        response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
        return response
    lines = _lines(columns, rows, translation.get_language() or "en", timezone.get_current_timezone_name())
    streamed = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    streamed["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return streamed


# --- CSV ----------------------------------------------------------------------------------------------------------------


def _lines(columns: Sequence[Column], rows: Iterable[Sequence[object]], language: str, zone: str) -> Iterator[str]:
    out = io.StringIO()
    decimal = str(get_decimal_symbol(language.replace("-", "_")))
    writer = csv.writer(out, delimiter=";" if decimal == "," else ",")  # as spreadsheets of that language expect it
    writer.writerow([column.head for column in columns])
    yield "\ufeff" + out.getvalue()
    waiting = iter(rows)
    while True:
        out.seek(0)
        out.truncate()
        with (
            translation.override(language),
            timezone.override(zone),
        ):  # not over a yield: others use this thread meanwhile
            for row in islice(waiting, LINES):
                writer.writerow([_text(value, decimal) for value in row])
        if not out.getvalue():
            return
        yield out.getvalue()


def _text(value: object, decimal: str) -> str:
    """A cell of CSV. Texts that begin like a formula get an apostrophe before them; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _is_like_formula(value) else value
    if isinstance(value, Money):
        return f"{_decimal(value):f}".replace(".", decimal)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime(f"{_days()[0]} %H:%M:%S")
    if isinstance(value, date):
        return value.strftime(_days()[0])
    return str(value)


def _is_like_formula(text: str) -> bool:
    """As a spreadsheet looks at it: past blanks and signs that nobody sees, full-width forms as plain ones."""
    seen = unicodedata.normalize("NFKC", text[:BEGINNING])
    shown = (sign for sign in seen if sign in FORMULA or unicodedata.category(sign) not in {"Cc", "Cf", "Zs"})
    return "".join(shown).startswith(FORMULA)


def _days() -> tuple[str, str]:
    return DAYS.get((translation.get_language() or "en").split("-", maxsplit=1)[0], ISO)


def _decimal(amount: Money) -> Decimal:
    return money.to_decimal(amount.minor, amount.currency)


# --- XLSX ---------------------------------------------------------------------------------------------------------------


def _workbook(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> io.BufferedRandom:
    """The file, on disk and open at its beginning; whoever sends it closes it."""
    book = Workbook(write_only=True)
    book.properties.creator = "SmartPlus"
    _Sheet(book, columns).fill(iter(rows))
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the response)
    book.save(file)
    file.seek(0)
    return file


class _Sheet:
    """One sheet of a file. A cell of each look is made once and written again and again, since looks are what takes the time."""

    def __init__(self, book: Workbook, columns: Sequence[Column]) -> None:
        self.sheet: Any = book.create_sheet()
        self.looks: dict[tuple[str, bool], Any] = {}
        self.days = _days()[1]
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
            cell = self._look("General", is_guarded=_is_like_formula(value))
            cell.value = _clean(value)
            cell.data_type = "s"  # a text: not a formula, nor one of Excel's words for errors
            return cell
        if isinstance(value, Money):
            digits = money.exponent(value.currency)
            cell = self._look(f'#,##0{"." if digits else ""}{"0" * digits} "{value.currency}"')
            cell.value = _decimal(value)
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
