"""Removing secrets from logs: `redacted` replaces keys, passwords, cookies and personal addresses by `***`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

HIDDEN = "***"
# Shorter values of settings are common words; replacing them would make the log useless.
SHORTEST_SECRET = 8

_QUOTED = r"""b?"(?:[^"\\\n]|\\.)*"|b?'(?:[^'\\\n]|\\.)*'|\[[^\]\n]*\]"""
# Every repetition is bounded, so that the cost of a hostile line depends on its length only.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), hidden)
    for pattern, hidden in (
        # PostgreSQL prints the whole row that a constraint refused
        (r"\bDETAIL:.*?(?=\n\n|\n(?:CONTEXT|HINT|Traceback)|\Z)", f"DETAIL: {HIDDEN}"),
        (r"""(cookies?["']?\s{0,3}[:=])[^\n]*""", rf"\1 {HIDDEN}"),
        (rf"""(passw(?:or)?d\w{{0,20}}["']?\s{{0,3}}[:=]\s{{0,3}})(?:{_QUOTED}|[^,;&\n)}}\]]+)""", rf"\1{HIDDEN}"),
        (
            r"""((?:passphrase|secret|token|api[_-]?key|authorization|session[_-]?(?:id|key)|csrf\w{0,20}|[-_]sig(?:nature)?\b)"""
            rf"""[\w-]{{0,20}}["']?\s{{0,3}}[:=]\s{{0,3}})(?:{_QUOTED}|(?:bearer|basic|digest|token)\s+[^\s,;"']+|[^\s,;&)}}\]]+)""",
            rf"\1{HIDDEN}",
        ),
        (r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", rf"\1 {HIDDEN}"),
        (r"\b(?:sk|rk|pk)_(?:test|live)_\w+", HIDDEN),
        (r"\bwhsec_[\w+/=-]+", HIDDEN),
        (r"\b\w{2,10}_[A-Za-z0-9]{6,80}_secret_\w+", HIDDEN),  # client secret of a payment
        (r"\bsandbox_[0-9a-f]{12,}", HIDDEN),
        (r"\baccess_token\$[\w$]+|\bA21AA[\w-]{20,}", HIDDEN),  # tokens of wallets
        (r"(?<![\w-])[AE][\w-]{79}(?![\w-])", HIDDEN),  # client id and secret of wallets
        (r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*", HIDDEN),  # JSON web token
        # The password in the address of a database or broker
        (r"(://)[^/\s:@]{0,100}:[^@\s/]{1,200}@", rf"\1{HIDDEN}@"),
        (r"(/password-reset)/[^/\s]{1,100}/[^/\s]{1,200}", rf"\1/{HIDDEN}"),
        (r"(/invitation|/sign-in/link|/address|/mail/mute)/[^/\s]{1,300}", rf"\1/{HIDDEN}"),
        (r"(?<=[\w/])\?[\w%.~+\[\]-]{1,100}=[^\s\"'<>]*", f"?{HIDDEN}"),  # the query of an address
        (r"[\w.+'-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}", HIDDEN),
    )
)


def redacted(text: str) -> str:
    """The text without anything that looks like a secret or a personal address, and without our own secrets."""
    for secret in own_secrets():
        text = text.replace(secret, HIDDEN)
    for pattern, hidden in _RULES:
        text = pattern.sub(hidden, text)
    return text


@cache
def own_secrets() -> tuple[str, ...]:
    """The secrets of this installation, longest first; read when the first line is written, since settings configure the log."""
    from django.conf import settings

    return tuple(sorted({text for text in _given(settings) if len(text) >= SHORTEST_SECRET}, key=len, reverse=True))


def _given(settings: object) -> Iterator[str]:
    for name in dir(settings):
        if name.endswith(("_SECRET", "_SECRET_KEY", "_HOST_PASSWORD")) or name == "SECRET_KEY":
            yield str(getattr(settings, name) or "")
    for database in getattr(settings, "DATABASES", {}).values():
        yield str(database.get("PASSWORD") or "")
