"""Sentences for changes of devices and of the MAC library."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit.sentences import Names, size
from accounts.models import AuditEvent
from communities import audit_sentences as of_communities


def placed(sentence: Promise) -> Callable[[AuditEvent, Names], str]:
    """Add the device and its place to a sentence; without a stored place the word's own sentence is used."""

    def tell(event: AuditEvent, names: Names) -> str:
        place = event.after.get("apartment") or event.after.get("place") or event.before.get("place")
        return str(sentence) % {"what": event.subject_label, "place": place} if place else ""

    return tell


def added(event: AuditEvent, names: Names) -> str:
    """How many MACs were added to the library."""
    n = size(event, "macs")
    words = ngettext("%(n)s MAC address added to the library", "%(n)s MAC addresses added to the library", n)
    return words % {"n": n}


def how_many(event: AuditEvent, names: Names) -> str:
    """As `added`, for a narrow column."""
    n = size(event, "macs")
    return ngettext("%(n)s MAC", "%(n)s MACs", n) % {"n": n}


def time_stays(event: AuditEvent, names: Names) -> str:
    """Says that paid time stays after a swap."""
    return _("Paid time stays")


def bulk_applied(event: AuditEvent, names: Names) -> str:
    """What was set, and in how many apartments."""
    n = size(event, "count")
    words = ngettext("%(what)s in %(n)s apartment", "%(what)s in %(n)s apartments", n)
    return words % {"what": of_communities.set_to(event), "n": n}


def imported(event: AuditEvent, names: Names) -> str:
    """How many rows of which file were imported."""
    n = size(event, "count")
    words = ngettext("%(n)s row of %(file)s imported", "%(n)s rows of %(file)s imported", n)
    return words % {"n": n, "file": event.after.get("file", "")}


def bulk_undone(event: AuditEvent, names: Names) -> str:
    """In how many apartments which bulk change was taken back; older rows do not say which."""
    n, undone = size(event, "count"), event.after.get("undoes")
    if not undone:
        words = ngettext("Bulk change taken back in %(n)s apartment", "Bulk change taken back in %(n)s apartments", n)
        return words % {"n": n}
    words = ngettext(
        "Bulk change %(change)s taken back in %(n)s apartment",
        "Bulk change %(change)s taken back in %(n)s apartments",
        n,
    )
    return words % {"n": n, "change": undone}


def sheet_applied(event: AuditEvent, names: Names) -> str:
    """In how many apartments of a sheet something changed, and how many were added."""
    n, added = size(event, "count"), size(event, "added")
    parts = []
    if n:
        parts.append(ngettext("%(n)s apartment changed", "%(n)s apartments changed", n) % {"n": n})
    if added:
        parts.append(ngettext("%(n)s apartment added", "%(n)s apartments added", added) % {"n": added})
    return _("Sheet of %(site)s: %(what)s") % {"site": event.subject_label, "what": ", ".join(parts)} if parts else ""
