"""Audit rows as whole sentences: which apartment, which person, which service, how many items, what amount."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import AuditEvent
from communities import catalogue
from smartplus.portal import audit_words
from smartplus.portal.audit_words import Names

NAMED = 3  # changes that are spelled out; more are counted


def managers_set(event: AuditEvent, names: Names) -> str:
    """Who was chosen as manager, who was taken off, whose PM App was switched."""
    told = []
    for key in {**event.before, **event.after}:
        who = audit_words.person(key, names)
        before, after = event.before.get(key), event.after.get(key)
        if after is None:
            told.append(_("manager %(who)s taken off") % {"who": who})
        elif before is None and after:
            told.append(_("manager %(who)s chosen, with the PM App") % {"who": who})
        elif before is None:
            told.append(_("manager %(who)s chosen") % {"who": who})
        elif after:
            told.append(_("PM App of %(who)s switched on") % {"who": who})
        else:
            told.append(_("PM App of %(who)s switched off") % {"who": who})
    return listed(told)


def technicians_set(event: AuditEvent, names: Names) -> str:
    """Which technicians were chosen and which taken off."""
    before, after = (set(values.get("technicians", ())) for values in (event.before, event.after))
    told = [
        _("technician %(who)s chosen") % {"who": audit_words.person(str(pk), names)} for pk in sorted(after - before)
    ]
    told += [
        _("technician %(who)s taken off") % {"who": audit_words.person(str(pk), names)} for pk in sorted(before - after)
    ]
    return listed(told)


def switched(event: AuditEvent, names: Names) -> str:
    """What of a site or an apartment was switched on or off, in the order of the services, and which other fields changed."""
    fields = {**event.before, **event.after}
    labels = {field: line.label for field, line in zip(fields, audit_words.lines(event, names), strict=True)}
    changed = [field for field in fields if field in event.before and field in event.after]
    told = []
    for field in sorted(changed, key=_place):  # PostgreSQL keeps the keys of JSON in an order of its own
        value = event.after[field]
        words = _("%(what)s changed")
        if isinstance(value, bool) and audit_words.is_switch(event, field):
            words = _("%(what)s on") if value else _("%(what)s off")
        told.append(words % {"what": labels[field]})
    return listed(told)


def _place(field: str) -> tuple[int, str]:
    codes = catalogue.SWITCHES
    return codes.index(field) if field in codes else len(codes), field


def _of_apartment(event: AuditEvent, names: Names) -> str:
    told = switched(event, names)
    return f"{event.subject_label}: {told}" if told else ""


def registered(event: AuditEvent, names: Names) -> str:
    """Which device, and where."""
    place = event.after.get("apartment") or event.after.get("place") or event.before.get("place")
    words = {
        "device.registered": _("%(what)s registered in %(place)s"),
        "device.removed": _("%(what)s removed from %(place)s"),
        "device.swapped": _("%(what)s swapped in %(place)s"),
        "device.renamed": _("Device in %(place)s renamed to %(what)s"),
    }[event.action]
    return words % {"what": event.subject_label, "place": place} if place else ""


def of_order(event: AuditEvent, names: Names) -> str:
    """An order with its items and its amount."""
    words = {
        "order.created": _("Order %(what)s placed"),
        "order.succeeded": _("Order %(what)s paid and applied"),
    }[event.action]
    return _with(words % {"what": event.subject_label}, _items(event), amount(event, names))


def requested(event: AuditEvent, names: Names) -> str:
    """What is asked for."""
    if not isinstance(n := event.after.get("items"), int):
        return ""
    what = ngettext("Activation of %(n)s item requested", "Activation of %(n)s items requested", n)
    months = event.after.get("months")
    term = ngettext("%(n)s month", "%(n)s months", months) % {"n": months} if isinstance(months, int) else ""
    return _with(what % {"n": n}, term)


def agreed(event: AuditEvent, names: Names) -> str:
    """How many items renew by themselves from now on."""
    if not isinstance(n := event.after.get("items"), int):
        return ""
    return ngettext("Auto-renewal of %(n)s item agreed", "Auto-renewal of %(n)s items agreed", n) % {"n": n}


def paid_twice(event: AuditEvent, names: Names) -> str:
    """What was paid twice."""
    paid = amount(event, names, field="captured_minor")
    return _("%(amount)s was paid twice (%(what)s)") % {"amount": paid, "what": event.subject_label} if paid else ""


WHOLE: dict[str, Callable[[AuditEvent, Names], str]] = {
    "site.managers_set": managers_set,
    "site.technicians_set": technicians_set,
    "site.changed": switched,
    "apartment.changed": _of_apartment,
    "device.registered": registered,
    "device.removed": registered,
    "device.swapped": registered,
    "device.renamed": registered,
    "order.created": of_order,
    "order.succeeded": of_order,
    "request.made": requested,
    "agreement.made": agreed,
    "payment.surplus": paid_twice,
}


def amount(event: AuditEvent, names: Names, *, field: str = "total_minor") -> str:
    """The amount of an event, "" where it has none or the reader is shown none."""
    minor, currency = event.after.get(field), str(event.after.get("currency") or names.currency)
    return audit_words.amount(minor, currency) if names.shows_amounts and isinstance(minor, int) and currency else ""


def _items(event: AuditEvent) -> str:
    n = event.after.get("items")
    return ngettext("%(n)s item", "%(n)s items", n) % {"n": n} if isinstance(n, int) else ""


def _with(sentence: str, *details: str) -> str:
    told = ", ".join(detail for detail in details if detail)
    return _("%(sentence)s: %(details)s") % {"sentence": sentence, "details": told} if told else sentence


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
