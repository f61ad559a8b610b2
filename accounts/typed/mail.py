"""Mail addresses: how they are read, told apart and sent to.

Two addresses are one when they have one key: the part before the @ without case, and the domain by IDNA 2008, which knows ß from ss.
People see domains in Unicode; only the mail server is told them in ASCII."""

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
    """An address as people read it, and the key by which it is told apart."""

    shown: str
    key: str


def address(typed: str) -> MailAddress:
    """What somebody typed or pasted, also as `Name <address>` or with `mailto:`. Refuses what is no address, or more than one."""
    if text.is_endless(typed, LONGEST) or len(plain := _bare(text.code(typed))) > LONGEST:
        raise NoAddress(_("An email address has at most %(n)s characters.") % {"n": LONGEST})
    import email_validator

    # Whether mail arrives there is proved by the first login, not by the name: offices have their .local, tests their .invalid.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    try:
        found = email_validator.validate_email(plain, check_deliverability=False, allow_smtputf8=False)
    except email_validator.EmailNotValidError as problem:
        raise NoAddress(_reason(plain)) from problem
    return MailAddress(found.normalized, found.normalized.lower())


def key(typed: str) -> str:
    """The key of an address; of anything else, as of a part of one that is searched for, what would stand in the key."""
    try:
        return address(typed).key
    except Refused:  # also of control characters
        return text.sought(typed, most=LONGEST).lower()


def in_ascii(shown: str) -> str:
    """The address as mail servers take it. By IDNA 2008: that of 2003 would send mail for straße to strasse."""
    local, _at, domain = shown.rpartition("@")
    if domain.isascii():
        return shown
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError as problem:
        raise ValueError(f"no mail can go to the domain {domain!r}") from problem


def _bare(typed: str) -> str:
    """Without the name before it, the brackets around it, and the marks that a list or a sentence left."""
    found = IN_BRACKETS.fullmatch(typed)
    plain = (found[1] if found else typed).strip(WRAPPING)
    if plain.endswith("'"):  # no domain does, but the part before the @ may begin with one
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
