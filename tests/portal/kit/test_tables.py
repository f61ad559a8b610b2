"""Lists as files: what spreadsheets read, in the reader's language, and never as a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from communities.models import Site
from devices import actions, pasted
from devices.models import LibraryEntry
from payments.money import Money
from smartplus.portal.kit import exports as tables
from smartplus.portal.kit import xlsx as workbook
from smartplus.portal.kit.exports import Column, Kind
from smartplus.portal.library import exports as library_files
from tests import spreadsheets
from tests.people import NOW, People, Person

COLUMNS = [
    Column("Text"), Column("Number", Kind.NUMBER), Column("Amount", Kind.MONEY), Column("Day", Kind.DAY), Column("Moment", Kind.MOMENT),
]  # fmt: skip
ROW = ["Söhne; & Co, \"X\"", -12, Money(-28450, "USD"), date(2026, 12, 31), datetime(2026, 12, 31, 23, 30, tzinfo=UTC)]  # fmt: skip


def file(format: str, rows: list[list[object]], language: str = "en", zone: str = "Europe/Berlin") -> bytes:
    with translation.override(language), timezone.override(zone):
        request: Any = RequestFactory().get("/")
        response = tables.answer(request, format, "list", COLUMNS[: len(rows[0])], rows)
    assert response["Content-Disposition"] == f'attachment; filename="list.{format}"'
    assert isinstance(response, StreamingHttpResponse)
    raw = b"".join(response)
    for close in response._resource_closers:  # type: ignore[attr-defined]
        close()
    return raw


def test_a_german_spreadsheet_reads_its_own_csv() -> None:
    text = file("csv", [ROW], "de").decode()
    assert text == (
        '\ufeffText;Number;Amount;Day;Moment\r\n"Söhne; & Co, ""X""";-12;-284,50;31.12.2026;01.01.2027 00:30:00\r\n'
    )


def test_an_english_one_has_commas_points_and_days_that_nobody_misreads() -> None:
    text = file("csv", [ROW], "en").decode()
    assert text == (
        '\ufeffText,Number,Amount,Day,Moment\r\n"Söhne; & Co, ""X""",-12,-284.50,2026-12-31,2027-01-01 00:30:00\r\n'
    )


@pytest.mark.parametrize(("language", "day"), [("en", "YYYY-MM-DD"), ("de", "DD.MM.YYYY")])
def test_excel_has_numbers_amounts_and_days_under_a_head_that_stays(language: str, day: str) -> None:
    sheet = spreadsheets.sheet(file("xlsx", [ROW, [None, None, Money(5, "JPY"), None, None]], language))
    head, cells, other = sheet.iter_rows()
    assert [cell.value for cell in head] == ["Text", "Number", "Amount", "Day", "Moment"]
    assert all(cell.font.bold for cell in head)
    assert sheet.freeze_panes == "A2"
    assert [(cell.value, cell.data_type, cell.number_format) for cell in cells] == [
        (ROW[0], "s", "General"),
        (-12, "n", "0"),
        (-284.5, "n", '#,##0.00 "USD"'),
        (datetime(2026, 12, 31), "d", day),
        (datetime(2027, 1, 1, 0, 30), "d", f"{day} HH:MM:SS"),
    ]
    assert [cell.value for cell in other] == [None, None, 5, None, None]
    assert other[2].number_format == '#,##0 "JPY"'


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+49 30",
        "-4711",
        "@x",
        "\tx",
        "  =1",
        "#N/A",
        "TRUE",
        "1.12233E+11",
        "0012",
        "\x0b=1\x00",
        "\u00a0=1",
        "\u200b=1",
        "＝1+1",
    ],
)
def test_a_text_is_a_text_in_both(text: str) -> None:
    (cell,) = spreadsheets.sheet(file("xlsx", [[text]]))[2]
    assert (cell.value, cell.data_type) == (text.replace("\x0b", "").replace("\x00", ""), "s")
    [_head, [written]] = list(csv.reader(io.StringIO(file("csv", [[text]]).decode("utf-8-sig"))))
    assert not re.match(r"[\s\u200b]*[=+\-@＝]", written)
    assert written.removeprefix("'") == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_excel_opens_whatever_people_typed(texts: list[str]) -> None:
    raw = file("xlsx", [[text] for text in texts])
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(raw)).read("xl/worksheets/sheet1.xml")
    cells = [row[0] for row in spreadsheets.sheet(raw).iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells if cell.value is not None} <= {"s"}


def test_excel_gets_no_code_that_is_no_character() -> None:
    assert spreadsheets.sheet(file("xlsx", [["a\ufffe\uffff\ud800b"]]))[2][0].value == "ab"


def test_an_excel_file_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST", 3)
    assert [row[0] for row in spreadsheets.rows(file("xlsx", [[f"row {n}"] for n in range(3)]))] == [
        "Text",
        "row 0",
        "row 1",
        "row 2",
    ]
    told = [row[0] for row in spreadsheets.rows(file("xlsx", [[f"row {n}"] for n in range(5)]))]
    assert told[3:] == ["row 2", "These are the first 3 rows. The CSV file has all of them."]
    assert file("csv", [[f"row {n}"] for n in range(500)]).count(b"\r\n") == 501


@pytest.mark.rule("R79")
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_library_takes_back_what_it_gave(
    people: People, sign_in: Callable[[Person], Client], language: str
) -> None:
    rows = [
        actions.LibraryRow("0C1105000001", "C313", "0012", "=for, the; show flat"),
        actions.LibraryRow("0C1105000002", "", "-4711", "", "sensor"),
        actions.LibraryRow("0C1105000003", "iTec"),
    ]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    people.dora.membership.user.language = language
    people.dora.membership.user.save()
    dora, values = sign_in(people.dora), ("mac", "model", "serial", "note", "type")
    before = list(LibraryEntry.objects.order_by("mac").values_list(*values))
    written = b"".join(dora.get("/library/?format=csv")).decode()
    copied = "\n".join(
        "\t".join(str(cell.value or "") for cell in row)
        for row in spreadsheets.sheet(b"".join(dora.get("/library/?format=xlsx"))).iter_rows()
    )
    for text in (written, copied):
        LibraryEntry.objects.all().delete()
        assert dora.post("/library/add/", {"rows": text, "installer": "", "type": "camera"}).status_code == 302
        assert list(LibraryEntry.objects.order_by("mac").values_list(*values)) == before


def test_the_note_stays_the_distributors(
    people: People, sign_in: Callable[[Person], Client], make_site: Callable[..., Site]
) -> None:
    rows = [actions.LibraryRow("0C1105000001", "C313", "", "costs us 99")]
    actions.add_to_library(people.dora.actor, macs=rows, installer_id=people.ivan.firm.pk, now=NOW)
    for person, reads in ((people.dora, True), (people.ivan, False), (people.tess, False), (people.olga, False)):
        answer = sign_in(person).get("/library/?format=csv")
        text = b"".join(answer).decode()
        assert "0C:11:05:00:00:01" in text
        assert ("costs us 99" in text, "Note" in text) == (reads, reads)


def test_the_columns_of_the_library_are_known_to_the_form(people: People) -> None:
    for language in ("en", "de"):
        with translation.override(language):
            heads = [column.head for column in library_files.columns(shows_installer=True, shows_note=True)]
            _divider, known, _width = pasted._head(",".join(heads))
            assert known is not None
            assert set(known) == {"mac", "model", "type", "serial", "note"}
