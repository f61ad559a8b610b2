"""Every audit word by its code, from the tables of all apps: the sentence of a row, and the rows that a filter finds."""

from __future__ import annotations

from django.db.models import Q

import smartplus.audit
from accounts.actions import vocabulary as of_accounts
from accounts.audit import Area, Word
from accounts.audit.sentences import Names
from accounts.models import AuditEvent
from communities.actions import vocabulary as of_communities
from devices.actions import vocabulary as of_devices
from payments.actions import vocabulary as of_payments
from subscriptions.actions import vocabulary as of_subscriptions

WORDS: tuple[Word, ...] = (
    *of_accounts.WORDS,
    *of_communities.WORDS,
    *of_devices.WORDS,
    *of_payments.WORDS,
    *of_subscriptions.WORDS,
    *smartplus.audit.WORDS,
)
BY_CODE: dict[str, Word] = {word.code: word for word in WORDS}
_WRITTEN = BY_CODE | of_subscriptions.FORMER  # every code that a row may have
SAVES = Q(action__in=[code for code, word in _WRITTEN.items() if word.saves])  # codes after which a form is outdated


def in_area(area: Area) -> Q:
    """The condition for rows of one area."""
    return Q(action__in=[code for code, word in _WRITTEN.items() if word.area == area])


def sentence(event: AuditEvent, names: Names) -> str:
    """The sentence of an audit row, as far as the reader may know it."""
    word = _WRITTEN.get(event.action)
    return word.tell(event, names) if word else f"{label(event.action)}: {event.subject_label}"


def label(code: str) -> str:
    """The label of a code; a code that nothing writes any more is shown as it is."""
    return str(_WRITTEN[code].label) if code in _WRITTEN else code.replace(".", " ").replace("_", " ").capitalize()
