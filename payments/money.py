"""Money: integer minor units and an ISO 4217 code. All rounding and allotting is done here (R41)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_precision,
    get_currency_symbol,
    list_currencies,
)
from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext

CREDITS = "CREDITS"  # stands where an ISO 4217 code would; one credit is its own smallest unit


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount: `minor` units (cents) of `currency`."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return show(self.minor, self.currency)


def exponent(currency: str) -> int:
    """Digits after the point of a currency: 2 for USD, 0 for JPY and for credits."""
    return 0 if currency == CREDITS else get_currency_precision(currency)


def is_currency(code: str) -> bool:
    """Whether amounts can be in it: an ISO 4217 code, or credits (R41)."""
    return code == CREDITS or code in list_currencies()


def to_decimal(minor: int, currency: str) -> Decimal:
    """Minor units as the decimal people read."""
    return Decimal(minor).scaleb(-exponent(currency))


def marks(currency: str) -> frozenset[str]:
    """The signs and codes that people write before or after an amount for its currency."""
    if currency == CREDITS:
        return frozenset()
    signs = {str(get_currency_symbol(currency, locale=language)) for language, _name in settings.LANGUAGES}
    return frozenset({currency, *signs, *(sign.replace("US", "") for sign in signs)})


def show(minor: int, currency: str, *, language: str = "en") -> str:
    """The amount in the reader's language. US dollars are written "US$", since many currencies are dollars."""
    return _shown(minor, currency, language)


@lru_cache(maxsize=4096)  # the same prices stand in every row of a list, so the texts are cached
def _shown(minor: int, currency: str, language: str) -> str:
    locale = language.replace("-", "_")
    if currency == CREDITS:
        with translation.override(language):
            return ngettext("%(n)s credit", "%(n)s credits", minor) % {"n": format_decimal(minor, locale=locale)}
    text = str(format_currency(to_decimal(minor, currency), currency, locale=locale))
    return text.replace("$", "US$") if currency == "USD" and "US$" not in text else text


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide and round half away from zero; a line is rounded here and only once."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    numerator, denominator = abs(numerator), abs(denominator)
    return sign * ((2 * numerator + denominator) // (2 * denominator))


def allot(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` in proportion to `weights` by largest remainder, without losing a unit; on a tie the earlier weight gets the unit.

    The shares add up to `total` exactly. If all weights are zero, the first share gets everything.
    """
    return [share for runs in allot_runs(total, [(weight, 1) for weight in weights]) for share, _count in runs]


def allot_runs(total: int, weights: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """`allot` over runs of equal weights, given as (weight, count), whatever the counts.

    Returns for each run its shares as (share, count), one or two of them, in order. The counts of a run's shares add up to the run's
    count.
    """
    if not weights:
        if total:
            raise ValueError("nothing to allot to")
        return []
    if min(weight for weight, _count in weights) < 0:
        raise ValueError("weights must not be negative")
    whole = sum(weight * count for weight, count in weights)
    if whole == 0:
        first = weights[0][1]
        return [_runs(total, 1, 0, first - 1), *([(0, count)] for _weight, count in weights[1:])]
    sign, amount = (-1, -total) if total < 0 else (1, total)
    shares = [amount * weight // whole for weight, _count in weights]
    left = amount - sum(share * count for share, (_weight, count) in zip(shares, weights, strict=True))
    more = [0] * len(weights)
    for at in sorted(range(len(weights)), key=lambda i: (-(amount * weights[i][0] % whole), i)):
        if not left:
            break
        more[at] = min(left, weights[at][1])
        left -= more[at]
    return [
        _runs(sign * (share + 1), extra, sign * share, count - extra)
        for share, extra, (_weight, count) in zip(shares, more, weights, strict=True)
    ]


def _runs(first: int, count: int, second: int, rest: int) -> list[tuple[int, int]]:
    return [(share, n) for share, n in ((first, count), (second, rest)) if n]
