"""The renewal engine: finds what is due at the payer, makes one order, charges it once, settles it as every other order."""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.errors import Refused
from accounts.models import Kind, Organization
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.errors import GatewayRefused, GatewayUnavailable, TooMuch, TooSmall
from payments.models import BillingProfile, Payment
from subscriptions import numbers
from subscriptions.actions import agreements, carts, moves, orders, settlement
from subscriptions.actions.agreements import LEAD, PARKED, RENEWALS
from subscriptions.actions.prices import table_for
from subscriptions.errors import BillingIncomplete
from subscriptions.models import Order, Subscription, SubscriptionItem
from subscriptions.periods import Cycles
from subscriptions.pricing import Quote, quote

log = logging.getLogger("smartplus.renewals")

LEASE = timedelta(minutes=10)  # longer than any charge takes; a worker that died gives its payers back after it


def renew_due(*, now: datetime, limit: int = 250) -> int:
    """Renew what is due, payer by payer. Returns how many orders were charged.

    Any number of processes may run it at once: a payer's agreements are claimed by a conditional update that is committed before
    the work starts (DESIGN §4). Running it again changes nothing: what is being charged is held, what is paid is not due.
    """
    due = Subscription.objects.filter(state=Subscription.State.ACTIVE, next_due_at__lte=now).filter(_unclaimed(now))
    being_charged = SubscriptionItem.objects.live().filter(entitlement__held=True)
    due = due.exclude(
        pk__in=being_charged.values("subscription_id")
    )  # waiting for an answer: must not keep others waiting
    payers = list(dict.fromkeys(due.order_by("next_due_at", "payer_id").values_list("payer_id", flat=True)[:limit]))
    charged = 0
    for payer_id in payers:
        for claimed in claim(payer_id, now=now):
            try:
                charged += _renew(claimed, now=now)
            finally:
                Subscription.objects.filter(pk__in=claimed, claimed_until=now + LEASE).update(
                    claimed_until=None, claim_key=""
                )
    return charged


def claim(payer_id: int, *, now: datetime) -> list[list[int]]:
    """Take the payer's due agreements for the length of the lease; a list per method and currency, since each is one charge."""
    key = uuid.uuid4().hex
    Subscription.objects.filter(
        _unclaimed(now), payer_id=payer_id, state=Subscription.State.ACTIVE, next_due_at__lte=now
    ).update(claimed_until=now + LEASE, claim_key=key)
    together: dict[tuple[int, str, int], list[int]] = defaultdict(list)
    for agreement in Subscription.objects.filter(claim_key=key, claimed_until=now + LEASE).order_by("pk"):
        together[agreement.method_id, agreement.currency, agreement.installer_id].append(agreement.pk)
    return list(together.values())


def _unclaimed(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def _renew(agreement_ids: list[int], *, now: datetime) -> int:
    """Order, charge and settle what one claim holds; 0 when nothing had to be charged."""
    payment = prepare(agreement_ids, now=now)
    if payment is None:
        return 0
    try:
        try:
            payment_actions.charge(payment.pk, now=now)
        except GatewayRefused as problem:
            log.warning("payment %s was refused: %s", payment.pk, problem.detail)
        settlement.settle(payment.pk, now=now)
    except (GatewayUnavailable, GatewayRefused) as problem:
        # The janitor asks what became of it; the other payers go on.
        log.warning("payment %s is unknown: %s", payment.pk, problem.detail)
    return 1


@transaction.atomic
def prepare(agreement_ids: list[int], *, now: datetime) -> Payment | None:
    """Write the order and its payment down, nothing else (DESIGN §4 A). None when nothing is to be charged now.

    Items that are switched off leave the agreement, lapsed ones too; without a right to pay, a usable card or a price the
    agreement is parked and says why (R25, R43). Locks: site → payer → agreement → order → payment → entitlement.
    """
    items = SubscriptionItem.objects.live().filter(subscription__in=agreement_ids)
    list(Site.objects.filter(pk__in=items.values("site_id")).order_by("pk").select_for_update().values_list("pk"))
    payer_ids = Subscription.objects.filter(pk__in=agreement_ids).values("payer_id")
    payer = Organization.objects.select_for_update(no_key=True).get(pk__in=payer_ids)
    locked = [row for row in agreements.lock(agreement_ids) if row.state == Subscription.State.ACTIVE]
    if not locked:
        return None
    _drop_what_ended(locked, now=now)
    locked = [row for row in locked if row.state == Subscription.State.ACTIVE]
    due = Entitlement.objects.filter(
        agreements__in=SubscriptionItem.objects.live().filter(subscription__in=locked),
        expires_at__lte=now + LEAD,
        held=False,
    )
    ids = sorted(due.values_list("pk", flat=True))
    if not ids:
        _reschedule_unless_held(locked, now=now)
        return None
    chosen = Entitlement.objects.filter(pk__in=ids)
    list(chosen.order_by("pk").select_for_update().values_list("pk"))
    try:
        with transaction.atomic():  # a refusal takes what was written of the order back
            return _order(locked, payer, chosen, now=now)
    except (TooSmall, TooMuch) as refused:  # kept and shown to whom amounts are not: the plain sentence
        reason = str(type(refused).message)
    except Refused as refused:
        reason = str(refused)
    for agreement in locked:
        agreements.close(agreement, PARKED, reason, actor=RENEWALS, now=now)
    return None


def _drop_what_ended(locked: list[Subscription], *, now: datetime) -> None:
    """Items whose service is off or that lapsed are not renewed any more; an agreement without items ends."""
    items = SubscriptionItem.objects.live().filter(subscription__in=locked)
    items.filter(entitlement__variant="").update(is_live=False, reason=_("The service is switched off."))
    in_force = Entitlement.objects.in_force(now).values("pk")
    lapsed = items.exclude(entitlement__in=in_force).values_list("pk", flat=True)
    SubscriptionItem.objects.filter(pk__in=list(lapsed)).update(is_live=False, reason=_("It lapsed; renew it by hand."))
    for agreement in locked:
        if not agreement.items.filter(is_live=True).exists():
            agreements.close(agreement, PARKED, _("Nothing is left that can be renewed."), actor=RENEWALS, now=now)


def _reschedule_unless_held(locked: list[Subscription], *, now: datetime) -> None:
    """Nothing is due although the agreement said so: either its order is being charged, or somebody renewed by hand."""
    held = SubscriptionItem.objects.live().filter(subscription__in=locked, entitlement__held=True)
    if not held.exists():
        agreements.reschedule(locked, now=now)


def _order(
    locked: list[Subscription], payer: Organization, chosen: QuerySet[Entitlement], *, now: datetime
) -> Payment | None:
    first = locked[0]
    method, installer = first.method, Organization.objects.select_related("distributor").get(pk=first.installer_id)
    if not may_still_pay(payer, installer):
        raise Refused(_("%(payer)s may not pay for %(installer)s any more.") % {"payer": payer, "installer": installer})
    if not method.is_usable(now):
        raise Refused(_("%(card)s can't be charged any more.") % {"card": method.label})
    billing = BillingProfile.objects.filter(organization=payer).first()
    if billing is None or not billing.is_complete:
        raise BillingIncomplete
    assert installer.distributor is not None
    found = quote(carts.as_items(chosen), Cycles(1), now, table_for(installer.distributor, at=now))
    if found.total_minor:
        payment_actions.refuse_too_small(found.total_minor, found.currency, orders.GATEWAY)
        payment_actions.refuse_too_large(found.total_minor, found.currency)
    order = _insert(first, payer, installer, found, billing, now=now)
    chosen.update(held=True)
    moves.tell(order, "created", now=now, actor=RENEWALS, items=len(found.lines))
    audit.record(
        RENEWALS,
        "order.created",
        order,
        now=now,
        tenant=payer,
        after={"total_minor": order.total_minor, "currency": order.currency, "items": len(found.lines)},
    )
    if order.total_minor == 0:  # nothing to charge, as with an activation
        settlement.fulfil(order, now=now)
        return None
    payment = orders.begin_payment(order, billing.email, return_base="", method=method, now=now)
    moves.tell(order, "charged", now=now, method=method.label, payment=payment.pk)
    return payment


def may_still_pay(payer: Organization, installer: Organization) -> bool:
    """Whether the agreement's payer is still above the installer, or the installer itself with leave to pay (R43)."""
    if not payer.is_active:
        return False
    if payer.kind == Kind.INSTALLER:
        return payer.pk == installer.pk and payer.pays_regular
    return installer.path.startswith(payer.path)


def _insert(
    agreement: Subscription,
    payer: Organization,
    installer: Organization,
    found: Quote,
    billing: BillingProfile,
    *,
    now: datetime,
) -> Order:
    assert installer.distributor is not None
    order = Order.objects.create(
        number=numbers.new(now),
        type=Order.Type.AUTO_RENEWAL,
        payer=payer,
        installer=installer,
        distributor=installer.distributor,
        site_kind=agreement.order.site_kind,
        cycles=1,
        currency=found.currency,
        subtotal_minor=found.subtotal_minor,
        discount_minor=found.discount_minor,
        tax_minor=found.tax_minor,
        total_minor=found.total_minor,
        line_count=len(found.lines),
        price_list_id=found.price_list_id,
        why=orders.frozen_why(found),
        billing=billing.snapshot(),
        terms_version=agreement.terms_version,
        terms_accepted_at=agreement.created_at,
        created_at=now,
    )
    orders.insert_lines(order, found)
    return order
