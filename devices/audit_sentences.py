"""How changes of devices and of the MAC library read."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit.sentences import Names, size
from accounts.models import AuditEvent


def placed(sentence: Promise) -> Callable[[AuditEvent, Names], str]:
    """Which device, and where; the sentence of the word stands where no place was written."""

    def tell(event: AuditEvent, names: Names) -> str:
        place = event.after.get("apartment") or event.after.get("place") or event.before.get("place")
        return str(sentence) % {"what": event.subject_label, "place": place} if place else ""

    return tell


def added(event: AuditEvent, names: Names) -> str:
    """How many MACs came into the library."""
    n = size(event, "macs")
    words = ngettext("%(n)s MAC address added to the library", "%(n)s MAC addresses added to the library", n)
    return words % {"n": n}


def how_many(event: AuditEvent, names: Names) -> str:
    """The same, for a narrow column."""
    n = size(event, "macs")
    return ngettext("%(n)s MAC", "%(n)s MACs", n) % {"n": n}


def time_stays(event: AuditEvent, names: Names) -> str:
    """What a swap does to what was paid for: nothing."""
    return _("Paid time stays")
