"""Telephone numbers: stored as E.164 with their extension as in RFC 3966 (+49401234567;ext=12), shown in the usual format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.typed import text

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

LONGEST = 48  # +, 15 digits, ;ext= and the 20 digits that an extension may have
LEAST_SOUGHT = 6  # digits; a shorter search text is not taken for a part of a number
WORDS = "extension|ext|x|#|durchwahl|dw|nebenstelle|nst|poste"  # characters that mark an extension
EXTENSION = rf"(?:;ext=|[;,]?\s*(?:{WORDS})[.:]?\s*)(?P<extension>\d{{1,20}})#?"
CALLED = r"(?:telefon|telephone|tel|phone|fon|mobile|mobil)\b[.:]*\s*"  # text before a number
WRITTEN = re.compile(rf"(?:{CALLED})?(?P<number>[+\d()\[\]./\s-]+?)\s*(?:{EXTENSION})?", re.IGNORECASE)
DATE = re.compile(r"[0-3]?\d([./-])[0-3]?\d\1(?:19|20)\d\d|(?:19|20)\d\d-[01]\d-[0-3]\d")


def number(typed: str, country: str) -> str:
    """The number to store. Without a country code it is a number of `country` (ISO 3166). Refuses text that is no number."""
    import phonenumbers

    read = text.code(typed)
    parts = WRITTEN.fullmatch(read)
    if parts is None or DATE.fullmatch(parts["number"]):
        raise Refused(_("This is no telephone number. One looks like %(example)s.") % {"example": example(country)})
    try:
        found = _parsed(parts["number"], country)
    except phonenumbers.NumberParseException as problem:
        is_unknown = problem.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        if is_unknown and parts["number"].startswith(("+", "00")):
            raise Refused(_("No country has the code that this number begins with.")) from problem
        raise Refused(
            _("This is no telephone number. One looks like %(example)s.") % {"example": example(country)}
        ) from problem
    _refuse_impossible(found, country)
    kept = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    return f"{kept};ext={parts['extension']}" if parts["extension"] else kept


def shown(kept: str) -> str:
    """A stored number as people read it; older values, stored before numbers were checked, as they were typed."""
    import phonenumbers

    found, _semicolon, extension = kept.partition(";ext=")
    if not re.fullmatch(r"\+\d{4,15}", found):
        return kept
    try:
        words = phonenumbers.format_number(phonenumbers.parse(found), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return kept
    return _("%(number)s ext. %(extension)s") % {"number": words, "extension": extension} if extension else words


def link(kept: str) -> str:
    """The tel: address of a stored number; "" for older values that were not checked."""
    return f"tel:{kept}" if re.fullmatch(r"\+\d{4,15}(;ext=\d+)?", kept) else ""


def digits(typed: str) -> str:
    """The digits to look for in stored numbers for this search text; "" when it can't be a part of a number.

    Leading zeros, which are dialled at home or abroad, are dropped.
    """
    parts = WRITTEN.fullmatch(text.sought(typed, most=LONGEST).translate(text.SIGNS))
    if parts is None:
        return ""
    found = re.sub(r"\(0\)", "", parts["number"])
    found = "".join(sign for sign in found if sign.isdecimal()).lstrip("0")
    return found if len(found) >= LEAST_SOUGHT else ""


def example(country: str) -> str:
    """A mobile number of the country in international format."""
    import phonenumbers

    found = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE) if country else None
    return (
        phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if found else "+49 1512 3456789"
    )


def _parsed(written: str, country: str) -> PhoneNumber:
    """The number as dialled within its country; if that is no number, a leading 00 is read as the + of international numbers."""
    import phonenumbers

    try:
        found = phonenumbers.parse(written, country or None, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        found = None
    if written.startswith("00") and (found is None or not phonenumbers.is_valid_number(found)):
        written = f"+{written[2:]}"
    elif found is not None:
        return found
    return phonenumbers.parse(written, country or None, keep_raw_input=True)


def _refuse_impossible(found: PhoneNumber, country: str) -> None:
    """Refuse a wrong number of digits or, without a country code, a beginning that the country does not have. With a country code it is
    accepted, since the number range may be newer than our data."""
    import phonenumbers
    from phonenumbers import CountryCodeSource, ValidationResult

    verdict = phonenumbers.is_possible_number_with_reason(found)
    words = {"example": example(phonenumbers.region_code_for_country_code(found.country_code or 0) or country)}
    if verdict in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        raise Refused(_("This telephone number has too few digits. One looks like %(example)s.") % words)
    if verdict == ValidationResult.TOO_LONG:
        raise Refused(_("This telephone number has too many digits. One looks like %(example)s.") % words)
    if verdict != ValidationResult.IS_POSSIBLE:
        raise Refused(_("This is no telephone number. One looks like %(example)s.") % words)
    has_code = found.country_code_source in (
        CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
        CountryCodeSource.FROM_NUMBER_WITH_IDD,
    )
    if not has_code and not phonenumbers.is_valid_number(found):
        raise Refused(
            _(
                "The country has no such telephone number. If it is right, begin with + and the country's code: %(example)s."
            )
            % words
        )
