"""Auto-renewal agreements: made by a paid order, rescheduled by whatever moves an expiry, stopped by people or by trouble."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.scope import RESELLERS, Actor, Grant, Role
from communities.models import Entitlement
from payments import actions as payment_actions
from payments.models import PaymentMethod
from subscriptions import notices
from subscriptions.actions import moves
from subscriptions.models import Order, Subscription, SubscriptionItem

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


def make_agreement(order: Order, method: PaymentMethod, *, now: datetime) -> Subscription | None:
    """Agree on renewing what `order` activated, with the card it was paid with. Once per order; the caller holds its locks.

    Items that another live agreement renews stay there. None when nothing is left to agree on.
    """
    existing = Subscription.objects.filter(order=order).first()
    if existing is not None:
        return existing
    taken = SubscriptionItem.objects.live().filter(entitlement__lines__order=order).values("entitlement_id")
    rows = Entitlement.objects.filter(lines__order=order).exclude(pk__in=taken).order_by("pk")
    entitlements = list(rows)
    first = min((row.expires_at for row in entitlements if row.expires_at), default=None)
    if first is None:
        return None
    agreement = Subscription.objects.create(
        payer_id=order.payer_id,
        installer_id=order.installer_id,
        method=method,
        currency=order.currency,
        order=order,
        terms_version=order.terms_version,
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
    moves.tell(order, "agreement", now=now, method=method.label)
    audit.record(
        RENEWALS,
        "agreement.made",
        agreement,
        now=now,
        tenant=order.payer,
        after={"order": order.number, "items": len(entitlements), "renewals": order.renewals_wanted},
    )
    return agreement


def of_order(order: Order) -> list[int]:
    """The live agreements that an order's items are under."""
    items = SubscriptionItem.objects.live().filter(entitlement__lines__order=order)
    return sorted(set(items.values_list("subscription_id", flat=True)))


def lock(agreement_ids: Iterable[int]) -> list[Subscription]:
    """Lock agreements in the order of their ids."""
    return list(Subscription.objects.filter(pk__in=list(agreement_ids)).order_by("pk").select_for_update())


def reschedule(agreements: Iterable[Subscription], *, now: datetime) -> None:
    """Write when each (locked) agreement is due next: its earliest expiry less the lead. Without items it ends."""
    for agreement in agreements:
        if agreement.state != ACTIVE:
            continue
        first = agreement.items.filter(is_live=True).aggregate(first=Min("entitlement__expires_at"))["first"]
        if first is None:
            close(agreement, ENDED, _("Nothing is left to renew."), actor=RENEWALS, now=now)
            continue
        agreement.next_due_at = first - LEAD
        agreement.save(update_fields=["next_due_at"])


def note_success(order: Order, agreements: Iterable[Subscription], *, now: datetime) -> None:
    """An auto-renewal was paid: count the cycle, forget earlier failures, find the next date; end what is used up (R43)."""
    for agreement in agreements:
        agreement.tries = 0
        agreement.reason = ""
        if agreement.renewals_left is not None:
            agreement.renewals_left = _cycles_left(agreement)
        agreement.save(update_fields=["tries", "reason", "renewals_left"])
        if agreement.renewals_left == 0:
            close(agreement, ENDED, _("The agreed number of renewals is reached."), actor=RENEWALS, now=now)
    reschedule(agreements, now=now)


def _cycles_left(agreement: Subscription) -> int:
    """The cycles that some item still has to go; what had all of its own leaves. Items of two time zones are due hours apart."""
    automatic = Q(
        entitlement__periods__line__order__type=Order.Type.AUTO_RENEWAL,
        entitlement__periods__line__order__created_at__gte=agreement.created_at,
    )
    rows = agreement.items.filter(is_live=True).annotate(done=Count("entitlement__periods", filter=automatic))
    left = {pk: (agreement.order.renewals_wanted or 0) - done for pk, done in rows.values_list("pk", "done")}
    if most := max([0, *left.values()]):
        through = agreement.items.filter(pk__in=[pk for pk, n in left.items() if n <= 0])
        through.update(is_live=False, reason=_("The agreed number of renewals is reached."))
    return most


def note_failure(
    order: Order, agreements: Iterable[Subscription], *, reason: str, is_final: bool, now: datetime
) -> None:
    """A charge was declined: try again on the ladder's next day, or park when the bank said never or the ladder ends."""
    for agreement in agreements:
        first = agreement.items.filter(is_live=True).aggregate(first=Min("entitlement__expires_at"))["first"]
        later = [first - before for before in LADDER if first and first - before > now]
        agreement.tries += 1
        agreement.reason = reason[:250]
        if is_final or not later:
            agreement.save(update_fields=["tries", "reason"])
            close(agreement, PARKED, reason or _("The card was declined."), actor=RENEWALS, now=now, order=order)
        else:
            agreement.next_due_at = later[0]
            agreement.save(update_fields=["tries", "reason", "next_due_at"])
            notices.renewal_failed(order, reason=reason, next_at=later[0], now=now)
        log.warning("auto-renewal %s failed with order %s", agreement.pk, order.number)


def close(
    agreement: Subscription, state: str, reason: str, *, actor: Actor, now: datetime, order: Order | None = None
) -> None:
    """Park or end a locked agreement and let go of its items; what is paid stays paid. Parking is never silent (R44).

    `order` is the one whose charge failed, if that is why.
    """
    before = agreement.state
    agreement.state, agreement.reason, agreement.ended_at = state, reason[:250], now
    agreement.next_due_at = agreement.claimed_until = None
    agreement.version += 1
    agreement.save(update_fields=["state", "reason", "ended_at", "next_due_at", "claimed_until", "version"])
    agreement.items.filter(is_live=True).update(is_live=False, reason=reason[:120])
    audit.record(
        actor,
        f"agreement.{state}",
        agreement,
        now=now,
        tenant=agreement.payer,
        before={"state": before},
        after={"state": state, "reason": reason},
    )
    if state == PARKED:
        notices.renewal_parked(agreement, order=order, reason=reason, now=now)


@transaction.atomic
def stop_agreement(actor: Actor, *, agreement_id: int, now: datetime) -> Subscription:
    """Stop renewing. Paid time stays; an order that is being charged right now may still extend it once."""
    if actor.role not in RESELLERS | {Role.INSTALLER} or Grant.MANAGES_SUBSCRIPTIONS not in actor.grants:
        raise NotPermitted
    agreement = (
        Subscription.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("payer")
        .get(pk=agreement_id)
    )
    if not agreement.payer.path.startswith(actor.path):
        raise NotPermitted(_("Whoever pays stops it."))
    if agreement.state == ACTIVE:
        close(agreement, ENDED, _("Stopped by %(name)s.") % {"name": actor.label}, actor=actor, now=now)
    return agreement


def remove_card(actor: Actor, *, method_id: int, now: datetime) -> None:
    """Forget a stored card. Refused while it renews something: that would end paid services without a word."""
    card = PaymentMethod.objects.visible_to(actor).get(pk=method_id)
    if n := Subscription.objects.filter(method=card, state=ACTIVE).count():
        raise Refused(
            ngettext(
                "%(card)s pays %(n)s auto-renewal. Stop it first.",
                "%(card)s pays %(n)s auto-renewals. Stop them first.",
                n,
            )
            % {"card": card.label, "n": n}
        )
    payment_actions.remove_method(actor, method_id=method_id, now=now)
