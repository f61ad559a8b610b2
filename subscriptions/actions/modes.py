"""Whether an item renews by itself, written down with it (`Entitlement.mode`): the layers below can't ask agreements and cards.

`follow` is called by everything that makes, changes or ends an agreement, takes items out of one, notes a failed or paid try, and by
what hears that a card can or can't be charged any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from accounts.fences import Budget
from communities import expiries
from communities.models import Entitlement
from payments.models import PaymentMethod
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.renewing import mode_of

LATELY = timedelta(hours=1)


def gather_due(*, now: datetime, budget: Budget | None = None) -> int:
    """The job of the summary by day: fold what is fresh. Returns how many rows that were. What a card renews that was refused for good
    or removed within the last hour is looked at once more: whoever noted it may have died before it came to that, or an agreement with
    the card was made in that instant."""
    lately = Q(failed_at__gt=now - LATELY) | Q(removed_at__gt=now - LATELY)
    for method_id in PaymentMethod.objects.filter(lately).order_by("pk").values_list("pk", flat=True):
        follow_card(method_id)
    return expiries.fold(now=now, budget=budget)


def follow(agreement_ids: Iterable[int]) -> int:
    """Write how the items that these agreements have or had renew now. The caller holds the agreements; the items that differ are locked
    in the order of their ids. Returns how many those were; a statement where none differs."""
    items = SubscriptionItem.objects.filter(subscription__in=list(agreement_ids)).values("entitlement_id")
    differing = Entitlement.objects.filter(pk__in=items).annotate(should=mode_of()).exclude(mode=F("should"))
    ids = list(differing.order_by("pk").values_list("pk", "should"))
    if not ids:
        return 0
    locked = Entitlement.objects.filter(pk__in=[pk for pk, _mode in ids]).order_by("pk")
    list(locked.select_for_update(of=("self",), no_key=True).values_list("pk"))
    by_mode: dict[str, list[int]] = {}
    for pk, mode in ids:
        by_mode.setdefault(mode, []).append(pk)
    for mode, pks in by_mode.items():
        Entitlement.objects.filter(pk__in=pks).update(mode=mode)
    return len(ids)


@transaction.atomic
def follow_card(method_id: int) -> int:
    """The same for everything a stored card or account renews, after it became usable or unusable. Locks: agreement → entitlement."""
    agreements = Subscription.objects.filter(method=method_id, state=Subscription.State.ACTIVE).order_by("pk")
    ids = list(agreements.select_for_update(no_key=True).values_list("pk", flat=True))
    return follow(ids) if ids else 0
