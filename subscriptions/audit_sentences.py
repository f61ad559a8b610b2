"""Sentences for changes of orders, requests and auto-renewals, with the items and amounts that the reader may see."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.audit.sentences import Names, detailed, items
from accounts.models import AuditEvent
from payments import money


def amount(minor: Any, currency: str) -> str:
    """An amount in the reader's language; unchanged where it is no amount."""
    if not isinstance(minor, int) or len(currency) != 3:
        return str(minor)
    return money.show(minor, currency, language=(get_language() or "en").split("-", maxsplit=1)[0])


def amount_of(event: AuditEvent, names: Names, *, field: str = "total_minor") -> str:
    """The amount of an event; "" where it has none, or the reader may not see it."""
    minor, currency = event.after.get(field), str(event.after.get("currency") or names.currency)
    return amount(minor, currency) if names.shows_amounts and isinstance(minor, int) and currency else ""


def items_and_amount(event: AuditEvent, names: Names) -> str:
    """How many items an order has and what it costs."""
    return ", ".join(filter(None, (items(event), amount_of(event, names))))


def requested(event: AuditEvent, names: Names) -> str:
    """What was requested."""
    if not isinstance(n := event.after.get("items"), int):
        return ""
    what = ngettext("Activation of %(n)s item requested", "Activation of %(n)s items requested", n)
    months = event.after.get("months")
    term = ngettext("%(n)s month", "%(n)s months", months) % {"n": months} if isinstance(months, int) else ""
    return detailed(what % {"n": n}, term)


def agreed(event: AuditEvent, names: Names) -> str:
    """How many items are auto-renewed from now on."""
    if not isinstance(n := event.after.get("items"), int):
        return ""
    return ngettext("Auto-renewal of %(n)s item agreed", "Auto-renewal of %(n)s items agreed", n) % {"n": n}


def paid_twice(event: AuditEvent, names: Names) -> str:
    """The amount that was paid twice."""
    sum_paid = amount_of(event, names, field="captured_minor")
    return (
        _("%(amount)s was paid twice (%(what)s)") % {"amount": sum_paid, "what": event.subject_label}
        if sum_paid
        else ""
    )


def how_many_prices(event: AuditEvent, names: Names) -> str:
    """How many prices of a list differ from the list before."""
    n = sum("/" in field for field in {**event.before, **event.after})
    return ngettext("%(n)s price", "%(n)s prices", n) % {"n": n}
