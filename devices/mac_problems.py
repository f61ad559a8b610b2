"""The problem with a MAC address, in words for the person who typed it."""

from __future__ import annotations

import unicodedata

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.addresses import BROADCAST, DIGITS, Mac

HEX = frozenset("0123456789abcdefABCDEF")


def sign_problem(compact: str) -> str:
    """The first character that is no digit, by its name where people can't recognize it, and the number of digits beside it."""
    sign = next(sign for sign in compact if sign not in HEX)
    problem = _(
        "“%(character)s” is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it."
    ) % {"character": sign}
    if not _is_plain(sign):
        named = f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip()
        problem = _("%(sign)s is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it.") % {
            "sign": named
        }
    n = sum(character in HEX for character in compact)
    if len(compact) == DIGITS or n >= DIGITS:
        return problem
    count = ngettext("Besides it there is %(n)s of 12 digits.", "Besides it there are %(n)s of 12 digits.", n) % {
        "n": n
    }
    return f"{problem} {count}"


def _is_plain(sign: str) -> bool:
    """Whether people recognize the character: visible, and not a look-alike of a Latin letter."""
    return sign.isascii() or unicodedata.name(sign, "").startswith("LATIN")


def lost_digits() -> str:
    """The text for a number such as 1.12233E+11, which has lost the digits of the address."""
    return _(
        "A spreadsheet made a number of this MAC address, and its last digits are lost. Make the column text there, or read "
        "the label."
    )


def lost_zeros(length: int) -> str:
    """The text for a number that has lost its leading zeros."""
    return _(
        "%(n)s of 12 digits: a spreadsheet makes a number of such a MAC address and drops the zeros before it. Make the column "
        "text there, or read the label."
    ) % {"n": length}


def length_problem(length: int) -> str:
    """The text for too few digits, too many, or none."""
    if not length:
        return _("Enter the MAC address: 12 digits on the label, or scan it.")
    if length < DIGITS:
        return ngettext(
            "%(n)s of 12 digits. Check the last pair on the label, or scan it.",
            "%(n)s of 12 digits. Check the last pair on the label, or scan it.",
            length,
        ) % {"n": length}
    return _("%(n)s digits, but a MAC address has 12. Check for a digit typed twice, or scan it.") % {"n": length}


def device_problem(mac: Mac) -> str:
    """Why no device can have this address; "" if one can."""
    if mac.value == 0:
        return _("All zeros is no device's address. Look at the label, or scan it.")
    if mac.value == BROADCAST:
        return _("FF:FF:FF:FF:FF:FF is the broadcast address, no device's. Look at the label, or scan it.")
    first_octet = mac.value >> 40
    if first_octet & 1:
        return _("%(mac)s is a multicast address, no device's. Check the first pair on the label.") % {"mac": mac}
    if first_octet & 2:
        return _("%(mac)s was made up by software, not by a maker. Use the address on the label.") % {"mac": mac}
    return ""
