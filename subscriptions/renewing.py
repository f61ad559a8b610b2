"""What says whether an item renews by itself: its agreement runs, has a method that can be charged, and its last try did not fail."""

from __future__ import annotations

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from communities.models import Mode
from payments.models import usable_method
from subscriptions.models import Subscription, SubscriptionItem


def sound() -> QuerySet[SubscriptionItem]:
    """Items under an agreement that renews them without anybody doing anything."""
    runs = Q(subscription__state=Subscription.State.ACTIVE, subscription__tries=0)
    return SubscriptionItem.objects.live().filter(runs, usable_method("subscription__method__"))


def mode_of() -> Case:
    """`Entitlement.mode` as it should be, for queries over entitlements."""
    of_item = {"entitlement": OuterRef("pk")}
    live = SubscriptionItem.objects.live().filter(subscription__state=Subscription.State.ACTIVE, **of_item)
    return Case(
        When(Exists(sound().filter(**of_item)), then=Value(Mode.AUTO.value)),
        When(Exists(live), then=Value(Mode.FAIL.value)),
        default=Value(Mode.MANUAL.value),
        output_field=CharField(),
    )
