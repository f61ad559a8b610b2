"""Writing `Entitlement.mode`: whether an item renews by itself. Lower layers can't read auto-renewals and cards, so it is stored with the
item.

Called by everything that creates, changes or ends an auto-renewal, removes items from one, records a failed or paid try, or learns that a
card can or can't be charged any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.fences import Budget
from communities import expiries
from communities.models import Entitlement, Mode
from payments.models import usable_method
from subscriptions.models import AutoRenewal, AutoRenewalItem
from subscriptions.renewing import mode_of


def gather_due(*, now: datetime, budget: Budget | None = None) -> int:
    """The job of the summary by day: fold fresh rows. Returns how many there were. Before that it corrects items that still count as
    auto-renewed although their card can't be charged any more, because the process that recorded that of the card died."""
    for method_id in _stale():
        refresh_for_card(method_id)
    return expiries.fold(now=now, budget=budget)


def _stale() -> list[int]:
    """Cards that can't be charged while items still count as renewed by them; one statement."""
    automatic = AutoRenewalItem.objects.live().filter(auto_renewal=OuterRef("pk"), entitlement__mode=Mode.AUTO)
    running = AutoRenewal.objects.filter(~usable_method("method__"), state=AutoRenewal.State.ACTIVE)
    found = running.filter(Exists(automatic)).order_by("method_id")
    return list(found.values_list("method_id", flat=True).distinct())


def refresh(auto_renewal_ids: Iterable[int]) -> int:
    """Write the present mode of the items that these auto-renewals have or had. The caller holds the auto-renewals, and a card that it gave
    to one of them (`payment_actions.hold_method`): a transaction that changes that card waits, and then updates the modes. If any item
    differs, these and all that are renewed now are locked in the order of their ids, since the caller may go on to renew them. Returns how
    many; one statement where none differs."""
    items = AutoRenewalItem.objects.filter(auto_renewal__in=list(auto_renewal_ids))
    of_any = Entitlement.objects.filter(pk__in=items.values("entitlement_id"))
    differing = of_any.annotate(should=mode_of()).exclude(mode=F("should"))
    ids = list(differing.order_by("pk").values_list("pk", "should"))
    if not ids:
        return 0
    renewed = items.filter(is_live=True).values("entitlement_id")
    locked = Entitlement.objects.filter(Q(pk__in=[pk for pk, _mode in ids]) | Q(pk__in=renewed)).order_by("pk")
    list(locked.select_for_update(of=("self",), no_key=True).values_list("pk"))
    by_mode: dict[str, list[int]] = {}
    for pk, mode in ids:
        by_mode.setdefault(mode, []).append(pk)
    for mode, pks in by_mode.items():
        Entitlement.objects.filter(pk__in=pks).update(mode=mode)
    return len(ids)


@transaction.atomic
def refresh_for_card(method_id: int) -> int:
    """As `refresh`, for everything that a stored card or account renews, after it became usable or unusable. Locks: auto-renewal →
    entitlement."""
    auto_renewals = AutoRenewal.objects.filter(method=method_id, state=AutoRenewal.State.ACTIVE).order_by("pk")
    ids = list(auto_renewals.select_for_update(no_key=True).values_list("pk", flat=True))
    return refresh(ids) if ids else 0
