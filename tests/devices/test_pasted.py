"""Lists of MACs as they are pasted: plain lines, rows of a spreadsheet, files with a header, our own files."""

from __future__ import annotations

import csv
import io

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from devices import addresses, mac, pasted
from devices.catalogue import TYPE_LABELS

MAC = addresses.Mac(0x0C1105A1B2C3)
FULL = ("C313", "SN 4711", "for the show flat")


def only(text: str) -> pasted.PastedRow:
    (row,) = pasted.rows(text)
    return row


def parts(row: pasted.PastedRow) -> tuple[str, str, str]:
    assert mac.parse(row.mac) == MAC
    return row.model, row.serial, row.note


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0C:11:05:A1:B2:C3", ("", "", "")),
        ("0C1105A1B2C3\tC313\tSN 4711\tfor the show flat", FULL),
        ("0C1105A1B2C3;C313;SN 4711;for the show flat", FULL),
        ("0C1105A1B2C3, C313, SN 4711, for the show flat", FULL),
        ('"0C1105A1B2C3","C313","SN 4711","for the show flat"', FULL),
        ('="0C1105A1B2C3";C313;="SN 4711";for the show flat', FULL),
        ("0C 11 05 A1 B2 C3, C313, SN 4711, for the show flat", FULL),
        ("\ufeff0C1105A1B2C3;C313;SN 4711;for the show flat", FULL),
        ("0C1105A1B2C3 C313 4711", ("C313", "4711", "")),
        ("0C 11 05 A1 B2 C3 C313 4711 22", ("C313", "4711 22", "")),
        ("MAC: 0C:11:05:A1:B2:C3", ("", "", "")),
        ("0C1105A1B2C3,,4711", ("", "4711", "")),
        ("0C1105A1B2C3,C999,4711", ("C999", "4711", "")),
        ("1;0C1105A1B2C3;C313;4711", ("C313", "4711", "")),
        ("C313;0C1105A1B2C3;4711", ("C313", "4711", "")),
        ('0C1105A1B2C3,C313,"4711, new"', ("C313", "4711, new", "")),
        ("0C1105A1B2C3,C313,112233445566", ("C313", "112233445566", "")),
    ],
)
def test_a_line_says_its_mac_model_serial_number_and_note(line: str, expected: tuple[str, str, str]) -> None:
    assert parts(only(line)) == expected


@pytest.mark.parametrize(
    "head",
    [
        "MAC,Model,Serial number,Note",
        "mac address;model;sn;remark",
        "MAC-Adresse\tModell\tSeriennummer\tNotiz",
        "MAC|MODEL|SERIAL|NOTE",
    ],
)
def test_a_header_is_no_mac(head: str) -> None:
    divider = next(sign for sign in pasted.DIVIDERS if sign in head)
    text = "\n".join([head, "", divider.join(["0C1105A1B2C3", *FULL])])
    assert (parts(only(text)), only(text).number) == (FULL, 3)
    columns = list(zip(head.split(divider), ["0C1105A1B2C3", *FULL], strict=True))[::-1]
    turned = "\n".join(divider.join(cells) for cells in zip(*columns, strict=True))
    assert parts(only(turned)) == FULL


@pytest.mark.parametrize(
    "text", ["MAC address\n0C1105A1B2C3", "MAC MODEL SERIAL\n0C1105A1B2C3 C313 4711", "MAC\n0C1105A1B2C3,C313"]
)
def test_a_header_without_columns_is_skipped(text: str) -> None:
    assert mac.parse(only(text).mac) == MAC


def test_a_first_line_that_holds_a_mac_is_no_header() -> None:
    assert [row.number for row in pasted.rows("MAC: 0C1105A1B2C3, Model\nMAC: 0C1105A1B2C4")] == [1, 2]


def test_type_and_unknown_columns_of_our_own_file() -> None:
    text = "MAC;Model;Type;Serial number;Status\n0C:11:05:A1:B2:C3;;Door phone;'-4711;In stock"
    assert (only(text).type, only(text).serial, only(text).model) == ("door_phone", "-4711", "")
    with translation.override("de"):
        assert only(f"MAC;Typ\n0C1105A1B2C3;{TYPE_LABELS['sensor']}").type == "sensor"


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)


@given(st.sampled_from(pasted.DIVIDERS), TEXTS, TEXTS, st.booleans())
def test_what_a_file_says_below_a_header_comes_back(divider: str, serial: str, note: str, quoted: bool) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=divider, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([["MAC", "Serial number", "Note", "x"], [str(MAC), serial, note, "x"]])
    row = only(out.getvalue())
    assert mac.parse(row.mac) == MAC
    if not serial.startswith(("'", "=", '"')) and not note.startswith(("'", "=", '"')):
        assert (row.serial, row.note) == (serial, note)


def test_only_line_feeds_and_returns_end_a_line() -> None:
    text = "MAC;Note\r\n0C1105A1B2C3;one\x85two\r0C1105A1B2C4;three\u2028four\n0C1105A1B2C5;five"
    assert [row.note for row in pasted.rows(text)] == ["one\x85two", "three\u2028four", "five"]


def test_a_cell_longer_than_a_csv_reader_takes_is_no_accident() -> None:
    row = only(f"MAC;Note\n0C1105A1B2C3;{'x' * 140_000}")
    assert (mac.parse(row.mac), len(row.note)) == (MAC, 140_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SN77\t0C1105A1B2C3\tC313", ("C313", "", "SN77")),
        ("C313;SN77;0C1105A1B2C3;spare", ("C313", "spare", "SN77")),
        ("SN77 0C1105A1B2C3 C313", ("C313", "SN77", "")),
        ("1;C313;0C1105A1B2C3", ("C313", "", "")),
        ("Model;MAC\nC313;0C1105A1B2C3;spare", ("C313", "", "spare")),
    ],
)
def test_no_cell_is_lost(text: str, expected: tuple[str, str, str]) -> None:
    row = only(text)
    assert (mac.parse(row.mac), (row.model, row.serial, row.note)) == (MAC, expected)
