"""Items of empty apartments: suspended in their auto-renewal, and resumed when a household moves in (R33, R46)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit, fences
from accounts.fences import Budget
from communities.models import Entitlement, Site
from subscriptions import notices
from subscriptions.actions import auto_renewals, modes
from subscriptions.actions.auto_renewals import RENEWALS
from subscriptions.models import AutoRenewal, AutoRenewalItem

JOB = "vacancies"
ITEMS_SUSPENDED = audit.Word(
    "auto_renewal.items_suspended",
    _("Items of an auto-renewal suspended"),
    _("Items of %(what)s suspended, since nobody lives there"),
    area=audit.Area.ORDERS,
)
ITEMS_RESUMED = audit.Word(
    "auto_renewal.items_resumed",
    _("Items of an auto-renewal resumed"),
    _("Items of %(what)s resumed, since somebody moved in"),
    area=audit.Area.ORDERS,
)


def follow(locked: Sequence[AutoRenewal], *, now: datetime) -> None:
    """Suspend the items of apartments that nobody lives in, and resume those that are wanted again. The caller holds the sites and these
    auto-renewals, and reschedules them. A suspension is mailed to the payer."""
    items = AutoRenewalItem.objects.filter(auto_renewal__in=locked)
    vacant = Entitlement.objects.filter(auto_renewal_items__in=items.renewing()).in_force(now).vacant()
    left = list(items.renewing().filter(entitlement__in=vacant).values_list("pk", flat=True))
    AutoRenewalItem.objects.filter(pk__in=left).update(suspended_at=now, reason="no_household")
    back = list(_back(items).values_list("pk", flat=True))
    AutoRenewalItem.objects.filter(pk__in=back).update(suspended_at=None, reason="")
    if not left and not back:
        return
    modes.refresh(row.pk for row in locked)
    for auto_renewal in locked:
        for word, pks in ((ITEMS_SUSPENDED, left), (ITEMS_RESUMED, back)):
            if count := auto_renewal.items.filter(pk__in=pks).count():
                after = {"items": count}
                audit.record(RENEWALS, word, auto_renewal, now=now, tenant=auto_renewal.payer, after=after)
        if count := auto_renewal.items.filter(pk__in=left).count():
            notices.items_suspended(auto_renewal, items=count, now=now)


def _back(items: QuerySet[AutoRenewalItem]) -> QuerySet[AutoRenewalItem]:
    """Suspended items that are wanted again."""
    return items.filter(is_live=True, suspended_at__isnull=False).exclude(entitlement__variant="")


def resume_due(*, now: datetime, budget: Budget | None = None, limit: int = 200) -> int:
    """Resume what is suspended where a household has moved in. Returns how many auto-renewals that concerned. Each is fenced; running it again
    changes nothing. Suspending needs no job: it is done before each charge."""
    active = AutoRenewal.objects.filter(state=AutoRenewal.State.ACTIVE)
    waiting = active.filter(pk__in=_back(AutoRenewalItem.objects.all()).values("auto_renewal_id"))
    ids = fences.due(JOB, waiting, by=("pk",), now=now, limit=limit)
    return fences.each(JOB, ids, lambda pk: resume(pk, now=now), now=now, budget=budget or Budget(), key=lambda pk: pk)


@transaction.atomic
def resume(auto_renewal_id: int, *, now: datetime) -> int:
    """Let the items of one auto-renewal follow its apartments. Locks: site → auto-renewal → order → entitlement."""
    items = AutoRenewalItem.objects.live().filter(auto_renewal=auto_renewal_id)
    sites = Site.objects.filter(pk__in=items.values("site_id")).order_by("pk")
    list(sites.select_for_update(no_key=True).values_list("pk"))
    locked = [row for row in auto_renewals.lock([auto_renewal_id]) if row.state == AutoRenewal.State.ACTIVE]
    follow(locked, now=now)
    auto_renewals.reschedule(locked, now=now)
    return len(locked)
