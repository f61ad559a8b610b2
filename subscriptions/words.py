"""Terms in words, for pages, mail and gateways."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.typed import days
from subscriptions.periods import Cycles, Months, Term, Until


def of_term(term: Term | None) -> str:
    """The length of a term in words; "" without a duration."""
    if isinstance(term, Months):
        return ngettext("%(n)s month", "%(n)s months", term.count) % {"n": term.count}
    if isinstance(term, Cycles):
        return _("30 days") if term.count == 1 else _("%(n)s × 30 days") % {"n": term.count}
    if isinstance(term, Until):
        return _("until %(day)s") % {"day": days.day_words(term.day, days.language())}
    return _("the rest of the paid time") if term else ""
