"""Auto-renewals that need somebody: which they are, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from accounts.scope import Actor
from payments.models import usable_method
from subscriptions.models import AutoRenewal
from subscriptions.periods import CYCLE

AT_RISK, RUNNING, OVER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class AutoRenewals:
    """Auto-renewals: how many run, how many of them with a card that can't be charged, how many a problem stopped lately."""

    active: int
    unchargeable: int
    stopped: int

    @property
    def at_risk(self) -> int:
        """How many need somebody."""
        return self.unchargeable + self.stopped


def ranked(rows: QuerySet[AutoRenewal], *, now: datetime) -> QuerySet[AutoRenewal]:
    """Auto-renewals with `rank` and `due`: what needs somebody first (the last charge failed, the card can't be charged, or a problem
    stopped it lately), then what runs, then what is over. "Lately" is the last 30 days: what stopped earlier has lapsed or was renewed."""
    active = Q(state=AutoRenewal.State.ACTIVE)
    stopped = Q(state=AutoRenewal.State.SUSPENDED, ended_at__gt=now - CYCLE)
    chargeable = Q(usable_method("method__"), tries=0)
    return rows.annotate(
        rank=Case(
            When(active & chargeable, then=Value(RUNNING)),
            When(active | stopped, then=Value(AT_RISK)),
            default=Value(OVER),
            output_field=IntegerField(),
        ),
        due=Coalesce("next_due_at", "ended_at", "created_at"),
    )


def auto_renewals(actor: Actor, *, now: datetime) -> AutoRenewals:
    """The auto-renewals one sees; one statement."""
    active, at_risk = Q(state=AutoRenewal.State.ACTIVE), Q(rank=AT_RISK)
    return AutoRenewals(
        **ranked(AutoRenewal.objects.visible_to(actor), now=now).aggregate(
            active=Count("pk", filter=active),
            unchargeable=Count("pk", filter=active & at_risk),
            stopped=Count("pk", filter=~active & at_risk),
        )
    )
