"""The card of an auto-renewal: another stored one, a new one from the gateway's page, or none any more."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import NotPermitted, Refused
from accounts.models import Organization, User
from accounts.scope import Actor
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments.errors import MethodUnusable
from payments.models import BillingProfile, Payment, PaymentMethod, Purpose, State
from subscriptions import rights
from subscriptions.actions import agreements, modes, moves
from subscriptions.actions.agreements import ACTIVE, ENDED, PARKED
from subscriptions.errors import MayNotPay
from subscriptions.models import Order, Subscription, SubscriptionItem
from subscriptions.reasons import Reason

log = logging.getLogger("smartplus.renewals")

CHECKOUT = Actor.system("checkout")
CARD_CHANGED = audit.Word(
    "agreement.card_changed",
    gettext_lazy("Card of an auto-renewal changed"),
    gettext_lazy("Card of %(what)s changed"),
    area=audit.Area.ORDERS,
)


@transaction.atomic
def change_card(actor: Actor, *, agreement_id: int, method_id: int, now: datetime) -> Subscription:
    """Renew with this stored card of the payer from now on; what failed or stopped is due at once (DESIGN §4).

    For members of the payer who manage subscriptions. The agreements that share an open order get the same card. Refuses what was
    ended by people, what has lapsed, and a card that can't be charged. Locks: site → payer → agreement → order → method → entitlement.
    """
    agreement = _own(actor, agreement_id)
    method = PaymentMethod.objects.visible_to(actor).get(pk=method_id, owner_id=agreement.payer_id)
    return _use(actor, agreement, method, now=now)


def start_card_setup(actor: Actor, *, agreement_id: int, return_base: str, now: datetime) -> str:
    """Open the gateway's page that stores a new card for the agreement, by the actor's consent, and answer its address.

    Nothing is charged there. Once the gateway says that the card is kept, it is used as by `change_card`.
    """
    agreement = _own(actor, agreement_id)  # before the gateway is asked whether our keys work
    gateway = payment_actions.proposed_to_renew(agreement.method.gateway)
    payment_actions.refuse_not_set_up(gateway, now=now)
    page = f"{return_base}/subscription/auto-renew/{agreement_id}/card/"
    payment = _begin_setup(actor, agreement_id, gateway, page, now=now)
    if payment.state in {State.PENDING, State.UNKNOWN}:  # begun before: its page may be over, or somebody else's
        if payment.consent_by_id != actor.user_id:
            payment_actions.expire(payment.pk, now=now)
        settle_setup(payment.pk, payment_actions.look_up(payment, now=now), now=now)
        payment = _begin_setup(actor, agreement_id, gateway, page, now=now)
    return payment_actions.start_checkout(payment.pk, now=now).checkout_url


def _begin_setup(actor: Actor, agreement_id: int, gateway: str, page: str, *, now: datetime) -> Payment:
    with transaction.atomic():
        agreement = _own(actor, agreement_id)
        Organization.objects.select_for_update(no_key=True).get(pk=agreement.payer_id)
        [agreement] = agreements.lock([agreement.pk])
        _refuse_hopeless(agreement, now=now)
        billing = BillingProfile.objects.filter(organization=agreement.payer).first()
        return payment_actions.begin(
            purpose=Purpose.AUTO_RENEWAL,
            subject=str(agreement.pk),
            payer=agreement.payer,
            amount_minor=0,
            currency=agreement.currency,
            gateway=gateway,
            description=_("SmartPlus: a card for auto-renewals"),
            customer_email=billing.email if billing else "",
            return_url=f"{page}?back=1",
            cancel_url=page,
            save_method=True,
            consent_by=User.objects.get(pk=actor.user_id or 0),
            is_setup=True,
            now=now,
        )


def settle_setup(payment_id: int, remote: payment_actions.Remote | None, *, now: datetime) -> None:
    """Keep the card that the gateway has stored, and use it; any number of times, once. Locks as `change_card`, then payment."""
    if remote is None:
        return
    with transaction.atomic():
        payment = Payment.objects.select_related("consent_by").get(pk=payment_id)
        agreement = Subscription.objects.get(pk=payment.subject)
        _lock(agreement)
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        was_done = payment.state == State.SUCCEEDED
        payment_actions.note(payment, remote, now=now)
        if was_done or payment.state != State.SUCCEEDED:
            return
        if payment_actions.matches(payment, remote, is_setup=True) is not None:
            log.error("the card of payment %s is not what we asked for", payment.pk)
            return
        method = payment_actions.keep_method(payment, remote, now=now)
        if method is None:
            return
        try:
            with transaction.atomic():
                who = str(payment.consent_by) if payment.consent_by else ""
                _use(replace(CHECKOUT, label=who), agreement, method, now=now)
        except Refused as refused:  # stopped or lapsed while somebody typed a number; the card is kept all the same
            log.warning("auto-renewal %s can't use its new card: %s", agreement.pk, refused)


def remove_card(actor: Actor, *, method_id: int, stops: int = 0, now: datetime) -> None:
    """Forget a stored card, and stop what it renews: that is what its holder agreed to.

    `stops` is how many auto-renewals the person was told that this ends; another number is refused, so that nothing ends without
    a word.
    """
    if not rights.may_pay(actor):
        raise NotPermitted
    with transaction.atomic():
        card = PaymentMethod.objects.visible_to(actor).get(pk=method_id)
        ids = renewed_by(card)
        locked = agreements.lock(agreements.together(ids))
        active = [row for row in locked if row.method_id == card.pk and row.state == ACTIVE]
        if len(active) != stops:
            raise Refused(
                _("%(card)s pays other auto-renewals than you were shown. Look at them again.") % {"card": card.label}
            )
        for agreement in active:
            agreements.close(agreement, ENDED, Reason("card_removed_by", {"name": actor.label}), actor=actor, now=now)
    payment_actions.remove_method(actor, method_id=method_id, now=now)
    modes.follow_card(method_id)  # what got it meanwhile


def renewed_by(card: PaymentMethod) -> list[int]:
    """The active agreements that are paid with a card."""
    return list(Subscription.objects.filter(method=card, state=ACTIVE).order_by("pk").values_list("pk", flat=True))


def is_used(agreement: Subscription, setup: Payment) -> bool:
    """Whether the agreement renews with the card that this finished setup stored: it runs, with a card by that consent."""
    method = agreement.method
    return agreement.state == ACTIVE and (method.consent_at, method.consent_by_id) == (
        setup.consent_at,
        setup.consent_by_id,
    )


def is_hopeful(agreement: Subscription, *, now: datetime) -> bool:
    """Whether another card could still help: it renews, or stopped by a problem and not everything has lapsed."""
    if agreement.state == ACTIVE:
        return True
    return agreement.state == PARKED and bool(_revivable(agreement, now))


def _own(actor: Actor, agreement_id: int) -> Subscription:
    """The agreement, if the actor may choose its card: a member of its payer who manages subscriptions."""
    if not rights.may_pay(actor):
        raise NotPermitted
    agreement = Subscription.objects.visible_to(actor).select_related("payer", "method").get(pk=agreement_id)
    if not rights.may_choose_card(actor, agreement):
        raise NotPermitted(_("Whoever pays chooses the card."))
    return agreement


def _lock(agreement: Subscription) -> list[Subscription]:
    """Sites, payer, and the agreement with those that share its open order."""
    ids = agreements.together([agreement.pk])
    sites = SubscriptionItem.objects.filter(subscription__in=ids).values("site_id")
    list(Site.objects.filter(pk__in=sites).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    Organization.objects.select_for_update(no_key=True).get(pk=agreement.payer_id)
    return agreements.lock(
        agreements.together(ids)
    )  # asked again: whoever had the payer may have put them into one order


def _use(actor: Actor, agreement: Subscription, method: PaymentMethod, *, now: datetime) -> Subscription:
    rows = _lock(agreement)
    agreement = next(row for row in rows if row.pk == agreement.pk)
    _refuse_hopeless(agreement, now=now)
    orders = Order.objects.select_for_update(of=("self",), no_key=True).filter(state=Order.State.PROCESSING)
    order = orders.filter(pk=agreement.renewal_id or 0).first()
    payment_actions.hold_method(method.gateway, method.gateway_ref)
    method.refresh_from_db()
    if not method.is_usable:
        raise MethodUnusable
    if order is not None:
        moves.tell(order, "card", now=now, actor=actor, method=method.named)
        if order.next_try_at is not None:  # otherwise it is being charged: a failure of that tries the new card at once
            order.next_try_at = now
            order.save(update_fields=["next_try_at"])
    for row in rows:
        before = {"state": row.state, "card": row.method.label}
        is_due = row.state == PARKED
        if is_due:
            _revive(row, now)
        row.method, row.version = method, row.version + 1
        row.save(update_fields=["method", "version"])
        if not is_due:
            agreements.reschedule([row], now=now)
        after = {"state": row.state, "card": method.label}
        audit.record(actor, CARD_CHANGED, row, now=now, tenant=row.payer, before=before, after=after)
    modes.follow(row.pk for row in rows)
    return agreement


def _refuse_hopeless(agreement: Subscription, *, now: datetime) -> None:
    if agreement.state == ENDED:
        raise Refused(_("This auto-renewal has ended; another card does not bring it back."))
    if not is_hopeful(agreement, now=now):
        raise Refused(_("Its paid time has lapsed, so it can't be renewed by itself any more. Nothing was charged."))
    if not rights.may_still_pay(agreement.payer, agreement.installer):
        raise MayNotPay


def _revivable(agreement: Subscription, now: datetime) -> list[int]:
    """The items that left when a problem stopped it, as far as they still run, are on, and nothing else renews them."""
    running = Entitlement.objects.in_force(now).wanted()
    elsewhere = SubscriptionItem.objects.live().values("entitlement_id")
    left = agreement.items.filter(is_live=False, entitlement__in=running).exclude(entitlement__in=elsewhere)
    return list(left.filter(reason=agreement.reason).values_list("pk", flat=True))


def _revive(agreement: Subscription, now: datetime) -> None:
    SubscriptionItem.objects.filter(pk__in=_revivable(agreement, now)).update(is_live=True, reason="")
    agreement.state, agreement.reason, agreement.reason_detail = ACTIVE, "", {}
    agreement.tries, agreement.ended_at, agreement.next_due_at = 0, None, now
    agreement.save(update_fields=["state", "reason", "reason_detail", "tries", "ended_at", "next_due_at"])
