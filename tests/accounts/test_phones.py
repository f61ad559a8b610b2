"""Telephone numbers: read as people write them, kept as E.164."""

from __future__ import annotations

import pytest

from accounts.errors import Refused
from accounts.typed import phones
from communities.models import Resident


@pytest.mark.parametrize(
    ("typed", "country", "kept", "shown"),
    [
        ("040 1234567", "DE", "+49401234567", "+49 40 1234567"),
        ("+49 (0)40 1234567", "NO", "+49401234567", "+49 40 1234567"),
        ("0049 40 1234567", "DE", "+49401234567", "+49 40 1234567"),
        ("(040) 123-45/67", "DE", "+49401234567", "+49 40 1234567"),
        ("+49\u201040\u20131234567", "DE", "+49401234567", "+49 40 1234567"),
        ("０４０\u3000１２３４５６７", "DE", "+49401234567", "+49 40 1234567"),
        ("\ufeff040\u200b1234567\u200e", "DE", "+49401234567", "+49 40 1234567"),
        ("040 1234567 ext. 12", "DE", "+49401234567;ext=12", "+49 40 1234567 ext. 12"),
        ("040 1234567 Durchwahl 12", "DE", "+49401234567;ext=12", "+49 40 1234567 ext. 12"),
        ("040 1234567 x12", "DE", "+49401234567;ext=12", "+49 40 1234567 ext. 12"),
        ("tel:+49-40-1234567;ext=0012", "DE", "+49401234567;ext=0012", "+49 40 1234567 ext. 0012"),
        ("22 00 00 00", "NO", "+4722000000", "+47 22 00 00 00"),
        ("(415) 555-0100 #5", "US", "+14155550100;ext=5", "+1 415-555-0100 ext. 5"),
        ("06 698 12345", "IT", "+390669812345", "+39 06 6981 2345"),
        ("Tel. 040 1234567", "DE", "+49401234567", "+49 40 1234567"),
        ("Mobil: 0151 12345678", "DE", "+4915112345678", "+49 1511 2345678"),
        ("0049 40 1234567", "US", "+49401234567", "+49 40 1234567"),
        ("0049 40 1234567", "", "+49401234567", "+49 40 1234567"),
        ("0011 49 40 1234567", "AU", "+49401234567", "+49 40 1234567"),
        ("038 123 456", "XK", "+38338123456", "+383 38 123 456"),
    ],
)
def test_a_number_is_kept_as_e164_and_shown_with_gaps(typed: str, country: str, kept: str, shown: str) -> None:
    assert phones.number(typed, country) == kept
    assert phones.shown(kept) == shown
    assert phones.number(shown, "FR") == kept
    assert phones.link(kept) == f"tel:{kept}"


@pytest.mark.parametrize(
    ("typed", "country", "words"),
    [
        ("call me after 5", "DE", "This is no telephone number. One looks like +49 1512 3456789."),
        ("call me after 5 40123456", "DE", "This is no telephone number."),
        ("1-800-FLOWERS", "US", "This is no telephone number. One looks like +1 201-555-0123."),
        ("040 1234567, Anna", "DE", "This is no telephone number."),
        ("112", "DE", "This telephone number has too few digits."),
        ("+49 40 1", "NO", "This telephone number has too few digits. One looks like +49"),
        ("0151 23456789/0171 23456789", "DE", "This is no telephone number."),
        ("+1 415 555 01000", "DE", "This telephone number has too many digits. One looks like +1"),
        ("+999 123456", "DE", "No country has the code that this number begins with."),
        ("12345678", "AQ", "This is no telephone number. One looks like +"),
        ("+", "DE", "This is no telephone number."),
        ("12.05.2026", "DE", "This is no telephone number."),
        ("2026-05-12", "DE", "This is no telephone number."),
        ("31.12.2026", "DK", "This is no telephone number."),
        ("12052026", "DE", "The country has no such telephone number. If it is right, begin with +"),
        ("00999 123456", "DE", "No country has the code that this number begins with."),
    ],
)
def test_what_is_no_number_is_refused_in_words(typed: str, country: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        phones.number(typed, country)
    assert str(refusal.value).startswith(words)


def test_with_its_country_s_code_a_number_may_be_newer_than_what_we_know() -> None:
    assert phones.number("+49 12052026", "DE") == phones.number("0049 12052026", "DE") == "+4912052026"


def test_the_longest_number_fits() -> None:
    kept = phones.number("+49 " + "3" * 13 + " ext. " + "9" * 20, "DE")
    assert kept == f"+49{'3' * 13};ext={'9' * 20}"
    assert len(kept) <= phones.LONGEST == Resident._meta.get_field("mobile").max_length


@pytest.mark.parametrize("kept", ["call me after 5", "040 123", "", "+", "+49 40 1234567"])
def test_what_was_kept_before_is_shown_as_it_was_typed(kept: str) -> None:
    assert (phones.shown(kept), phones.link(kept)) == (kept, "")


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("040 123456", "40123456"), ("+49 40 123456", "4940123456"), ("0049 40-123456", "4940123456"), ("+49 (0)40 123456", "4940123456"),
        ("0171/123", "171123"), ("9.01", ""), ("1204", ""), ("12a456", ""), ("Anna", ""), ("", ""),
    ],
)  # fmt: skip
def test_what_to_look_for(typed: str, digits: str) -> None:
    assert phones.digits(typed) == digits
