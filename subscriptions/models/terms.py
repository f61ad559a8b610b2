"""A term as columns: for an order the chosen term, for a line the bought one."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from subscriptions import periods
from subscriptions.periods import MAX_MONTHS, Term


class TermKind(models.TextChoices):
    """The classes of `periods`, by name; "" in the column where nothing has a duration, as for credits."""

    MONTHS = "months", _("Months")
    CYCLES = "cycles", _("30 days")
    UNTIL = "until", _("Until a date")
    REST = "rest", _("Rest of the paid time")


class Termed(models.Model):
    """A row with a term. Invariant: a count only with months and cycles, a day only with a date."""

    term_kind = models.CharField(max_length=8, blank=True, choices=TermKind.choices)
    term_count = models.PositiveSmallIntegerField(default=0)
    term_day = models.DateField(null=True)

    class Meta:
        abstract = True

    @property
    def term(self) -> Term | None:
        """The bought term; None where nothing has a duration."""
        return periods.term_of(self.term_kind, self.term_count, self.term_day)


def columns_of(term: Term | None) -> dict[str, Any]:
    """The columns of a `Termed` row for a term."""
    return dict(zip(("term_kind", "term_count", "term_day"), periods.stored(term), strict=True))


def term_is_one(name: str) -> models.CheckConstraint:
    """Constraint: the columns are those of one term, or of none."""
    counted = Q(term_day=None, term_count__gt=0)
    return models.CheckConstraint(
        condition=Q(counted, term_kind="months", term_count__lte=MAX_MONTHS)
        | Q(counted, term_kind="cycles")
        | Q(term_kind="until", term_count=0, term_day__isnull=False)
        | Q(term_kind__in=["rest", ""], term_count=0, term_day=None),
        name=name,
    )
