"""Amounts: comma and point, thousands, and no factor of a thousand by mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Refused
from accounts.typed import amounts

EURO = ("EUR", "€")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("12,50", 1250), ("12.50", 1250), ("12,5", 1250), ("12.5", 1250), ("12", 1200), ("0", 0), ("0,00", 0), (",5", 50), (".05", 5),
        ("1.234,50", 123450), ("1,234.50", 123450), ("1 234,50", 123450), ("1'234.50", 123450), ("1’234.50", 123450),
        ("1\u00a0234,50", 123450), ("1\u202f234,50", 123450), ("1.234.567,8", 123456780), ("1.234.567", 123456700),
        ("1 234", 123400), ("1'234'567", 123456700), ("1,00,000.50", 10000050), ("1234,50", 123450), ("12.5000", 1250),
        ("0,125 000", None), ("12,-", 1200), ("12.--", 1200), ("12.", 1200), ("\ufeff12,50\u200b", 1250), ("１２，５０", 1250),
        ("12,50 €", 1250), ("€12.50", 1250), ("EUR 12,50", 1250), ("12.50EUR", 1250), ("12,50 eur", 1250), ("Eur12.50", 1250),
    ],
)  # fmt: skip
def test_comma_and_point_are_understood(typed: str, cents: int | None, language: str) -> None:
    if cents is None:
        with pytest.raises(Refused):
            amounts.minor(typed, digits=2, language=language, marks=EURO)
    else:
        assert amounts.minor(typed, digits=2, language=language, marks=EURO) == cents


@pytest.mark.parametrize(
    ("typed", "digits", "language", "words"),
    [
        ("1,234", 2, "en", "1,234 can be read as 1234.00 or as 1.23. Write one of them."),
        ("1.234", 2, "en", "1.234 can be read as 1234.00 or as 1.23. Write one of them."),
        ("1.234", 2, "de", "1.234 can be read as 1234,00 or as 1,23. Write one of them."),
        ("999,000", 2, "de", "999,000 can be read as 999000,00 or as 999,00. Write one of them."),
        ("1.234", 0, "en", "1.234 can be read as 1234 or as 1. Write one of them."),
        ("1,234", 3, "en", "1,234 can be read as 1234.000 or as 1.234. Write one of them."),
        ("0.125", 2, "en", "The currency has no such fraction."),
        ("1234.567", 2, "en", "The currency has no such fraction."),
        ("1.5", 0, "en", "The currency has no such fraction."),
        ("1.2345", 3, "en", "The currency has no such fraction."),
        ("-5", 2, "en", "An amount can't be less than nothing."),
        ("−5", 2, "en", "An amount can't be less than nothing."),
        ("twelve", 2, "en", "This is no amount. Write it like 12.50."),
        ("twelve", 2, "de", "This is no amount. Write it like 12,50."),
        ("12 50", 2, "en", "This is no amount."),
        ("1,23,4", 2, "en", "This is no amount."),
        ("1,234.567.8", 2, "en", "This is no amount."),
        ("1.2.3", 2, "en", "This is no amount."),
        ("1 234'567", 2, "en", "This is no amount."),
        ("$12", 2, "en", "This is no amount."),
        ("1e5", 2, "en", "This is no amount."),
        ("NaN", 2, "en", "This is no amount."),
        ("", 2, "en", "This is no amount."),
        ("9" * 41, 2, "en", "This is no amount."),
        ("9" * 14, 2, "en", "This amount is too large."),
    ],
)
def test_what_is_wrong_or_unsure_is_refused_in_words(typed: str, digits: int, language: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        amounts.minor(typed, digits=digits, language=language, marks=EURO)
    assert str(refusal.value).startswith(words)


@pytest.mark.parametrize(
    ("typed", "digits", "language", "found"),
    [
        ("1,234", 0, "en", 1234), ("1.234", 0, "de", 1234), ("12.00", 0, "en", 12), ("1.234", 3, "en", 1234), ("1,234", 3, "de", 1234),
        ("1,234.567", 3, "de", 1234567), ("12", 3, "en", 12000), ("12,5", 3, "en", 12500),
    ],
)  # fmt: skip
def test_currencies_without_and_with_three_digits(typed: str, digits: int, language: str, found: int) -> None:
    assert amounts.minor(typed, digits=digits, language=language) == found


@given(st.integers(0, amounts.MOST), st.sampled_from([0, 2, 3]), st.sampled_from(["en", "de"]))
def test_what_a_field_shows_means_the_same_amount(amount: int, digits: int, language: str) -> None:
    assert (
        amounts.minor(amounts.shown(amount, digits=digits, language=language), digits=digits, language=language)
        == amount
    )
