"""Taking single items out of an auto-renewal, and bringing them back while that is possible."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Organization
from accounts.scope import Actor
from communities.models import Entitlement, Site
from subscriptions import rights
from subscriptions.actions import auto_renewals, modes
from subscriptions.actions.auto_renewals import ACTIVE, ENDED
from subscriptions.models import AutoRenewal, AutoRenewalItem
from subscriptions.reasons import Reason

UNDO = timedelta(days=1)  # how long an auto-renewal that ended with its last item can go on
TAKEN_OUT = "taken_out"  # why an item left, and why an auto-renewal without items ended
ITEMS_TAKEN_OUT = audit.Word(
    "auto_renewal.items_taken_out",
    gettext_lazy("Items not renewed any more"),
    gettext_lazy("Items taken out of %(what)s by hand"),
    area=audit.Area.ORDERS,
)
ITEMS_BACK = audit.Word(
    "auto_renewal.items_back",
    gettext_lazy("Items renewed again"),
    gettext_lazy("Items brought back to %(what)s"),
    area=audit.Area.ORDERS,
)


@transaction.atomic
def take_out(actor: Actor, *, entitlement_ids: Collection[int], now: datetime) -> list[int]:
    """Renew these items no more; what is paid stays paid to its end. Who pays or is above the payer may (`rights.may_stop`). An auto-renewal
    without items ends. An order that is being charged now may still extend them once. Refuses items that nothing renews. Returns the rows that
    `bring_back` takes. Locks: sites → payers → auto-renewals → order → entitlements, in the order of ids."""
    if not rights.may_pay(actor):
        raise NotPermitted
    if entitlement_ids and not Entitlement.objects.visible_to(actor).filter(pk__in=list(entitlement_ids)).exists():
        raise Entitlement.DoesNotExist
    live = AutoRenewalItem.objects.visible_to(actor).live()
    found = live.filter(entitlement__in=list(entitlement_ids), auto_renewal__state=ACTIVE)
    _refuse_others(actor, found.values("auto_renewal_id"))
    _lock_above(found)
    locked = auto_renewals.lock(auto_renewals.sharing_orders(found.values_list("auto_renewal_id", flat=True)))
    active = [row.pk for row in locked if row.state == ACTIVE]
    ids = list(found.filter(auto_renewal__in=active).order_by("pk").values_list("pk", flat=True))
    if not ids:
        raise Refused(_("Nothing renews this by itself any more."))
    counts = _counts(ids)
    AutoRenewalItem.objects.filter(pk__in=ids).update(is_live=False, reason=TAKEN_OUT)
    for row in locked:
        if row.pk not in counts:
            continue
        audit.record(actor, ITEMS_TAKEN_OUT, row, now=now, tenant=row.payer, after={"items": counts[row.pk]})
        if not row.items.filter(is_live=True).exists():
            auto_renewals.close(row, ENDED, Reason(TAKEN_OUT), actor=actor, now=now)
    modes.refresh(counts)
    auto_renewals.reschedule(auto_renewals.lock(active), now=now)
    return ids


@transaction.atomic
def bring_back(actor: Actor, *, item_ids: Collection[int], now: datetime) -> int:
    """Renew items again that `take_out` took out: those that are on, in force, and in no other auto-renewal; one that had ended for that goes
    on within a day. Refuses where nothing can be brought back, and what another installer has now. Returns how many. Locks as `take_out`."""
    if not rights.may_pay(actor):
        raise NotPermitted
    seen = AutoRenewalItem.objects.visible_to(actor).filter(pk__in=list(item_ids))
    if not seen.exists():
        raise AutoRenewalItem.DoesNotExist
    # what was handed over to another installer since then is no matter of the old payer
    left = seen.filter(is_live=False, reason=TAKEN_OUT, entitlement__installer=F("auto_renewal__installer"))
    _refuse_others(actor, left.values("auto_renewal_id"))
    _lock_above(left)
    locked = auto_renewals.lock(left.values_list("auto_renewal_id", flat=True))
    usable = [row.pk for row in locked if _may_go_on(row, now)]
    running = Entitlement.objects.in_force(now).wanted()
    elsewhere = AutoRenewalItem.objects.live().values("entitlement_id")
    back = left.filter(auto_renewal__in=usable, entitlement__in=running).exclude(entitlement__in=elsewhere)
    ids = list(back.order_by("pk").values_list("pk", flat=True))
    if not ids:
        raise Refused(_("It can’t be renewed by itself again: it is off, has lapsed, or something else renews it."))
    counts = _counts(ids)
    AutoRenewalItem.objects.filter(pk__in=ids).update(is_live=True, reason="")
    AutoRenewal.objects.filter(pk__in=counts, state=ENDED).update(
        state=ACTIVE, reason="", reason_detail={}, ended_at=None, next_due_at=now
    )
    rows, states = auto_renewals.lock(counts), {row.pk: row.state for row in locked}
    for row in rows:
        after = {"state": row.state, "items": counts[row.pk]}
        audit.record(actor, ITEMS_BACK, row, now=now, tenant=row.payer, before={"state": states[row.pk]}, after=after)
    modes.refresh(counts)
    auto_renewals.reschedule(rows, now=now)
    return len(ids)


def _may_go_on(row: AutoRenewal, now: datetime) -> bool:
    """Whether it renews, or ended a short time ago for that its items were taken out."""
    if row.state == ACTIVE:
        return True
    is_fresh = row.ended_at is not None and now - row.ended_at <= UNDO
    return (
        row.state == ENDED and row.reason == TAKEN_OUT and is_fresh and rights.may_still_pay(row.payer, row.installer)
    )


def _refuse_others(actor: Actor, ids: QuerySet[Any, Any]) -> None:
    for row in AutoRenewal.objects.filter(pk__in=ids).select_related("payer"):
        if not rights.may_stop(actor, row):
            raise NotPermitted(_("Whoever pays stops it."))


def _lock_above(items: QuerySet[AutoRenewalItem]) -> None:
    """Lock the sites and payers of items, in the order of ids."""
    rows = AutoRenewalItem.objects.filter(pk__in=items.values("pk"))
    sites = Site.every.filter(pk__in=rows.values("site_id")).order_by("pk")
    list(sites.select_for_update(of=("self",), no_key=True).values_list("pk"))
    payers = Organization.objects.filter(pk__in=rows.values("auto_renewal__payer_id")).order_by("pk")
    list(payers.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _counts(ids: Iterable[int]) -> dict[int, int]:
    """How many of these items each auto-renewal has."""
    found: dict[int, int] = {}
    for pk in AutoRenewalItem.objects.filter(pk__in=ids).values_list("auto_renewal_id", flat=True):
        found[pk] = found.get(pk, 0) + 1
    return found
