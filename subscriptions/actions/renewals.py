"""The job that renews: it finds a payer's due auto-renewals, creates one order, charges it once, and settles it like every other order."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts import audit, breakers, fences
from accounts.errors import Refused
from accounts.fences import Budget
from accounts.models import Organization
from communities.models import Entitlement, Site
from communities.models.entitlements import Block
from payments import actions as payment_actions
from payments.errors import EarlierOpen, GatewayNotSetUp, GatewayRefused, GatewayUnavailable, PaymentOpen
from payments.models import BillingProfile, Payment
from payments.reasons import instant
from subscriptions import notices, rights
from subscriptions.actions import auto_renewals, fulfilment, modes, orders, settlement, transitions, vacancies
from subscriptions.actions.auto_renewals import ITEMS_LEFT, LEAD, RENEWALS, SUSPENDED
from subscriptions.actions.opening import Purchase, open_order
from subscriptions.errors import BillingIncomplete
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order
from subscriptions.periods import Cycles
from subscriptions.pricing import quote
from subscriptions.reasons import CantRenew, Reason, of_refusal
from subscriptions.selections import alike
from subscriptions.tables import table_for
from subscriptions.taxes import tax_for

log = logging.getLogger("smartplus.renewals")

JOB = "renewals"
LEASE = timedelta(minutes=15)  # longer than any charge takes; if a worker dies, its payers are free again after it
# The longest time of one charge at the gateway: asking about earlier tries, the charge, its settlement. A test compares it with the
# lease.
CALLS_PER_CHARGE = 12

NO_ANSWER = (GatewayUnavailable, GatewayRefused)
LOOK_AGAIN = timedelta(minutes=5)  # where all due items are in open orders


@dataclass(frozen=True, slots=True)
class Claimed:
    """The auto-renewals of one charge, claimed with `key` until the lease ends."""

    key: str
    ids: list[int]
    gateway: str


def renew_due(*, now: datetime, budget: Budget | None = None, limit: int = 250) -> int:
    """Renew what is due, payer by payer, the longest due first. Returns how many charges were sent.

    Any number of processes may run it at once: a payer's auto-renewals are claimed by a conditional update that is committed before the
    work starts (DESIGN §4). Running it again changes nothing, because what is being charged or was paid is due later. Each payer is fenced,
    and so is each charge.
    """
    budget = budget or Budget()
    due = AutoRenewal.objects.filter(state=AutoRenewal.State.ACTIVE, next_due_at__lte=now)
    fresh = _unclaimed(now) & ~Q(method__gateway__in=breakers.resting(now))
    ids = fences.due(JOB, due, fresh=fresh, by=("next_due_at", "payer_id", "pk"), now=now, limit=limit)
    payers: dict[int, int] = {}
    owners = dict(AutoRenewal.objects.filter(pk__in=ids).values_list("pk", "payer_id"))
    for auto_renewal_id in ids:
        payers.setdefault(owners[auto_renewal_id], auto_renewal_id)
    return fences.each(
        JOB, list(payers), lambda payer_id: _renew_payer(payer_id, now=now, budget=budget),
        now=now, budget=budget, key=payers.__getitem__, forgets=False,
    )  # fmt: skip


def _renew_payer(payer_id: int, *, now: datetime, budget: Budget) -> int:
    """Claim what the payer has due, and charge it. The claims are released in any case."""
    groups = claim(payer_id, now=now, at=budget.at(now))
    try:
        return fences.each(
            JOB, groups, lambda group: _renew(group, now=now, budget=budget),
            now=now, budget=budget, key=lambda group: group.ids[0], expects=NO_ANSWER,
        )  # fmt: skip
    finally:
        if groups:
            AutoRenewal.objects.filter(claim_key=groups[0].key).update(claimed_until=None, claim_key="")


def claim(payer_id: int, *, now: datetime, at: datetime | None = None) -> list[Claimed]:
    """Claim the payer's due auto-renewals for the length of the lease, from the present instant `at`.

    There is one charge for each method, currency and installer, since an order belongs to one installer (ADR 0005), and one for each order
    that waits for its next try. An auto-renewal that failed before waits for its own next try, and is charged alone, so that it does not
    block others.
    """
    at = at or now
    key = uuid.uuid4().hex
    AutoRenewal.objects.filter(
        _unclaimed(at), payer_id=payer_id, state=AutoRenewal.State.ACTIVE, next_due_at__lte=now
    ).exclude(pk__in=fences.resting(JOB, now)).update(claimed_until=at + LEASE, claim_key=key)
    claimed = list(AutoRenewal.objects.filter(claim_key=key).select_related("renewal", "method").order_by("pk"))
    failed = fences.failed(JOB, [auto_renewal.pk for auto_renewal in claimed])
    together: dict[tuple[int, str, int, int | None, int | None], Claimed] = {}
    for auto_renewal in claimed:
        order_id = auto_renewal.renewal_id if auto_renewal.renewal and auto_renewal.renewal.is_open else None
        alone = auto_renewal.pk if auto_renewal.pk in failed else None
        group = (auto_renewal.method_id, auto_renewal.currency, auto_renewal.installer_id, order_id, alone)
        together.setdefault(group, Claimed(key, [], auto_renewal.method.gateway)).ids.append(auto_renewal.pk)
    return list(together.values())


def _unclaimed(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def _hold(group: Claimed, *, at: datetime) -> bool:
    """Renew the lease before each charge, since the charges before may have taken long. False when the claim was lost meanwhile."""
    held = AutoRenewal.objects.filter(pk__in=group.ids, claim_key=group.key, claimed_until__gt=at)
    return held.update(claimed_until=at + LEASE) == len(group.ids)


def _renew(group: Claimed, *, now: datetime, budget: Budget) -> int:
    """Create the order of one claim, charge and settle it. 0 when nothing had to be charged."""
    payment = None
    try:
        with breakers.guard(
            group.gateway,
            trips_on=GatewayUnavailable,
            but_not=(PaymentOpen, GatewayNotSetUp),
            at=lambda: budget.at(now),
        ) as call:
            if not _hold(group, at=budget.at(now)):
                raise fences.NotNow
            # Asked before another try: if an earlier try has taken the money, that settles the order
            for number in _waiting(group.ids):
                settlement.settle_earlier_attempts(number, now=now)
            payment = prepare(group.ids, now=now)
            call.was_made = payment is not None
            if payment is None:
                return 0
            try:
                payment_actions.charge(payment.pk, now=now)
            except GatewayRefused as problem:
                log.warning("payment %s was refused: %s", payment.pk, problem.detail)
            settlement.settle(payment.pk, now=now)
    except NO_ANSWER as problem:
        # An earlier try may still be open, so no other follows; the due date has not moved, so the fence sets the next look.
        if payment is None:
            raise
        # The outcome is unknown: `reconcile_stale_payments` asks later. The other payers continue.
        log.warning("auto-renewals %s: the payment is unknown: %s", group.ids, problem.detail)
    return int(payment is not None)


def _waiting(auto_renewal_ids: list[int]) -> list[str]:
    """The open orders of these auto-renewals; their earlier tries are asked about before the next one."""
    waiting = Order.objects.filter(renews__in=auto_renewal_ids, state=Order.State.PROCESSING)
    return list(waiting.order_by("pk").values_list("number", flat=True).distinct())


@transaction.atomic
def prepare(auto_renewal_ids: list[int], *, now: datetime) -> Payment | None:
    """Create the payment, for a new order or for the one that waits for its next try; nothing is sent (DESIGN §4 A).

    None when nothing is to be charged now. Items that are switched off leave the auto-renewal, lapsed ones too; those of empty apartments are
    suspended (R33). Without a right to pay, a
    usable card or a price the auto-renewal is suspended with the reason (R25, R43). Locks: site → payer → auto-renewal → order → payment →
    entitlement.
    """
    ids = auto_renewals.sharing_orders(auto_renewal_ids)
    items = AutoRenewalItem.objects.live().filter(auto_renewal__in=ids)
    sites = Site.every.filter(pk__in=items.values("site_id")).order_by("pk")
    list(sites.select_for_update(no_key=True).values_list("pk"))
    payer_ids = AutoRenewal.objects.filter(pk__in=ids).values("payer_id")
    payer = Organization.objects.select_for_update(no_key=True).get(pk__in=payer_ids)
    if auto_renewals.sharing_orders(ids) != ids:
        return None  # others share an order with them now; the next run takes all together
    locked = [row for row in auto_renewals.lock(ids) if row.state == AutoRenewal.State.ACTIVE]
    of_them = {row.renewal_id for row in locked if row.renewal_id is not None}
    waiting = list(
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("payer")
        .filter(pk__in=of_them, state=Order.State.PROCESSING)
        .order_by("pk")
    )
    if any(order.next_try_at is None or order.next_try_at > now for order in waiting) or len(waiting) > 1:
        auto_renewals.reschedule(locked, now=now)  # another process was faster, or it is being charged
        return None
    _drop_what_ended(locked, now=now)
    locked = [row for row in locked if row.state == AutoRenewal.State.ACTIVE]
    order = waiting[0] if waiting else None
    if order is not None:
        # the order may have ended with another auto-renewal in it
        order.refresh_from_db(fields=["state", "next_try_at", "closed_at"])
        order = order if order.state == Order.State.PROCESSING else None
    if not locked:
        return None
    try:
        with transaction.atomic():  # a savepoint: a refusal takes the new order back
            return _charge(order, locked, payer, now=now)
    except Refused as refused:  # not GatewayUnavailable: an earlier try may still take money
        reason = of_refusal(refused)
        for auto_renewal in locked:
            auto_renewals.close(auto_renewal, SUSPENDED, reason, actor=RENEWALS, now=now, order=order)
        return None


def _charge(order: Order | None, locked: list[AutoRenewal], payer: Organization, *, now: datetime) -> Payment | None:
    """Create the payment of the waiting order, if it still has exactly what is renewed; otherwise of a new order."""
    first = locked[0]
    installer = Organization.objects.select_related("distributor").get(pk=first.installer_id)
    if not rights.may_still_pay(payer, installer):
        raise CantRenew("payer_may_not", payer=str(payer), installer=str(installer))
    if not first.method.is_usable:
        raise CantRenew("card_unusable", card=first.method.named)
    billing = BillingProfile.objects.filter(organization=payer).first()
    if billing is None or not billing.is_complete:
        raise BillingIncomplete
    if order is not None and _has_changed(order, locked):
        if Payment.objects.unclosed().of_order(order.number).exists():
            raise EarlierOpen(f"an earlier try for {order.number} may still take money")
        transitions.close(order, Order.State.CANCELLED, now=now, actor=RENEWALS, reason=Reason("replaced").stored())
        order = None
    order = order or _order(locked, payer, installer, billing, now=now)
    payment = None
    if order is not None and order.state == Order.State.PROCESSING:
        order.next_try_at = None
        order.save(update_fields=["next_try_at"])
        payment = orders.begin_payment(
            order, billing.email, gateway=first.method.gateway, return_base="", method=first.method, now=now
        )
        transitions.log_event(order, "charged", now=now, method=first.method.named, payment=payment.pk)
    auto_renewals.reschedule(auto_renewals.lock([row.pk for row in locked]), now=now)
    still_due = AutoRenewal.objects.filter(pk__in=[row.pk for row in locked], next_due_at__lte=now)
    # Without a later date it would be looked at every time, before all others
    still_due.update(next_due_at=now + LOOK_AGAIN)
    return payment


def _has_changed(order: Order, locked: list[AutoRenewal]) -> bool:
    """Whether an item of the order is not renewed any more. An order never changes (R26), so the other items need a new one."""
    renewed = AutoRenewalItem.objects.renewing().filter(auto_renewal__in=locked).values("entitlement_id")
    return order.lines.exclude(entitlement__reserved_by=order.pk, entitlement__in=renewed).exists()


def _drop_what_ended(locked: list[AutoRenewal], *, now: datetime) -> None:
    """Remove items whose service is off or that lapsed, and suspend those of empty apartments; an auto-renewal without items ends."""
    vacancies.follow(locked, now=now)
    items = AutoRenewalItem.objects.live().filter(auto_renewal__in=locked)
    leaves = Q(suspended_at=None) | Q(entitlement__blocked=Block.ARCHIVED)
    unwanted = dict(items.filter(leaves, entitlement__variant="").values_list("pk", "entitlement__blocked"))
    archived, off = [pk for pk, why in unwanted.items() if why == Block.ARCHIVED], list(unwanted)
    AutoRenewalItem.objects.filter(pk__in=off).update(is_live=False, reason="service_off")
    AutoRenewalItem.objects.filter(pk__in=archived).update(reason="archived")
    in_force = Entitlement.objects.in_force(now).values("pk")
    lapsed = list(items.exclude(entitlement__in=in_force).values_list("pk", flat=True))
    AutoRenewalItem.objects.filter(pk__in=lapsed).update(is_live=False, reason="item_lapsed")
    if off or lapsed:
        modes.refresh(row.pk for row in locked)
    for auto_renewal in locked:
        if auto_renewal.items.filter(is_live=True).exists():
            _record_dropped(auto_renewal, off, archived, lapsed, now=now)
            continue
        worked_until, zone = auto_renewals.worked_until(auto_renewal, lapsed)
        nothing = Reason("archived" if archived and len(archived) == len(off) else "services_off")
        reason = Reason("lapsed", {"day": instant(worked_until, zone)}) if worked_until else nothing
        is_waiting = auto_renewal.renewal is not None and auto_renewal.renewal.state == Order.State.PROCESSING
        order = auto_renewal.renewal if is_waiting else None  # the reason has nothing to do with the last order
        auto_renewals.close(auto_renewal, SUSPENDED, reason, actor=RENEWALS, now=now, order=order)


def _record_dropped(
    auto_renewal: AutoRenewal, off: list[int], archived: list[int], lapsed: list[int], *, now: datetime
) -> None:
    """Audit what leaves an auto-renewal that continues, and mail about it (R9, R44): about lapsed items, because nobody asked for that, and
    about what is archived or switched off, because payer and installer may be two firms (R43)."""
    n_archived = auto_renewal.items.filter(pk__in=archived).count()
    n_off = auto_renewal.items.filter(pk__in=off).count() - n_archived
    n_lapsed = auto_renewal.items.filter(pk__in=lapsed).count()
    if not n_off and not n_archived and not n_lapsed:
        return
    audit.record(
        RENEWALS,
        ITEMS_LEFT,
        auto_renewal,
        now=now,
        tenant=auto_renewal.payer,
        after={"switched_off": n_off, "archived": n_archived, "lapsed": n_lapsed},
    )
    if n_off or n_archived:
        notices.renewal_left(auto_renewal, archived=n_archived, switched_off=n_off, now=now)
    if n_lapsed:
        notices.renewal_lapsed(auto_renewal, items=n_lapsed, now=now)


def _order(
    locked: list[AutoRenewal], payer: Organization, installer: Organization, billing: BillingProfile, *, now: datetime
) -> Order | None:
    """A new order for what is due in these auto-renewals; None when nothing is. An order of total 0 is fulfilled here."""
    assert installer.distributor is not None
    renewed = AutoRenewalItem.objects.renewing().filter(auto_renewal__in=locked)
    due = Entitlement.objects.filter(
        pk__in=renewed.values("entitlement_id"), expires_at__lte=now + LEAD, reserved_by=None
    ).values_list("pk", flat=True)
    chosen = Entitlement.objects.filter(pk__in=sorted(due))
    ids = list(chosen.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    if not ids:
        return None
    prices = table_for(installer.distributor, at=now)
    found = quote(alike(chosen), Cycles(1), now, prices, (), tax_for(billing))
    if found.total_minor:
        payment_actions.refuse_unpayable(found.total_minor, found.currency, locked[0].method.gateway)
    order = open_order(
        RENEWALS,
        found,
        Purchase(
            type=Order.Type.AUTO_RENEWAL,
            term=Cycles(1),
            payer=payer,
            installer=installer,
            site_kind=locked[0].site_kind,
            billing=billing,
            terms_version=locked[0].terms_version,
            terms_accepted_at=locked[0].created_at,
        ),
        now=now,
    )
    with_items = renewed.filter(entitlement__in=ids).values("auto_renewal_id")
    AutoRenewal.objects.filter(pk__in=with_items).update(renewal=order)
    if order.total_minor == 0:  # nothing to charge, so it is paid at once
        fulfilment.fulfil(order, now=now)
    return order
