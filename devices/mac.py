"""MAC addresses: reading them as people type, scan and misread them (R68, R69, R71). Pure, no database."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.errors import NotADevice, NotHex, WrongLength

DIGITS = 12
BROADCAST = (1 << 48) - 1
VENDOR_OUI = 0x0C1105  # the one block that IEEE gave Akuvox
SEPARATORS = frozenset(":-.")  # and any white space: scanners end with a line break
HEX = frozenset("0123456789abcdefABCDEF")
MISREAD = {"O": "0", "D": "0", "I": "1", "L": "1", "S": "5", "B": "8", "Z": "2"}  # what is read → what is printed


@dataclass(frozen=True, slots=True, order=True)
class Mac:
    """A 48-bit address. `str()` is what people see, `hex` the canonical form, `value` what the column stores."""

    value: int

    def __str__(self) -> str:
        digits = self.hex
        return ":".join(digits[i : i + 2] for i in range(0, DIGITS, 2))

    @property
    def hex(self) -> str:
        """Twelve upper-case digits."""
        return f"{self.value:012X}"

    @property
    def oui(self) -> str:
        """The maker's half: "0C:11:05"."""
        return str(self)[:8]

    @property
    def is_vendor(self) -> bool:
        """Whether the address is of the vendor's own block."""
        return self.value >> 24 == VENDOR_OUI


def parse(text: str) -> Mac:
    """The address that `text` means: any case, with `:`, `-`, `.`, white space or nothing between the digits.

    Raises WrongLength, NotHex or NotADevice (R69: format, then unicast and global).
    """
    compact = _compact(text)
    if len(compact) != DIGITS:
        raise WrongLength(_length_problem(len(compact)))
    if wrong := next((character for character in compact if character not in HEX), None):
        raise NotHex(
            _("“%(character)s” is no digit of a MAC address; those are 0–9 and A–F. Look at the label, or scan it.")
            % {"character": wrong}
        )
    mac = Mac(int(compact, 16))
    if problem := _device_problem(mac):
        raise NotADevice(problem)
    return mac


def repairs(text: str, known: Set[Mac] | Callable[[Set[Mac]], Iterable[Mac]]) -> Mac | None:
    """The one known address that the label may really say, or None when there is none or more than one.

    `known` is the set of known addresses, or a function that picks the known ones out of the candidates (at most 4095).
    D and B are digits too, so they are tried both ways; O, I, l, S and Z can only be misread.
    """
    compact = _compact(text).upper()
    if len(compact) != DIGITS:
        return None
    choices = [
        {character, MISREAD[character]} if character in HEX and character in MISREAD else {MISREAD.get(character, character)}
        for character in compact
    ]  # fmt: skip
    if not all(HEX.issuperset(choice) for choice in choices):
        return None
    readings = {"".join(digits) for digits in itertools.product(*choices)} - {compact}
    candidates = {mac for reading in readings if not _device_problem(mac := Mac(int(reading, 16)))}
    if not candidates:
        return None
    found = set(known(candidates)) if callable(known) else candidates & known
    return found.pop() if len(found) == 1 else None


def maker(mac: Mac) -> str:
    """Whose block the address is of, as IEEE's register says; "" when nobody's."""
    import netaddr  # reads its registers from files, and only a foreign address needs them

    try:
        return str(netaddr.EUI(mac.value, version=48).oui.registration().org)
    except netaddr.NotRegisteredError:
        return ""


def _compact(text: str) -> str:
    return "".join(character for character in text if character not in SEPARATORS and not character.isspace())


def _length_problem(length: int) -> str:
    if not length:
        return _("Enter the MAC address: 12 digits on the label, or scan it.")
    if length < DIGITS:
        return ngettext(
            "%(n)s of 12 digits. Check the last pair on the label, or scan it.",
            "%(n)s of 12 digits. Check the last pair on the label, or scan it.",
            length,
        ) % {"n": length}
    return _("%(n)s digits, but a MAC address has 12. Check for a digit typed twice, or scan it.") % {"n": length}


def _device_problem(mac: Mac) -> str:
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
