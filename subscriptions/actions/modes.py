"""Whether an item renews by itself, written down with it (`Entitlement.mode`): the layers below can't ask auto-renewals and cards.

`follow` is called by everything that makes, changes or ends an auto-renewal, takes items out of one, notes a failed or paid try, and by
what hears that a card can or can't be charged any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from accounts.fences import Budget
from communities import expiries
from communities.models import Entitlement, Mode
from payments.models import usable_method
from subscriptions.models import AutoRenewal, AutoRenewalItem
from subscriptions.renewing import mode_of


def gather_due(*, now: datetime, budget: Budget | None = None) -> int:
    """The job of the summary by day: fold what is fresh. Returns how many rows that were. What still counts as renewed by itself although
    its card can't be charged any more is followed before: whoever noted that of the card died before it came to it."""
    for method_id in _stale():
        refresh_for_card(method_id)
    return expiries.fold(now=now, budget=budget)


def _stale() -> list[int]:
    """The cards that can't be charged and still renew something; one statement."""
    automatic = AutoRenewalItem.objects.live().filter(auto_renewal=OuterRef("pk"), entitlement__mode=Mode.AUTO)
    running = AutoRenewal.objects.filter(~usable_method("method__"), state=AutoRenewal.State.ACTIVE)
    found = running.filter(Exists(automatic)).order_by("method_id")
    return list(found.values_list("method_id", flat=True).distinct())


def refresh(auto_renewal_ids: Iterable[int]) -> int:
    """Write how the items that these auto-renewals have or had renew now. The caller holds the auto-renewals, and a card that it gave to one of
    them (`payment_actions.hold_method`): whoever changes that card waits, and then follows it. The items that differ are locked in the order
    of their ids. Returns how many those were; a statement where none differs."""
    items = AutoRenewalItem.objects.filter(auto_renewal__in=list(auto_renewal_ids)).values("entitlement_id")
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
def refresh_for_card(method_id: int) -> int:
    """The same for everything a stored card or account renews, after it became usable or unusable. Locks: auto-renewal → entitlement."""
    auto_renewals = AutoRenewal.objects.filter(method=method_id, state=AutoRenewal.State.ACTIVE).order_by("pk")
    ids = list(auto_renewals.select_for_update(no_key=True).values_list("pk", flat=True))
    return refresh(ids) if ids else 0
