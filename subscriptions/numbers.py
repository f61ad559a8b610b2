"""Order numbers: `SP-yymmdd-XXXXXXXX`, readable over the phone, the last character a check."""

from __future__ import annotations

import secrets
from datetime import datetime

# 31 characters, a prime, so that any single mistyped character and any swap of two neighbours is noticed; no 0 O I L U.
ALPHABET = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 7


def new(now: datetime) -> str:
    """A fresh random number of this (UTC) day."""
    day = f"{now:%y%m%d}"
    body = "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))
    return f"SP-{day}-{body}{check_character(day + body)}"


def check_character(text: str) -> str:
    """The weighted sum of the characters modulo 31; weights 2, 3, 4…, so neighbours never weigh the same."""
    total = sum((ALPHABET + "0").index(char) % 31 * weight for weight, char in enumerate(text, start=2))
    return ALPHABET[total % len(ALPHABET)]


def is_valid(number: str) -> bool:
    """Whether a typed number can exist at all."""
    parts = number.strip().upper().split("-")
    if len(parts) != 3 or parts[0] != "SP" or len(parts[1]) != 6 or len(parts[2]) != BODY_LENGTH + 1:
        return False
    if not parts[1].isdigit() or any(char not in ALPHABET for char in parts[2]):
        return False
    return check_character(parts[1] + parts[2][:-1]) == parts[2][-1]
