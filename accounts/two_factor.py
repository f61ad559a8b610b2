"""Calculations of the second factor: secrets, the address in the QR code, recovery codes and their digests."""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Iterable

from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP

RECOVERY_CODES = 8
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without characters that are easily confused: 0 and O, 1 and I
CODE_LENGTH = 8  # 40 bits; guessing is slowed down long before
KEY_BYTES = 20
_SIX_DIGITS = re.compile(r"[0-9]{6}")


def new_key() -> str:
    """A secret for an authenticator app, in hex as django-otp keeps it."""
    return secrets.token_hex(KEY_BYTES)


def spelled(key: str) -> str:
    """The secret as people type it into an app: base32 in groups of four."""
    return _in_fours(b32encode(bytes.fromhex(key)).decode().rstrip("="))


def matching_step(key: str, code: str, *, unix_time: float) -> int | None:
    """The 30-second step of this code, one step early or late allowed; None for a wrong code."""
    digits = compact(code)
    if not is_six_digits(digits):
        return None
    clock = TOTP(bytes.fromhex(key))
    clock.time = unix_time
    return clock.t() if clock.verify(int(digits), tolerance=1) else None


def is_six_digits(code: str) -> bool:
    """Whether it looks like a code of an app, and not like a recovery code."""
    return bool(_SIX_DIGITS.fullmatch(code))


def new_recovery_codes() -> list[str]:
    """New codes as people see them: "4F7K-Q2MX"."""
    drawn: set[str] = set()
    while len(drawn) < RECOVERY_CODES:
        drawn.add("".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)))
    return [_in_fours(code, "-") for code in sorted(drawn)]


def recovery_digests(codes: Iterable[str]) -> list[str]:
    """The stored digests of recovery codes."""
    return [recovery_digest(code) for code in codes]


def recovery_digest(code: str) -> str:
    """16 hex digits, as many as django-otp's column holds. Keyed, because 40 bits could be tried by a person who has the table."""
    return salted_hmac("accounts.two_factor.recovery", compact(code), algorithm="sha256").hexdigest()[:16]


def compact(code: str) -> str:
    """A code in capitals without separators."""
    return re.sub(r"[\s-]", "", code[:40]).upper()


def _in_fours(text: str, between: str = " ") -> str:
    return between.join(text[at : at + 4] for at in range(0, len(text), 4))
