"""Parser of pasted lists for the MAC library: one MAC a line, rows of a spreadsheet, or a file with a header. Pure functions."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from devices import catalogue, mac

DIVIDERS = ("\t", ";", "|", ",")  # the most certain first
_AS_TEXT = re.compile(r'=?"(.*)"')  # marks in spreadsheets that make a number a text
_GUARD = re.compile(r"'(?=\s*[=+\-@\t\r\n])")  # marks that our own exports put before text that looks like a formula
_COUNTER = re.compile("[0-9]{1,4}")  # heads of a first column that numbers the rows
# Not the characters that only Unicode counts as line ends: they appear inside cells
_LINE_END = re.compile(r"\r\n|\n|\r")
_NOT_A_LETTER = re.compile(r"[\W_]+")
HEADS = {
    "mac": {"mac", "macaddress", "macadresse", "macaddr", "macid", "lanmac", "wlanmac", "ethernetmac"},
    "model": {"model", "modell", "devicemodel", "product", "produkt"},
    "type": {"type", "typ", "devicetype", "gerätetyp"},
    "serial": {"serial", "serialnumber", "serialno", "sn", "seriennummer", "seriennr"},
    "note": {"note", "notiz", "remark", "bemerkung", "comment", "kommentar"},
}


@dataclass(frozen=True, slots=True)
class PastedRow:
    """One line of a list; `mac` is the text from which the MAC is read."""

    number: int
    line: str
    mac: str
    model: str = ""
    serial: str = ""
    note: str = ""
    type: str = ""

    @property
    def was_fixed(self) -> bool:
        """Whether the MAC was understood although it was not in a usual notation."""
        return mac.read(self.mac).was_fixed


def rows(text: str) -> list[PastedRow]:
    """The lines that are not empty, with their numbers from 1. A header says which column is which, in any order."""
    lines = [(number, line) for number, line in enumerate(_LINE_END.split(text), start=1) if line.strip(" \t,;|\ufeff")]
    if not lines:
        return []
    divider, head, width = _head(lines[0][1])
    if head is None:
        return [_row(number, line) for number, line in lines]
    return [_under(head, width, divider, number, line) for number, line in lines[1:]]


def _divider(line: str) -> str | None:
    return next((sign for sign in DIVIDERS if sign in _unquoted(line)), None)


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _cells(line: str, divider: str) -> list[str]:
    try:
        (cells,) = csv.reader([line], delimiter=divider)
    except csv.Error:  # the cell is longer than the csv reader accepts
        cells = line.split(divider)
    return [_cell(cell) for cell in cells]


def _cell(text: str) -> str:
    text = text.strip().lstrip("\ufeff")
    quoted = _AS_TEXT.fullmatch(text)
    return _GUARD.sub("", quoted[1] if quoted else text, count=1).strip()


def _head(line: str) -> tuple[str, dict[str, int] | None, int]:
    """The separator of a header, its columns, and their number; None when the line is no header."""
    divider = _divider(line)
    cells = _cells(line, divider) if divider else [line]
    heads = _known_heads()
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = next((name for name, words in heads.items() if _letters(cell) in words), None)
        if name is not None:
            found.setdefault(name, place)
    if "mac" in found:
        return divider or "\t", found, len(cells)
    if not divider and _letters(line.split(maxsplit=1)[0]) in heads["mac"] and not any(sign.isdigit() for sign in line):
        return "\t", {"mac": 0}, 1  # MAC MODEL SERIAL
    return divider or "\t", None, 0


def _known_heads() -> dict[str, set[str]]:
    """The column heads of common files, and of ours in the reader's language."""
    ours = {"model": _("Model"), "type": _("Type"), "serial": _("Serial number"), "note": _("Note")}
    return {name: words | {_letters(ours.get(name, name))} for name, words in HEADS.items()}


def _letters(text: str) -> str:
    return _NOT_A_LETTER.sub("", text).casefold()


def _under(head: dict[str, int], width: int, divider: str, number: int, line: str) -> PastedRow:
    """A line below a header; text in additional cells goes to the note."""
    if divider not in _unquoted(line):
        return _row(number, line)
    cells = _cells(line, divider)
    values = {name: cells[place] for name, place in head.items() if place < len(cells)}
    if beyond := [cell for cell in cells[width:] if cell]:
        values["note"] = ", ".join(filter(None, [values.get("note", ""), *beyond]))
    return PastedRow(number, line, **{"mac": "", **values, "type": _type(values.get("type", ""))})


def _row(number: int, line: str) -> PastedRow:
    """A line without a header: MAC, model, serial number, note. The MAC may be elsewhere if only one cell can be a MAC."""
    reading, divider = mac.read(line), _divider(line)
    if divider is None:
        model, serial, note = _other_text([_cell(part) for part in reading.other_text if part], joined=True)
        return PastedRow(number, line, line, model, serial, note)
    cells = _cells(line, divider)
    place = next((n for n, cell in enumerate(cells) if reading.mac and mac.read(cell).mac == reading.mac), None)
    if place is None:
        model, serial, note = _other_text(cells[1:])
        return PastedRow(number, line, line, model, serial, note)
    model, serial, note = _other_text([*cells[place + 1 :]], before=cells[:place])
    return PastedRow(number, line, cells[place], model, serial, note)


def _other_text(cells: Sequence[str], *, before: Sequence[str] = (), joined: bool = False) -> tuple[str, str, str]:
    """Model, serial number and note from the cells around a MAC. The catalogue recognizes a model; everything else goes to the note."""
    names = list(_models([*before, *cells]))
    model, lost = (names[0] if names else ""), [cell for cell in before if cell and not _COUNTER.fullmatch(cell)]
    if not names:
        model, after = (cells[0] if cells else ""), list(cells[1:])
    elif model in before:
        after = list(cells)
        lost.remove(model)
    else:
        place = cells.index(model)
        after, lost = list(cells[place + 1 :]), [*lost, *cells[:place]]
    if joined:
        return model, " ".join([*lost, *after]), ""
    serial, *note = after or [""]
    return model, serial, ", ".join(part for part in (*note, *lost) if part)


def _models(cells: Sequence[str]) -> Iterator[str]:
    return (cell for cell in cells if catalogue.canonical(cell))


def _type(text: str) -> str:
    """The type by its code or by its name in the reader's language."""
    for code, label in catalogue.TYPE_LABELS.items():
        if text.casefold() in {code, str(label).casefold()}:
            return code
    return text
