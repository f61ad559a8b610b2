"""Auto-renewals: created by a paid order, rescheduled when an expiry moves, stopped by people or by a problem."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted
from accounts.scope import Actor
from communities.models import Entitlement, Site
from payments.models import LIVE, Payment, PaymentMethod
from subscriptions import audit_sentences, notices, rights
from subscriptions.actions import modes, transitions
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order
from subscriptions.reasons import Reason

log = logging.getLogger("smartplus.renewals")

LEAD = timedelta(days=3)  # the first try is early, so that a failure can be repaired before anything ends
RETRY_SCHEDULE = (
    LEAD,
    timedelta(days=2),
    timedelta(days=1),
    timedelta(0),
    -timedelta(days=3),
    -timedelta(days=6),
)  # before the expiry
RENEWALS = Actor.system("renewals")
ACTIVE, SUSPENDED, ENDED = AutoRenewal.State.ACTIVE, AutoRenewal.State.SUSPENDED, AutoRenewal.State.ENDED
AUTO_RENEWAL_MADE = audit.Word(
    "auto_renewal.made",
    gettext_lazy("Auto-renewal set up"),
    gettext_lazy("%(what)s set up"),
    area=audit.Area.ORDERS,
    tells=audit_sentences.agreed,
)
AUTO_RENEWAL_SUSPENDED = audit.Word(
    "auto_renewal.suspended",
    gettext_lazy("Auto-renewal stopped by a problem"),
    gettext_lazy("%(what)s stopped by a problem"),
    area=audit.Area.ORDERS,
)
AUTO_RENEWAL_ENDED = audit.Word(
    "auto_renewal.ended", gettext_lazy("Auto-renewal ended"), gettext_lazy("%(what)s ended"), area=audit.Area.ORDERS
)
ITEMS_LEFT = audit.Word(
    "auto_renewal.items_left",
    gettext_lazy("Items taken out of an auto-renewal"),
    gettext_lazy("Items taken out of %(what)s"),
    area=audit.Area.ORDERS,
)
CLOSED: dict[str, audit.Word] = {SUSPENDED: AUTO_RENEWAL_SUSPENDED, ENDED: AUTO_RENEWAL_ENDED}


def create_auto_renewal(order: Order, method: PaymentMethod, *, now: datetime) -> AutoRenewal | None:
    """Create the auto-renewal of what `order` activated, with the card it was paid with. Once per order; the caller holds its locks.

    Items under another active auto-renewal stay there, and so do those of a site that was handed over meanwhile. None when no item is left.
    """
    existing = AutoRenewal.objects.filter(order=order).first()
    if existing is not None:
        return existing
    taken = AutoRenewalItem.objects.live().filter(entitlement__lines__order=order).values("entitlement_id")
    # An item may be both upgraded and renewed
    ordered = order.lines.filter(entitlement__isnull=False).values("entitlement_id")
    mine = Entitlement.objects.filter(pk__in=ordered, installer=order.installer_id)
    entitlements = list(mine.exclude(pk__in=taken).order_by("pk"))
    first = min((row.expires_at for row in entitlements if row.expires_at), default=None)
    if first is None:
        return None
    auto_renewal = AutoRenewal.objects.create(
        payer_id=order.payer_id,
        installer_id=order.installer_id,
        distributor_id=order.distributor_id,
        method=method,
        currency=order.currency,
        order=order,
        site_kind=order.site_kind,
        terms_version=order.terms_version,
        renewals_wanted=order.renewals_wanted,
        renewals_left=order.renewals_wanted,
        next_due_at=first - LEAD,
        created_by_id=order.created_by_id,
        created_at=now,
    )
    AutoRenewalItem.objects.bulk_create(_item(auto_renewal, row) for row in entitlements)
    modes.refresh([auto_renewal.pk])
    transitions.log_event(order, "auto_renewal", now=now, method=method.named)
    after = {"order": order.number, "items": len(entitlements), "renewals": order.renewals_wanted}
    audit.record(RENEWALS, AUTO_RENEWAL_MADE, auto_renewal, now=now, tenant=order.payer, after=after)
    return auto_renewal


def _item(auto_renewal: AutoRenewal, row: Entitlement) -> AutoRenewalItem:
    return AutoRenewalItem(
        auto_renewal=auto_renewal,
        entitlement=row,
        site_id=row.site_id,
        distributor_id=row.distributor_id,
        subdistributor_id=row.subdistributor_id,
        installer_id=row.installer_id,
    )


def of_order(order: Order) -> list[int]:
    """The active auto-renewals that an order changes: those it renews, or those that contain its items."""
    if order.type == Order.Type.AUTO_RENEWAL:
        return list(order.renews.filter(state=ACTIVE).order_by("pk").values_list("pk", flat=True))
    items = AutoRenewalItem.objects.live().filter(entitlement__lines__order=order)
    return sorted(set(items.values_list("auto_renewal_id", flat=True)))


def sharing_orders(auto_renewal_ids: Iterable[int]) -> list[int]:
    """These auto-renewals and those that share an open order with them: a payment or failure of the order concerns all of them."""
    ids = list(auto_renewal_ids)
    shared = list(Order.objects.filter(renews__in=ids, state=Order.State.PROCESSING).values_list("pk", flat=True))
    with_them = AutoRenewal.objects.filter(renewal__in=shared, state=ACTIVE).values_list("pk", flat=True)
    return sorted({*ids, *with_them})


def changed_by(order: Order, locked: Iterable[AutoRenewal]) -> list[AutoRenewal]:
    """As `of_order`, from auto-renewals that were locked for the order."""
    if order.type != Order.Type.AUTO_RENEWAL:
        return list(locked)
    return [row for row in locked if row.renewal_id == order.pk and row.state == ACTIVE]


def lock(chosen: Iterable[int] | Q) -> list[AutoRenewal]:
    """Lock auto-renewals in the order of their ids."""
    chosen = chosen if isinstance(chosen, Q) else Q(pk__in=list(chosen))
    return list(AutoRenewal.objects.filter(chosen).order_by("pk").select_for_update(no_key=True))


def retry_times(first: datetime, *, after: datetime) -> list[datetime]:
    """The remaining tries of the retry schedule for what ends at `first`."""
    return [first - before for before in RETRY_SCHEDULE if first - before > after]


def first_end(order: Order) -> tuple[datetime, datetime, str]:
    """The earliest end that an auto-renewal order extends (its retry schedule counts from there), the end of its grace, and the time zone
    of its site."""
    rows = order.lines.order_by("starts_at", "pk")
    ends, works_until, zone = rows.values_list("starts_at", "entitlement__works_until", "site__time_zone")[0]
    assert ends is not None and zone is not None  # order_line_kind_has_target
    return ends, works_until or ends, zone


def worked_until(auto_renewal: AutoRenewal, items: Iterable[int]) -> tuple[datetime | None, str]:
    """The last end of grace of some items of an auto-renewal, and the time zone of its site."""
    rows = auto_renewal.items.filter(pk__in=items, entitlement__works_until__isnull=False)
    rows = rows.order_by("-entitlement__works_until", "pk")
    return rows.values_list("entitlement__works_until", "site__time_zone").first() or (None, "UTC")


def reschedule(auto_renewals: Iterable[AutoRenewal], *, now: datetime) -> None:
    """Write when each (locked) auto-renewal is due next: the next try of its open order, otherwise its earliest expiry less the lead.

    While the order is being charged, that is the try after, in case the result of the charge is never reported. Suspended items are looked at
    again when they lapse. An auto-renewal without items ends.
    """
    for auto_renewal in auto_renewals:
        if auto_renewal.state != ACTIVE:
            continue
        ends = _ends(auto_renewal)
        first, lapses = ends["first"], ends["lapses"]
        if first is None and lapses is None:
            close(auto_renewal, ENDED, Reason("nothing_left"), actor=RENEWALS, now=now)
            continue
        order = Order.objects.filter(pk=auto_renewal.renewal_id or 0, state=Order.State.PROCESSING).first()
        if order is not None and order.next_try_at is not None:
            auto_renewal.next_due_at = order.next_try_at
        elif first is not None and (order is not None or auto_renewal.tries):
            auto_renewal.next_due_at = next(iter(retry_times(first, after=now)), max(now, ends["grace"] or first))
        else:
            auto_renewal.next_due_at = min(at for at in (first and first - LEAD, lapses) if at is not None)
        auto_renewal.save(update_fields=["next_due_at"])


def _ends(auto_renewal: AutoRenewal) -> dict[str, datetime | None]:
    """The `first` expiry of what is charged and the end of its `grace`, and when the first suspended item `lapses`."""
    charged, suspended = Q(suspended_at=None), Q(suspended_at__isnull=False)
    return auto_renewal.items.filter(is_live=True).aggregate(
        first=Min("entitlement__expires_at", filter=charged),
        grace=Min("entitlement__works_until", filter=charged),
        lapses=Min("entitlement__works_until", filter=suspended),
    )


def record_success(order: Order, auto_renewals: Iterable[AutoRenewal], *, now: datetime) -> None:
    """Record that an auto-renewal was paid: count the cycle, clear earlier failures, set the next date; end it after its last cycle (R43)."""
    auto_renewals = list(auto_renewals)
    changing = [row.pk for row in auto_renewals if row.tries or row.renewals_left is not None]
    for auto_renewal in auto_renewals:
        auto_renewal.tries, auto_renewal.reason, auto_renewal.reason_detail, auto_renewal.renewal = 0, "", {}, order
        if auto_renewal.renewals_left is not None:
            auto_renewal.renewals_left = _cycles_left(auto_renewal)
        auto_renewal.save(update_fields=["tries", "reason", "reason_detail", "renewals_left", "renewal"])
        if auto_renewal.renewals_left == 0:
            close(auto_renewal, ENDED, Reason("cycles_done"), actor=RENEWALS, now=now)
    if changing:
        modes.refresh(changing)
    reschedule(auto_renewals, now=now)


def _cycles_left(auto_renewal: AutoRenewal) -> int:
    """The cycles that remain for some item; an item that has had all of its cycles leaves. Items in two time zones are due hours apart."""
    automatic = Q(
        entitlement__periods__line__order__type=Order.Type.AUTO_RENEWAL,
        entitlement__periods__line__order__created_at__gte=auto_renewal.created_at,
    )
    rows = auto_renewal.items.filter(is_live=True).annotate(done=Count("entitlement__periods", filter=automatic))
    left = {pk: (auto_renewal.renewals_wanted or 0) - done for pk, done in rows.values_list("pk", "done")}
    if most := max([0, *left.values()]):
        through = auto_renewal.items.filter(pk__in=[pk for pk, n in left.items() if n <= 0])
        through.update(is_live=False, reason="cycles_done")
    return most


def record_failure(order: Order, payment: Payment, *, actor: Actor, now: datetime) -> None:
    """Record that a try was declined (R44). The order waits for the next day of the retry schedule; it fails after the last one, or when
    the bank refused for good.

    The caller holds the locks of the order and its auto-renewals. If another card was chosen meanwhile, it is tried at once. An order whose
    auto-renewals were all stopped while it was being charged is cancelled.
    """
    reason = Reason(payment.decline_code or "not_charged")
    auto_renewals = lock(of_order(order))
    if not auto_renewals:
        transitions.close(order, Order.State.CANCELLED, now=now, actor=actor, reason=reason.stored())
        return
    first, works_until, zone = first_end(order)
    later = retry_times(first, after=now)
    is_final = payment.is_hard_decline or not later
    if auto_renewals[0].method_id != payment.method_id:  # the next try charges another card
        later, is_final = [now], False
    for auto_renewal in auto_renewals:
        auto_renewal.tries += 1
        auto_renewal.reason, auto_renewal.reason_detail = reason.code, dict(reason.detail)
        auto_renewal.save(update_fields=["tries", "reason", "reason_detail"])
        log.warning("auto-renewal %s failed with order %s", auto_renewal.pk, order.number)
    if is_final:
        for auto_renewal in auto_renewals:
            close(auto_renewal, SUSPENDED, reason, actor=RENEWALS, now=now, order=order)
        return
    modes.refresh(row.pk for row in auto_renewals)
    order.next_try_at = later[0]
    order.save(update_fields=["next_try_at"])
    transitions.log_event(order, "declined", now=now, reason=reason.stored())
    reschedule(auto_renewals, now=now)
    notices.renewal_failed(order, payment, reason=reason, next_at=later[0], works_until=works_until, zone=zone, now=now)


def close(
    auto_renewal: AutoRenewal, state: str, reason: Reason, *, actor: Actor, now: datetime, order: Order | None = None
) -> None:
    """Suspend or end a locked auto-renewal and release its items; paid time stays. A suspension is always mailed (R44).

    Its open order is closed too, unless it is being charged now: then the result of the charge decides. `order` is the one whose charge
    failed, if that is the reason.
    """
    before = auto_renewal.state
    auto_renewal.state, auto_renewal.reason, auto_renewal.reason_detail = state, reason.code, dict(reason.detail)
    auto_renewal.ended_at = now
    auto_renewal.next_due_at = auto_renewal.claimed_until = None
    auto_renewal.version += 1
    auto_renewal.save(
        update_fields=["state", "reason", "reason_detail", "ended_at", "next_due_at", "claimed_until", "version"]
    )
    auto_renewal.items.filter(is_live=True).update(is_live=False, reason=reason.code)
    audit.record(
        actor,
        CLOSED[state],
        auto_renewal,
        now=now,
        tenant=auto_renewal.payer,
        before={"state": before},
        after={"state": state, "reason": reason.stored()},
    )
    _close_order(auto_renewal, reason, actor=actor, now=now)
    modes.refresh([auto_renewal.pk])
    if state == SUSPENDED:
        notices.renewal_suspended(auto_renewal, order=order, reason=reason, now=now)


def _close_order(auto_renewal: AutoRenewal, reason: Reason, *, actor: Actor, now: datetime) -> None:
    """Close the open order of a closed auto-renewal; other auto-renewals in it get a new order on the next day of the retry schedule."""
    orders = Order.objects.select_for_update(of=("self",), no_key=True).select_related("payer")
    order = orders.filter(pk=auto_renewal.renewal_id or 0, state=Order.State.PROCESSING).first()
    if order is None or Payment.objects.of_order(order.number).filter(state__in=LIVE).exists():
        return
    state = Order.State.FAILED if auto_renewal.state == SUSPENDED else Order.State.CANCELLED
    transitions.close(order, state, now=now, actor=actor, reason=reason.stored())
    reschedule(lock(of_order(order)), now=now)


def drop_items(site: Site, locked: Iterable[AutoRenewal], *, actor: Actor, now: datetime) -> None:
    """Take the items of a site out of these (locked) auto-renewals, since it is handed over; what is left of them continues, and one
    without items ends. Paid time stays. The caller holds the site and its entitlements."""
    locked = list(locked)
    for auto_renewal in locked:
        count = auto_renewal.items.filter(site=site, is_live=True).update(is_live=False, reason="handed_over")
        if not auto_renewal.items.filter(is_live=True).exists():
            close(auto_renewal, ENDED, Reason("handed_over"), actor=actor, now=now)
        elif count:
            after = {"handed_over": count}
            audit.record(actor, ITEMS_LEFT, auto_renewal, now=now, tenant=auto_renewal.payer, after=after)
    modes.refresh(row.pk for row in locked)
    reschedule(locked, now=now)


@transaction.atomic
def stop_auto_renewal(actor: Actor, *, auto_renewal_id: int, now: datetime) -> AutoRenewal:
    """Stop renewing, and cancel the order that waits for its next try. Paid time stays; an order that is being charged now may still extend
    it once. Locks: auto-renewal → order → entitlement."""
    if not rights.may_pay(actor):
        raise NotPermitted
    found = AutoRenewal.objects.visible_to(actor).select_related("payer").get(pk=auto_renewal_id)
    if not rights.may_stop(actor, found):
        raise NotPermitted(_("Whoever pays stops it."))
    auto_renewal = next(row for row in lock(sharing_orders([auto_renewal_id])) if row.pk == auto_renewal_id)
    if auto_renewal.state == ACTIVE:
        close(auto_renewal, ENDED, Reason("stopped_by", {"name": actor.label}), actor=actor, now=now)
    return auto_renewal
