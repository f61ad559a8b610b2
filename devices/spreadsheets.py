"""Tables that people upload or paste: CSV, XLSX and copied cells as rows of text, within limits of size. Pure functions."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import Refused

DIVIDERS = ("\t", ";", "|", ",")  # the most certain first
ENCODINGS = ("utf-8-sig", "cp1252")
XLSX, UTF_16 = b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
MOST_ENTRIES = 2_000  # files in an Excel file
LONGEST_CELL = 2_000
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_GUARD = re.compile(r"'(?=\s*[=+\-@\t\r\n])")  # marks that our own exports put before text that looks like a formula
_DECIMALS = re.compile(r"0\.(0+)")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read: bytes, bytes when unpacked, rows without the head, and columns."""

    bytes: int
    unpacked: int
    rows: int
    columns: int = 50


Rows = list[list[str]]


def read(content: bytes, limits: Limits) -> Rows:
    """The rows of a file, the head too, without empty ones at the end. Refuses a file that is larger than the limits, or is no table."""
    if len(content) > limits.bytes:
        raise Refused(_("The file has more than %(n)s MB.") % {"n": limits.bytes // 2**20}, field="file")
    if content.startswith(OLD_EXCEL):
        raise Refused(_("This is an old Excel file. Save it as .xlsx or .csv."), field="file")
    rows = _of_workbook(content, limits) if content.startswith(XLSX) else _of_text(decoded(content))
    return _limited(rows, limits)


def pasted(text: str, limits: Limits) -> Rows:
    """The rows of pasted cells."""
    return _limited(_of_text(text), limits, field="text")


def decoded(content: bytes) -> str:
    """The text of a CSV file, in the encodings that spreadsheets write. Refuses what is no text."""
    if content.startswith(UTF_16):
        return content.decode("utf-16", "replace")
    for encoding in ENCODINGS:
        try:
            found = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in found:
            return found
    raise Refused(_("This file is no table: use CSV, XLSX or copied cells."), field="file")


def _limited(rows: Iterable[list[str]], limits: Limits, *, field: str = "file") -> Rows:
    found = list(islice(rows, limits.rows + 2))
    while found and not any(cell.strip() for cell in found[-1]):
        found.pop()
    if len(found) > limits.rows + 1:
        raise Refused(_("There are more than %(n)s rows. Split the file.") % {"n": limits.rows}, field=field)
    if max(map(len, found), default=0) > limits.columns:
        raise Refused(_("A row has more than %(n)s columns.") % {"n": limits.columns}, field=field)
    if any(len(cell) > LONGEST_CELL for row in found for cell in row):
        raise Refused(_("A cell has more than %(n)s characters.") % {"n": LONGEST_CELL}, field=field)
    return found


def _of_text(text: str) -> Iterator[list[str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    divider = next((sign for sign in DIVIDERS if sign in bare), ",")
    try:
        for row in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=divider):
            yield [_GUARD.sub("", cell, count=1).strip() for cell in row]
    except csv.Error as problem:
        raise Refused(_("The table can't be read: a quotation mark is not closed, or a cell is too long.")) from problem


def _of_workbook(content: bytes, limits: Limits) -> Iterator[list[str]]:
    """The first sheet of an Excel file: values only, never formulas."""
    from openpyxl import load_workbook

    _refuse_much_when_unpacked(content, limits)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(max_row=limits.rows + 3, max_col=limits.columns + 1)
        for row in rows:
            cells = [_as_text(cell) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            yield cells
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, SyntaxError, zipfile.BadZipFile) as problem:
        raise Refused(_("This Excel file can't be read. Save it again, or use CSV."), field="file") from problem


def _refuse_much_when_unpacked(content: bytes, limits: Limits) -> None:
    """Refuse an archive that is large when unpacked, whatever it says of itself, and XML that defines entities."""
    too_large = Refused(_("Unpacked, the file has more than %(n)s MB.") % {"n": limits.unpacked // 2**20}, field="file")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > limits.unpacked:
                raise too_large
            left = limits.unpacked
            for entry in entries:
                with archive.open(entry) as file:
                    unpacked = file.read(left + 1)
                left -= len(unpacked)
                if left < 0:
                    raise too_large
                if entry.filename.endswith((".xml", ".rels")) and _ENTITY.search(unpacked):
                    raise Refused(_("This Excel file can't be read. Save it again, or use CSV."), field="file")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as problem:
        raise Refused(_("This Excel file can't be read. Save it again, or use CSV."), field="file") from problem


def _as_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float):
        shown = _DECIMALS.fullmatch(str(cell.number_format))
        return f"{value:.{len(shown[1])}f}" if shown else f"{value:.12g}"
    return str(value).strip()
