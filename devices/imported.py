"""Imports of apartments: which column is what, and what was decided about a row. Pure functions (R17, R79)."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import Refused

CELLS: Mapping[str, Promise] = {
    "building": gettext_lazy("Building"),
    "floor": gettext_lazy("Floor"),
    "number": gettext_lazy("Number"),
    "name": gettext_lazy("Apartment name"),
    "master": gettext_lazy("Family master"),
    "email": gettext_lazy("Email"),
    "mobile": gettext_lazy("Mobile"),
    "mac": gettext_lazy("MAC"),
    "monitor": gettext_lazy("Monitor"),
}
HEADS: Mapping[str, frozenset[str]] = {
    "building": frozenset({"building", "house", "block", "gebäude", "haus"}),
    "floor": frozenset({"floor", "level", "etage", "stockwerk", "stock"}),
    "number": frozenset(
        {"number", "apartment", "apartmentnumber", "unit", "flat", "no", "nr", "nummer", "wohnung", "wohnungsnummer"}
    ),
    "name": frozenset({"apartmentname", "unitname", "wohnungsname"}),
    "master": frozenset(
        {"familymaster", "master", "resident", "tenant", "name", "bewohner", "mieter", "hauptbewohner"}
    ),
    "email": frozenset({"email", "mail", "emailaddress", "emailadresse"}),
    "mobile": frozenset({"mobile", "phone", "mobilenumber", "telephone", "mobil", "telefon", "handy", "mobilnummer"}),
    "mac": frozenset({"mac", "macaddress", "macadresse", "monitormac"}),
    "monitor": frozenset({"monitor", "monitorname", "devicename", "gerät", "gerätename"}),
}
PLAIN = ("building", "floor", "number", "master", "email", "mac", "monitor")  # the order without a head
_NOT_A_LETTER = re.compile(r"[\W_]+")


class Decision(enum.StrEnum):
    """What a person decided about a row."""

    USE = "use"  # another value for a cell; the value is written into it, and the decision is not kept
    PENDING = "pending"  # the apartment waits for its monitor (R17)
    KEEP = "keep"  # what is there already stays
    CONFIRM = "confirm"  # another maker's MAC (R71)
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True, slots=True)
class Line:
    """One row as typed, with what was decided about it."""

    number: int
    cells: Mapping[str, str]
    decisions: frozenset[str] = frozenset()

    def of(self, cell: str) -> str:
        """What stands in a cell."""
        return self.cells.get(cell, "")


def columns_of(rows: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """Which cell each column is ("" for none), and at which row the data begins. A first row that names at least two columns, or the number
    alone, is the head; without one the columns are in the order of PLAIN. Refuses a head without the number."""
    head = [_cell_of(cell) for cell in rows[0]] if rows else []
    known = [cell for cell in head if cell]
    if len(known) < 2 and known != ["number"]:
        return [*PLAIN], 0
    if "number" not in known:
        raise Refused(_("No column is called Number. Name the columns in the first row."), field="file")
    return [cell if cell not in head[:at] else "" for at, cell in enumerate(head)], 1  # of two alike the first counts


def _cell_of(head: str) -> str:
    letters = _letters(head)
    own = {_letters(str(label)): cell for cell, label in CELLS.items()}
    return own.get(letters) or next((cell for cell, words in HEADS.items() if letters in words), "")


def _letters(words: str) -> str:
    return _NOT_A_LETTER.sub("", words).casefold()


def lines_of(rows: Sequence[Sequence[str]], columns: Sequence[str], begin: int) -> list[Line]:
    """The rows with their numbers as the file shows them, without empty ones."""
    found = []
    for number, row in enumerate(rows[begin:], start=begin + 1):
        cells = {cell: value for cell, value in zip(columns, row, strict=False) if cell and value.strip()}
        if cells:
            found.append(Line(number, cells))
    return found
