"""Auto-renewals that need an action by a person: which they are, and how many."""

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
    """How many auto-renewals are active, how many of them have a card that can't be charged, and how many were suspended lately."""

    active: int
    unchargeable: int
    stopped: int

    @property
    def at_risk(self) -> int:
        """How many need an action."""
        return self.unchargeable + self.stopped


def ranked(rows: QuerySet[AutoRenewal], *, now: datetime) -> QuerySet[AutoRenewal]:
    """Auto-renewals with `rank` and `due`: first those that need an action (last charge failed, card can't be charged, suspended within the last
    30 days, since what was suspended earlier has lapsed or was renewed by hand), then active ones, then ended ones."""
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
    """The numbers of auto-renewals that the actor sees; one statement."""
    active, at_risk = Q(state=AutoRenewal.State.ACTIVE), Q(rank=AT_RISK)
    return AutoRenewals(
        **ranked(AutoRenewal.objects.visible_to(actor), now=now).aggregate(
            active=Count("pk", filter=active),
            unchargeable=Count("pk", filter=active & at_risk),
            stopped=Count("pk", filter=~active & at_risk),
        )
    )
