"""What stands in the columns of a file, whichever kind of file it is."""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from django.utils import translation

from payments import money
from payments.money import Money

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet calculate; names come from people
BEGINNING = 64  # characters of a text in which its first visible one stands
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


def is_like_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula: blanks and invisible characters before it are skipped,
    and full-width signs count as plain ones."""
    seen = unicodedata.normalize("NFKC", text[:BEGINNING])
    shown = (sign for sign in seen if sign in FORMULA or unicodedata.category(sign) not in {"Cc", "Cf", "Zs"})
    return "".join(shown).startswith(FORMULA)


def days() -> tuple[str, str]:
    """How a day is written in the reader's language: in CSV, and as Excel's number format."""
    return DAYS.get((translation.get_language() or "en").split("-", maxsplit=1)[0], ISO)


def decimal(amount: Money) -> Decimal:
    """The amount in its unit."""
    return money.to_decimal(amount.minor, amount.currency)
