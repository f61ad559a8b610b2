"""Tables that people upload: CSV in what spreadsheets write, XLSX by its values, and limits with clear words (R79)."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest

from accounts.errors import Refused
from devices import imported, spreadsheets
from devices.spreadsheets import Limits

pytestmark = pytest.mark.rule("R79")
LIMITS = Limits(bytes=200_000, unpacked=2_000_000, rows=5, columns=4)


def workbook(rows: list[list[Any]], formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    for place, number_format in (formats or {}).items():
        sheet[place].number_format = number_format
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "Nummer;Bewohner\n1.01;Jörg\n".encode(),
        "Nummer;Bewohner\r\n1.01;Jörg\r\n\r\n".encode("utf-8-sig"),
        "Nummer;Bewohner\n1.01;Jörg\n".encode("cp1252"),
        "Nummer\tBewohner\n1.01\tJörg\n".encode("utf-16"),
        'Nummer,Bewohner\n"1.01","Jörg"\n'.encode(),
        workbook([["Nummer", "Bewohner"], ["1.01", "Jörg"], [None, None]]),
    ],
)
def test_a_table_is_read_however_a_spreadsheet_wrote_it(content: bytes) -> None:
    assert spreadsheets.read(content, LIMITS) == [["Nummer", "Bewohner"], ["1.01", "Jörg"]]


def test_an_excel_file_is_read_by_what_its_cells_show_and_no_formula_is_kept() -> None:
    rows = spreadsheets.read(workbook([["Number"], [3.1], [301], ["=1+1"], [True]], {"A2": "0.00"}), LIMITS)
    assert rows[1:3] == [["3.10"], ["301"]]
    assert not any("=" in cell for row in rows for cell in row)


def test_our_own_guard_before_a_formula_is_taken_off() -> None:
    assert spreadsheets.pasted("Number\tName\n'+49\tx", LIMITS)[1] == ["+49", "x"]


def much_when_unpacked() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 3_000_000)
    return file.getvalue()


def entities() -> bytes:
    raw, file = workbook([["Number"]]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(file, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, b'<!DOCTYPE a [<!ENTITY a "a">]>' + old.read(entry))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"x" * 200_001, "more than 0 MB"),
        (b"Number\n" + b"1\n" * 6, "more than 5 rows"),
        (b"a,b,c,d,e\n", "more than 4 columns"),
        (workbook([["a", "b", "c", "d", "e"]]), "more than 4 columns"),
        (workbook([["Number"], *([n] for n in range(6))]), "more than 5 rows"),
        (b"Number\n" + b"x" * 2001, "more than 2000 characters"),
        (much_when_unpacked(), "Unpacked, the file has more than 1 MB"),
        (entities(), "can't be read"),
        (b"PK\x03\x04 no archive", "can't be read"),
        (b"\xd0\xcf\x11\xe0", "old Excel file"),
        (b"\x00\x01\x02\xff", "no table"),
    ],
)
def test_what_is_too_large_or_no_table_is_refused_in_words(content: bytes, text: str) -> None:
    with pytest.raises(Refused, match=text):
        spreadsheets.read(content, LIMITS)


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        (["Gebäude", "Etage", "Wohnung", "E-Mail", "Notiz"], (["building", "floor", "number", "email", ""], 1)),
        (["Number"], (["number"], 1)),
        (["Number", "Unit"], (["number", ""], 1)),
        (["Pier House", "1", "1.01"], ([*imported.PLAIN], 0)),
    ],
)
def test_columns_are_known_by_their_heads_in_any_order(head: list[str], columns: tuple[list[str], int]) -> None:
    assert imported.columns_of([head]) == columns


def test_a_head_without_the_number_is_refused() -> None:
    with pytest.raises(Refused, match="No column is called Number"):
        imported.columns_of([["Building", "Floor"]])
