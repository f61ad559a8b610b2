"""When an item renews by itself: its auto-renewal is active, has a method that can be charged, and its last try did not fail."""

from __future__ import annotations

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from communities.models import Mode
from payments.models import usable_method
from subscriptions.models import AutoRenewal, AutoRenewalItem


def sound() -> QuerySet[AutoRenewalItem]:
    """Items in an auto-renewal that works without an action by a person."""
    runs = Q(auto_renewal__state=AutoRenewal.State.ACTIVE, auto_renewal__tries=0)
    return AutoRenewalItem.objects.renewing().filter(runs, usable_method("auto_renewal__method__"))


def mode_of() -> Case:
    """The right value of `Entitlement.mode`, for queries of entitlements."""
    of_item = {"entitlement": OuterRef("pk")}
    live = AutoRenewalItem.objects.renewing().filter(auto_renewal__state=AutoRenewal.State.ACTIVE, **of_item)
    return Case(
        When(Exists(sound().filter(**of_item)), then=Value(Mode.AUTO.value)),
        When(Exists(live), then=Value(Mode.FAIL.value)),
        default=Value(Mode.MANUAL.value),
        output_field=CharField(),
    )
