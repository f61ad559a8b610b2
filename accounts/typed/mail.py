"""Mail addresses: reading, comparing and formatting.

Two addresses are the same when they have the same key: the part before the @ without case, and the domain by IDNA 2008, which keeps ß
and ss apart. People see domains in Unicode; only the mail server gets them in ASCII.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

import idna
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.typed import text

LONGEST = 254
IN_BRACKETS = re.compile(r"[^<>]*<([^<>]*)>[\s,;.]*")
WRAPPING = ' "<>(),;'
DOTS = re.compile("[。．｡]")


class NoAddress(Refused):
    """What was typed is no mail address."""

    field = "email"


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An address as people read it, and its key for comparison."""

    shown: str
    key: str


def address(typed: str) -> MailAddress:
    """The address in a typed or pasted text, also as `Name <address>` or with `mailto:`. Refuses text with no address, or more than one."""
    if text.is_endless(typed, LONGEST) or len(plain := _bare(text.code(typed))) > LONGEST:
        raise NoAddress(_("An email address has at most %(n)s characters.") % {"n": LONGEST})
    import email_validator

    # Whether mail arrives is proved by the first login, not by the name: offices use .local, tests use .invalid.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    try:
        found = email_validator.validate_email(plain, check_deliverability=False, allow_smtputf8=False)
    except email_validator.EmailNotValidError as problem:
        raise NoAddress(_reason(plain)) from problem
    return MailAddress(found.normalized, found.normalized.lower())


def key(typed: str) -> str:
    """The key of an address; for other text, such as a part of an address in a search, the same folding."""
    try:
        return address(typed).key
    except Refused:  # also of control characters
        return text.sought(typed, most=LONGEST).lower()


def in_ascii(shown: str) -> str:
    """The address for mail servers, by IDNA 2008: that of 2003 would send mail for straße to strasse."""
    local, _at, domain = shown.rpartition("@")
    if domain.isascii():
        return shown
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError as problem:
        raise ValueError(f"no mail can go to the domain {domain!r}") from problem


def _bare(typed: str) -> str:
    """The text without a name before it, brackets around it, and marks left from a list or a sentence."""
    found = IN_BRACKETS.fullmatch(typed)
    plain = (found[1] if found else typed).strip(WRAPPING)
    if plain.endswith("'"):  # no domain begins so, but the part before the @ may
        plain = plain[:-1].removeprefix("'").strip(WRAPPING)
    if plain[:7].lower() == "mailto:":
        plain = unquote(plain[7:].partition("?")[0]).strip()
    return DOTS.sub(".", plain).rstrip(".")


def _reason(plain: str) -> str:
    if plain.count("@") > 1:
        return _("Enter one email address only.")
    local, at, domain = plain.partition("@")
    if not at:
        return _("An email address has an @, as in name@example.com.")
    if not local.isascii():
        return _("Before the @ only letters without accents, digits and signs like . - _ + are possible.")
    if "." not in domain:
        return _("After the @ a domain is needed, as in name@example.com.")
    return _("This is no email address. It looks like name@example.com.")
