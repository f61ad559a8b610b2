"""How audit words build a longer sentence, with the names and amounts that the reader may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import AuditEvent

NAMED = 3  # changes that are listed by name; more are counted


@dataclass(frozen=True, slots=True)
class Names:
    """What one reader may know about a change: the names for ids in its values, the currency of bare amounts ("" if unknown), and
    whether amounts and order numbers are shown."""

    people: Mapping[int, str]
    firms: Mapping[int, str]
    currency: str
    shows_amounts: bool
    shows_orders: bool


def person(key: str, names: Names) -> str:
    """The name of the member with this id, as far as the reader may know it."""
    pk = int(key) if key.isdecimal() else 0
    return names.people.get(pk) or _("Person %(n)s") % {"n": key}


def listed(told: list[str]) -> str:
    """A few changes as one sentence."""
    more = len(told) - NAMED
    text = ", ".join(told[:NAMED])
    if more > 0:
        text = ngettext("%(text)s and %(n)s more change", "%(text)s and %(n)s more changes", more) % {
            "text": text,
            "n": more,
        }
    return str(capfirst(text))


def detailed(sentence: str, *details: str) -> str:
    """A sentence with further details."""
    told = ", ".join(detail for detail in details if detail)
    return _("%(sentence)s: %(details)s") % {"sentence": sentence, "details": told} if told else sentence


def items(event: AuditEvent) -> str:
    """How many items the change was about; "" where it does not say."""
    n = event.after.get("items")
    return ngettext("%(n)s item", "%(n)s items", n) % {"n": n} if isinstance(n, int) else ""


def size(event: AuditEvent, field: str) -> int:
    """The number of rows of a batch. Events older than batches list the rows by name."""
    value = event.after.get(field, 0)
    return value if isinstance(value, int) else len(value)
