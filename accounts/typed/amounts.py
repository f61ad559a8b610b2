"""Amounts of money as people type them: decimal comma or point, with or without thousands separators; ambiguous ones are refused."""

from __future__ import annotations

import re
from collections.abc import Collection

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.typed import text

MOST = 10**12  # smallest units
LONGEST = 40  # characters; no amount has more
NUMBER = re.compile(r"\d+(?:[ '.,]\d+)*|[.,]\d+")
WHOLE = re.compile(r"[.,](?:-+)?$")  # 12,- and 12.


class TooFine(Refused):
    """More decimals than the currency has."""


def minor(typed: str, *, digits: int, language: str, marks: Collection[str] = ()) -> int:
    """The amount in the smallest units of a currency with `digits` decimals; `marks` are its code and signs.

    Refuses text that is no amount of the currency, and asks where one sign may be a thousands separator or the decimal sign.
    """
    number = WHOLE.sub("", _without_marks(text.code(typed), marks))
    if number.startswith("-"):
        raise Refused(_("An amount can't be less than nothing."))
    if len(number) > LONGEST or not NUMBER.fullmatch(number):
        raise Refused(_("This is no amount. Write it like %(example)s.") % {"example": _example(digits, language)})
    whole, fraction = _parted(number, digits, language)
    fraction = fraction.rstrip("0")
    if len(fraction) > digits:
        raise TooFine(_("The currency has no such fraction."))
    found = int(whole + fraction.ljust(digits, "0"))
    if found > MOST:
        raise Refused(_("This amount is too large."))
    return found


def shown(amount: int, *, digits: int, language: str) -> str:
    """The amount as a form field shows it: with the reader's decimal sign and without thousands separators."""
    signs = str(amount).rjust(digits + 1, "0")
    return f"{signs[:-digits]}{_decimal_sign(language)}{signs[-digits:]}" if digits else signs


def _parted(number: str, digits: int, language: str) -> tuple[str, str]:
    """The whole part and the fraction, both as bare digits."""
    signs = [sign for sign in number if sign in ".,"]
    last = signs[-1] if signs else ""
    head, _sign, tail = number.rpartition(last) if last else (number, "", "")
    if last and signs.count(last) == 1 and not _groups(number, last, digits, language):
        return _bare(head, without=last, digits=digits, language=language), tail
    if len(set(signs)) > 1:  # 1.234.567,8 was handled above; 1,234.567.8 is no amount
        raise Refused(_("This is no amount. Write it like %(example)s.") % {"example": _example(digits, language)})
    return _bare(number, without="", digits=digits, language=language), ""


def _groups(number: str, sign: str, digits: int, language: str) -> bool:
    """Whether the only comma or point is a thousands separator; refuses where both readings are possible."""
    head, _sign, tail = number.partition(sign)
    others = set(number) & set(" '.,") - {sign}
    if others or len(tail) != 3 or not head or len(head) > 3 or head.startswith("0"):
        return False
    if digits == 0 and sign == get_group_symbol(_locale(language)):
        return True
    if digits == 3 and sign == _decimal_sign(language):
        return False
    many = shown(int(head + tail) * 10**digits, digits=digits, language=language)
    few = shown(round(int(head + tail) / 10 ** (3 - digits)), digits=digits, language=language)
    raise Refused(
        _("%(typed)s can be read as %(many)s or as %(few)s. Write one of them.")
        % {"typed": number, "many": many, "few": few}
    )


def _bare(whole: str, *, without: str, digits: int, language: str) -> str:
    """The digits of the whole part, if its thousands are separated by one kind of sign at the right places."""
    dividers = {sign for sign in whole if not sign.isdecimal()}
    if not dividers:
        return whole or "0"
    if len(dividers) == 1 and without not in dividers:
        first, *groups = whole.split(dividers.pop())
        sizes = [len(group) for group in groups]
        if 1 <= len(first) <= 3 and sizes[-1] == 3 and set(sizes[:-1]) in (set(), {3}, {2}):
            return first + "".join(groups)
    raise Refused(_("This is no amount. Write it like %(example)s.") % {"example": _example(digits, language)})


def _without_marks(typed: str, marks: Collection[str]) -> str:
    """The text without the currency before or after it, in any case. Another currency stays, so the text is no amount."""
    typed = typed.casefold()
    for mark in sorted(map(str.casefold, marks), key=len, reverse=True):
        for bare in (typed.removeprefix(mark), typed.removesuffix(mark)):
            if bare != typed:
                return bare.strip()
    return typed.strip()


def _example(digits: int, language: str) -> str:
    return shown(125 * 10**digits // 10, digits=digits, language=language) if digits else "12"


def _decimal_sign(language: str) -> str:
    return str(get_decimal_symbol(_locale(language)))


def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")
