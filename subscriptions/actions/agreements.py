"""Auto-renewal agreements: made by a paid order, rescheduled by whatever moves an expiry, stopped by people or by trouble."""

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
from communities.models import Entitlement
from payments.models import LIVE, Payment, PaymentMethod
from subscriptions import notices, rights, telling
from subscriptions.actions import modes, moves
from subscriptions.models import Order, Subscription, SubscriptionItem
from subscriptions.reasons import Reason

log = logging.getLogger("smartplus.renewals")

LEAD = timedelta(days=3)  # the first try, so that a failure can be mended before anything ends
LADDER = (
    LEAD,
    timedelta(days=2),
    timedelta(days=1),
    timedelta(0),
    -timedelta(days=3),
    -timedelta(days=6),
)  # before the expiry
RENEWALS = Actor.system("renewals")
ACTIVE, PARKED, ENDED = Subscription.State.ACTIVE, Subscription.State.PARKED, Subscription.State.ENDED
AGREEMENT_MADE = audit.Word(
    "agreement.made",
    gettext_lazy("Auto-renewal set up"),
    gettext_lazy("%(what)s set up"),
    area=audit.Area.ORDERS,
    tells=telling.agreed,
)
AGREEMENT_PARKED = audit.Word(
    "agreement.parked",
    gettext_lazy("Auto-renewal stopped by a problem"),
    gettext_lazy("%(what)s stopped by a problem"),
    area=audit.Area.ORDERS,
)
AGREEMENT_ENDED = audit.Word(
    "agreement.ended", gettext_lazy("Auto-renewal ended"), gettext_lazy("%(what)s ended"), area=audit.Area.ORDERS
)
CLOSED: dict[str, audit.Word] = {PARKED: AGREEMENT_PARKED, ENDED: AGREEMENT_ENDED}


def make_agreement(order: Order, method: PaymentMethod, *, now: datetime) -> Subscription | None:
    """Agree on renewing what `order` activated, with the card it was paid with. Once per order; the caller holds its locks.

    Items that another live agreement renews stay there. None when nothing is left to agree on.
    """
    existing = Subscription.objects.filter(order=order).first()
    if existing is not None:
        return existing
    taken = SubscriptionItem.objects.live().filter(entitlement__lines__order=order).values("entitlement_id")
    ordered = order.lines.filter(entitlement__isnull=False).values(
        "entitlement_id"
    )  # one item may be upgraded and renewed
    rows = Entitlement.objects.filter(pk__in=ordered).exclude(pk__in=taken).order_by("pk")
    entitlements = list(rows)
    first = min((row.expires_at for row in entitlements if row.expires_at), default=None)
    if first is None:
        return None
    agreement = Subscription.objects.create(
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
    SubscriptionItem.objects.bulk_create(
        SubscriptionItem(
            subscription=agreement,
            entitlement=row,
            site_id=row.site_id,
            distributor_id=row.distributor_id,
            subdistributor_id=row.subdistributor_id,
            installer_id=row.installer_id,
        )
        for row in entitlements
    )
    modes.follow([agreement.pk])
    moves.tell(order, "agreement", now=now, method=method.named)
    audit.record(
        RENEWALS,
        AGREEMENT_MADE,
        agreement,
        now=now,
        tenant=order.payer,
        after={"order": order.number, "items": len(entitlements), "renewals": order.renewals_wanted},
    )
    return agreement


def of_order(order: Order) -> list[int]:
    """The live agreements that an order moves: those it renews, or those that its items are under."""
    if order.type == Order.Type.AUTO_RENEWAL:
        return list(order.renews.filter(state=ACTIVE).order_by("pk").values_list("pk", flat=True))
    items = SubscriptionItem.objects.live().filter(entitlement__lines__order=order)
    return sorted(set(items.values_list("subscription_id", flat=True)))


def together(agreement_ids: Iterable[int]) -> list[int]:
    """These agreements and those that share an open order with them: what befalls the order befalls them all."""
    ids = list(agreement_ids)
    shared = list(Order.objects.filter(renews__in=ids, state=Order.State.PROCESSING).values_list("pk", flat=True))
    with_them = Subscription.objects.filter(renewal__in=shared, state=ACTIVE).values_list("pk", flat=True)
    return sorted({*ids, *with_them})


def moved_by(order: Order, locked: Iterable[Subscription]) -> list[Subscription]:
    """The same of agreements that were locked for the order: those of its items, and those it renews."""
    if order.type != Order.Type.AUTO_RENEWAL:
        return list(locked)
    return [row for row in locked if row.renewal_id == order.pk and row.state == ACTIVE]


def lock(chosen: Iterable[int] | Q) -> list[Subscription]:
    """Lock agreements in the order of their ids."""
    chosen = chosen if isinstance(chosen, Q) else Q(pk__in=list(chosen))
    return list(Subscription.objects.filter(chosen).order_by("pk").select_for_update(no_key=True))


def rungs(first: datetime, *, after: datetime) -> list[datetime]:
    """The tries that the ladder still has for what ends at `first`."""
    return [first - before for before in LADDER if first - before > after]


def first_end(order: Order) -> tuple[datetime, datetime, str]:
    """The earliest end among what an auto-renewal order extends, from which its ladder counts, until when that works, and the time zone
    of its site."""
    rows = order.lines.order_by("starts_at", "pk")
    ends, works_until, zone = rows.values_list("starts_at", "entitlement__works_until", "site__time_zone")[0]
    assert ends is not None and zone is not None  # order_line_kind_has_target
    return ends, works_until or ends, zone


def worked_until(agreement: Subscription, items: Iterable[int]) -> tuple[datetime | None, str]:
    """Until when the last of some items of an agreement worked, and the time zone of its site."""
    rows = agreement.items.filter(pk__in=items, entitlement__works_until__isnull=False)
    rows = rows.order_by("-entitlement__works_until", "pk")
    return rows.values_list("entitlement__works_until", "site__time_zone").first() or (None, "UTC")


def reschedule(agreements: Iterable[Subscription], *, now: datetime) -> None:
    """Write when each (locked) agreement is due next: the next try of its open order, else its earliest expiry less the lead.

    While the order is being charged that is the rung after, in case nobody is told what became of the charge. Without items it ends.
    """
    for agreement in agreements:
        if agreement.state != ACTIVE:
            continue
        ends = agreement.items.filter(is_live=True).aggregate(
            first=Min("entitlement__expires_at"), grace=Min("entitlement__works_until")
        )
        first = ends["first"]
        if first is None:
            close(agreement, ENDED, Reason("nothing_left"), actor=RENEWALS, now=now)
            continue
        order = Order.objects.filter(pk=agreement.renewal_id or 0, state=Order.State.PROCESSING).first()
        if order is not None and order.next_try_at is not None:
            agreement.next_due_at = order.next_try_at
        elif order is not None or agreement.tries:
            agreement.next_due_at = next(iter(rungs(first, after=now)), max(now, ends["grace"] or first))
        else:
            agreement.next_due_at = first - LEAD
        agreement.save(update_fields=["next_due_at"])


def note_success(order: Order, agreements: Iterable[Subscription], *, now: datetime) -> None:
    """An auto-renewal was paid: count the cycle, forget earlier failures, find the next date; end what is used up (R43)."""
    agreements = list(agreements)
    changing = [row.pk for row in agreements if row.tries or row.renewals_left is not None]
    for agreement in agreements:
        agreement.tries, agreement.reason, agreement.reason_detail, agreement.renewal = 0, "", {}, order
        if agreement.renewals_left is not None:
            agreement.renewals_left = _cycles_left(agreement)
        agreement.save(update_fields=["tries", "reason", "reason_detail", "renewals_left", "renewal"])
        if agreement.renewals_left == 0:
            close(agreement, ENDED, Reason("cycles_done"), actor=RENEWALS, now=now)
    if changing:
        modes.follow(changing)
    reschedule(agreements, now=now)


def _cycles_left(agreement: Subscription) -> int:
    """The cycles that some item still has to go; what had all of its own leaves. Items of two time zones are due hours apart."""
    automatic = Q(
        entitlement__periods__line__order__type=Order.Type.AUTO_RENEWAL,
        entitlement__periods__line__order__created_at__gte=agreement.created_at,
    )
    rows = agreement.items.filter(is_live=True).annotate(done=Count("entitlement__periods", filter=automatic))
    left = {pk: (agreement.renewals_wanted or 0) - done for pk, done in rows.values_list("pk", "done")}
    if most := max([0, *left.values()]):
        through = agreement.items.filter(pk__in=[pk for pk, n in left.items() if n <= 0])
        through.update(is_live=False, reason="cycles_done")
    return most


def note_failure(order: Order, payment: Payment, *, actor: Actor, now: datetime) -> None:
    """A try was declined (R44): the order waits for the ladder's next day, and ends with it, or when the bank said never.

    The caller holds the order and its agreements. Where somebody chose another card meanwhile, that one is tried at once. An order
    whose agreements were all stopped while it was being charged is cancelled.
    """
    reason = Reason(payment.decline_code or "not_charged")
    agreements = lock(of_order(order))
    if not agreements:
        moves.close(order, Order.State.CANCELLED, now=now, actor=actor, reason=reason.stored())
        return
    first, works_until, zone = first_end(order)
    later = rungs(first, after=now)
    is_final = payment.is_hard_decline or not later
    if agreements[0].method_id != payment.method_id:  # the card that the next try charges is another one
        later, is_final = [now], False
    for agreement in agreements:
        agreement.tries += 1
        agreement.reason, agreement.reason_detail = reason.code, dict(reason.detail)
        agreement.save(update_fields=["tries", "reason", "reason_detail"])
        log.warning("auto-renewal %s failed with order %s", agreement.pk, order.number)
    if is_final:
        for agreement in agreements:
            close(agreement, PARKED, reason, actor=RENEWALS, now=now, order=order)
        return
    modes.follow(row.pk for row in agreements)
    order.next_try_at = later[0]
    order.save(update_fields=["next_try_at"])
    moves.tell(order, "declined", now=now, reason=reason.stored())
    reschedule(agreements, now=now)
    notices.renewal_failed(order, payment, reason=reason, next_at=later[0], works_until=works_until, zone=zone, now=now)


def close(
    agreement: Subscription, state: str, reason: Reason, *, actor: Actor, now: datetime, order: Order | None = None
) -> None:
    """Park or end a locked agreement and let go of its items; what is paid stays paid. Parking is never silent (R44).

    Its open order goes with it, unless it is being charged this moment: then the charge's answer decides. `order` is the one
    whose charge failed, if that is why.
    """
    before = agreement.state
    agreement.state, agreement.reason, agreement.reason_detail = state, reason.code, dict(reason.detail)
    agreement.ended_at = now
    agreement.next_due_at = agreement.claimed_until = None
    agreement.version += 1
    agreement.save(
        update_fields=["state", "reason", "reason_detail", "ended_at", "next_due_at", "claimed_until", "version"]
    )
    agreement.items.filter(is_live=True).update(is_live=False, reason=reason.code)
    audit.record(
        actor,
        CLOSED[state],
        agreement,
        now=now,
        tenant=agreement.payer,
        before={"state": before},
        after={"state": state, "reason": reason.stored()},
    )
    _close_order(agreement, reason, actor=actor, now=now)
    modes.follow([agreement.pk])
    if state == PARKED:
        notices.renewal_parked(agreement, order=order, reason=reason, now=now)


def _close_order(agreement: Subscription, reason: Reason, *, actor: Actor, now: datetime) -> None:
    """End the open order of a closed agreement; the others it renewed get an order of their own on the ladder's next day."""
    orders = Order.objects.select_for_update(of=("self",), no_key=True).select_related("payer")
    order = orders.filter(pk=agreement.renewal_id or 0, state=Order.State.PROCESSING).first()
    if order is None or Payment.objects.of_order(order.number).filter(state__in=LIVE).exists():
        return
    state = Order.State.FAILED if agreement.state == PARKED else Order.State.CANCELLED
    moves.close(order, state, now=now, actor=actor, reason=reason.stored())
    reschedule(lock(of_order(order)), now=now)


@transaction.atomic
def stop_agreement(actor: Actor, *, agreement_id: int, now: datetime) -> Subscription:
    """Stop renewing, and cancel the order that waits for its next try. Paid time stays; an order that is being charged right now
    may still extend it once. Locks: agreement → order → entitlement."""
    if not rights.may_pay(actor):
        raise NotPermitted
    found = Subscription.objects.visible_to(actor).select_related("payer").get(pk=agreement_id)
    if not rights.may_stop(actor, found):
        raise NotPermitted(_("Whoever pays stops it."))
    agreement = next(row for row in lock(together([agreement_id])) if row.pk == agreement_id)
    if agreement.state == ACTIVE:
        close(agreement, ENDED, Reason("stopped_by", {"name": actor.label}), actor=actor, now=now)
    return agreement
