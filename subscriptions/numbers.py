"""Order numbers: `SP-yymmdd-XXXXXXXX`, easy to read over the phone, the last character is a check character."""

from __future__ import annotations

import secrets
from datetime import datetime

# 31 characters, a prime, so that every single wrong character and every swap of two neighbours is noticed; without 0 O I L U.
ALPHABET = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 7


def new(now: datetime) -> str:
    """A fresh random number of this (UTC) day."""
    day = f"{now:%y%m%d}"
    body = "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))
    return f"SP-{day}-{body}{check_character(day + body)}"


def check_character(text: str) -> str:
    """The weighted sum of the characters modulo 31, with weights 2, 3, 4…, so that neighbours have different weights."""
    total = sum((ALPHABET + "0").index(char) % 31 * weight for weight, char in enumerate(text, start=2))
    return ALPHABET[total % len(ALPHABET)]


def is_valid(number: str) -> bool:
    """Whether a typed number has the right form and check character."""
    parts = number.strip().upper().split("-")
    if len(parts) != 3 or parts[0] != "SP" or len(parts[1]) != 6 or len(parts[2]) != BODY_LENGTH + 1:
        return False
    if not parts[1].isdigit() or any(char not in ALPHABET for char in parts[2]):
        return False
    return check_character(parts[1] + parts[2][:-1]) == parts[2][-1]
