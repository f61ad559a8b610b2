"""Telephone numbers: kept as E.164 with their extension as RFC 3966 writes it (+49401234567;ext=12), shown with the usual gaps."""

from __future__ import annotations

import re

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from accounts.errors import Refused
from accounts.typed import text

LONGEST = 48  # +, 15 digits, ;ext= and the 20 digits that an extension may have
LEAST_SOUGHT = 6  # digits, below which a text that is searched for is no part of a number
WORDS = "extension|ext|x|#|durchwahl|dw|nebenstelle|nst|poste"  # before an extension
EXTENSION = rf"(?:;ext=|[;,]?\s*(?:{WORDS})[.:]?\s*)(?P<extension>\d{{1,20}})#?"
WRITTEN = re.compile(rf"(?:tel:\s*)?(?P<number>[+\d()\[\]./\s-]+?)\s*(?:{EXTENSION})?", re.IGNORECASE)


def number(typed: str, country: str) -> str:
    """The number to keep; without a country's code it is one of `country` (ISO 3166). Refuses what is none, in words."""
    read = text.code(typed)
    parts = WRITTEN.fullmatch(read)
    if parts is None:
        raise Refused(_("This is no telephone number. One looks like %(example)s.") % {"example": example(country)})
    try:
        found = phonenumbers.parse(parts["number"], country or None)
    except phonenumbers.NumberParseException as problem:
        is_unknown = problem.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        if is_unknown and parts["number"].startswith("+"):
            raise Refused(_("No country has the code that this number begins with.")) from problem
        raise Refused(
            _("This is no telephone number. One looks like %(example)s.") % {"example": example(country)}
        ) from problem
    _refuse_impossible(found, country)
    kept = phonenumbers.format_number(found, PhoneNumberFormat.E164)
    return f"{kept};ext={parts['extension']}" if parts["extension"] else kept


def shown(kept: str) -> str:
    """A kept number as people read it; what was kept before there were rules as it was typed."""
    found, _semicolon, extension = kept.partition(";ext=")
    if not re.fullmatch(r"\+\d{4,15}", found):
        return kept
    try:
        words = phonenumbers.format_number(phonenumbers.parse(found), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return kept
    return _("%(number)s ext. %(extension)s") % {"number": words, "extension": extension} if extension else words


def link(kept: str) -> str:
    """The address that dials a kept number; "" for what was kept before there were rules."""
    return f"tel:{kept}" if re.fullmatch(r"\+\d{4,15}(;ext=\d+)?", kept) else ""


def digits(typed: str) -> str:
    """What to look for in the digits of kept numbers when somebody searches for this; "" when it is no part of a number.

    Without the zeros that are dialled before a number at home or abroad.
    """
    parts = WRITTEN.fullmatch(text.sought(typed, most=LONGEST).translate(text.SIGNS))
    if parts is None:
        return ""
    found = re.sub(r"\(0\)", "", parts["number"])
    found = "".join(sign for sign in found if sign.isdecimal()).lstrip("0")
    return found if len(found) >= LEAST_SOUGHT else ""


def example(country: str) -> str:
    """A mobile number of the country as one writes it for people abroad."""
    found = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE) if country else None
    return phonenumbers.format_number(found, PhoneNumberFormat.INTERNATIONAL) if found else "+49 1512 3456789"


def _refuse_impossible(found: PhoneNumber, country: str) -> None:
    """Refuse what has the wrong number of digits. Whether somebody has been given the number nobody can know for sure."""
    verdict = phonenumbers.is_possible_number_with_reason(found)
    words = {"example": example(phonenumbers.region_code_for_country_code(found.country_code or 0) or country)}
    if verdict in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        raise Refused(_("This telephone number has too few digits. One looks like %(example)s.") % words)
    if verdict == ValidationResult.TOO_LONG:
        raise Refused(_("This telephone number has too many digits. One looks like %(example)s.") % words)
    if verdict != ValidationResult.IS_POSSIBLE:
        raise Refused(_("This is no telephone number. One looks like %(example)s.") % words)
