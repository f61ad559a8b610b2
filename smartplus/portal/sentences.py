"""Audit rows as whole sentences: which apartment, which person, which service, how many items, what amount."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import Word
from accounts.models import AuditEvent
from communities import catalogue
from communities.actions import apartments, people, sites
from devices.actions import library, monitors, registration
from smartplus.portal import audit_values, vocabulary
from smartplus.portal.audit_values import Names
from subscriptions.actions import agreements, opening, requests, settlement
from subscriptions.audit import ORDER_SUCCEEDED

NAMED = 3  # changes that are spelled out; more are counted


def managers_set(event: AuditEvent, names: Names) -> str:
    """Who was chosen as manager, who was taken off, whose PM App was switched."""
    told = []
    for key in {**event.before, **event.after}:
        who = audit_values.person(key, names)
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
        _("technician %(who)s chosen") % {"who": audit_values.person(str(pk), names)} for pk in sorted(after - before)
    ]
    told += [
        _("technician %(who)s taken off") % {"who": audit_values.person(str(pk), names)}
        for pk in sorted(before - after)
    ]
    return listed(told)


def switched(event: AuditEvent, names: Names) -> str:
    """What of a site or an apartment was switched on or off, in the order of the services, and which other fields changed."""
    fields = {**event.before, **event.after}
    labels = {field: line.label for field, line in zip(fields, audit_values.lines(event, names), strict=True)}
    changed = [field for field in fields if field in event.before and field in event.after]
    told = []
    for field in sorted(changed, key=_place):  # PostgreSQL keeps the keys of JSON in an order of its own
        value = event.after[field]
        words = _("%(what)s changed")
        if isinstance(value, bool) and audit_values.is_switch(event, field):
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
        registration.DEVICE_REGISTERED.code: _("%(what)s registered in %(place)s"),
        monitors.DEVICE_REMOVED.code: _("%(what)s removed from %(place)s"),
        monitors.DEVICE_SWAPPED.code: _("%(what)s swapped in %(place)s"),
        monitors.DEVICE_RENAMED.code: _("Device in %(place)s renamed to %(what)s"),
    }[event.action]
    return words % {"what": event.subject_label, "place": place} if place else ""


def added(event: AuditEvent, names: Names) -> str:
    """How many MACs came into the library."""
    n = audit_values.size(event.after.get("macs", 0))
    words = ngettext("%(n)s MAC address added to the library", "%(n)s MAC addresses added to the library", n)
    return words % {"n": n}


def of_order(event: AuditEvent, names: Names) -> str:
    """An order with its items and its amount."""
    sentence = vocabulary.BY_CODE[event.action].of(event.subject_label)
    return _with(sentence, _items(event), amount(event, names))


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


# Words that say more with what the reader knows of the change.
WHOLE: dict[Word, Callable[[AuditEvent, Names], str]] = {
    people.MANAGERS_SET: managers_set,
    people.TECHNICIANS_SET: technicians_set,
    sites.SITE_CHANGED: switched,
    apartments.APARTMENT_CHANGED: _of_apartment,
    sites.SERVICE_LOST: _of_apartment,
    registration.DEVICE_REGISTERED: registered,
    monitors.DEVICE_REMOVED: registered,
    monitors.DEVICE_SWAPPED: registered,
    monitors.DEVICE_RENAMED: registered,
    library.LIBRARY_ADDED: added,
    opening.ORDER_CREATED: of_order,
    ORDER_SUCCEEDED: of_order,
    requests.REQUEST_MADE: requested,
    agreements.AGREEMENT_MADE: agreed,
    settlement.PAID_TWICE: paid_twice,
}


def amount(event: AuditEvent, names: Names, *, field: str = "total_minor") -> str:
    """The amount of an event, "" where it has none or the reader is shown none."""
    minor, currency = event.after.get(field), str(event.after.get("currency") or names.currency)
    return audit_values.amount(minor, currency) if names.shows_amounts and isinstance(minor, int) and currency else ""


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


def sentence(event: AuditEvent, names: Names) -> str:
    """What an audit row says happened, with who, where and how much as far as the reader may know; one of a word that nothing writes any
    more is named as it is."""
    word = vocabulary.BY_CODE.get(event.action)
    if word is None:
        return f"{vocabulary.label(event.action)}: {event.subject_label}"
    if (whole := WHOLE.get(word)) and (told := whole(event, names)):
        return told
    return word.of(event.subject_label)
