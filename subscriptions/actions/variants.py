"""Applying the variant of a paid later period when that period begins."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery

from accounts.fences import Budget
from communities.models import Entitlement
from subscriptions.models import VariantChange

AT_ONCE = 1000


def turn_due(*, now: datetime, budget: Budget | None = None) -> int:
    """Apply the variants of periods that have begun, in batches. Returns how many changes there were."""
    turned = 0
    while budget is None or not budget.is_over:
        some = _turn_some(now)
        turned += some
        if some < AT_ONCE:
            break
    return turned


@transaction.atomic
def _turn_some(now: datetime) -> int:
    """Locks: entitlement. Several processes may run it at once: the second one finds the changes done."""
    due = VariantChange.objects.filter(at__lte=now)
    ids = sorted(set(due.order_by("at", "pk").values_list("entitlement_id", flat=True)[:AT_ONCE]))
    list(Entitlement.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    found = list(due.filter(entitlement_id__in=ids).order_by("at").values_list("pk", "entitlement_id", "variant"))
    newest = {entitlement_id: variant for _pk, entitlement_id, variant in found}
    of_variant: dict[str, list[int]] = {}
    for entitlement_id, variant in newest.items():
        of_variant.setdefault(variant, []).append(entitlement_id)
    VariantChange.objects.filter(pk__in=[pk for pk, _item, _variant in found]).delete()
    waiting = VariantChange.objects.filter(entitlement=OuterRef("pk")).order_by("at").values("at")[:1]
    for variant, items in of_variant.items():
        Entitlement.objects.filter(pk__in=items).update(paid_variant=variant, variant_until=Subquery(waiting))
    return len(found)
