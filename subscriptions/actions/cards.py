"""The card of an auto-renewal: another stored card, a new card from the gateway's page, or removal."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q
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
from subscriptions.actions import auto_renewals, modes, transitions
from subscriptions.actions.auto_renewals import ACTIVE, ENDED, SUSPENDED
from subscriptions.errors import MayNotPay
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order
from subscriptions.reasons import Reason

log = logging.getLogger("smartplus.renewals")

CHECKOUT = Actor.system("checkout")
CARD_CHANGED = audit.Word(
    "auto_renewal.card_changed",
    gettext_lazy("Card of an auto-renewal changed"),
    gettext_lazy("Card of %(what)s changed"),
    area=audit.Area.ORDERS,
)


@transaction.atomic
def change_card(actor: Actor, *, auto_renewal_id: int, method_id: int | None, now: datetime) -> AutoRenewal:
    """Renew with this stored card of the payer from now on; what failed or was suspended is due at once (DESIGN §4).

    For members of the payer who manage subscriptions. Auto-renewals that share an open order get the same card. Refuses an auto-renewal
    that people ended, one whose items have lapsed, and a card that can't be charged. Locks: site → payer → auto-renewal → order → method →
    entitlement. `method_id` is None where none was chosen.
    """
    auto_renewal = _own(actor, auto_renewal_id)
    if method_id is None:
        raise Refused(_("Choose a card."))
    method = PaymentMethod.objects.visible_to(actor).get(pk=method_id, owner_id=auto_renewal.payer_id)
    return _use(actor, auto_renewal, method, now=now)


def start_card_setup(actor: Actor, *, auto_renewal_id: int, return_base: str, now: datetime) -> str:
    """Open the gateway's page that stores a new card for the auto-renewal, by the actor's consent, and return its address.

    Nothing is charged there. Once the gateway reports that the card is stored, it is used as by `change_card`.
    """
    auto_renewal = _own(actor, auto_renewal_id)  # checked before the row is written
    gateway = payment_actions.proposed_to_renew(auto_renewal.method.gateway)
    payment_actions.refuse_not_set_up(gateway, now=now)
    page = f"{return_base}/subscription/auto-renew/{auto_renewal_id}/card/"
    payment = _begin_setup(actor, auto_renewal_id, gateway, page, now=now)
    # An earlier setup: its page may have ended, or belong to another person
    if payment.state in {State.PENDING, State.UNKNOWN}:
        if payment.consent_by_id != actor.user_id:
            payment_actions.expire(payment.pk, now=now)
        settle_setup(payment.pk, payment_actions.look_up(payment, now=now), now=now)
        payment = _begin_setup(actor, auto_renewal_id, gateway, page, now=now)
    return payment_actions.start_checkout(payment.pk, now=now).checkout_url


def _begin_setup(actor: Actor, auto_renewal_id: int, gateway: str, page: str, *, now: datetime) -> Payment:
    with transaction.atomic():
        auto_renewal = _own(actor, auto_renewal_id)
        Organization.objects.select_for_update(no_key=True).get(pk=auto_renewal.payer_id)
        [auto_renewal] = auto_renewals.lock([auto_renewal.pk])
        _refuse_unrecoverable(auto_renewal, now=now)
        billing = BillingProfile.objects.filter(organization=auto_renewal.payer).first()
        return payment_actions.create_payment(
            payment_actions.PaymentRequest(
                purpose=Purpose.AUTO_RENEWAL,
                subject=str(auto_renewal.pk),
                payer=auto_renewal.payer,
                amount_minor=0,
                currency=auto_renewal.currency,
                gateway=gateway,
                description=_("SmartPlus: a card for auto-renewals"),
                customer_email=billing.email if billing else "",
                return_url=f"{page}?back=1",
                cancel_url=page,
                save_method=True,
                consent_by=User.objects.get(pk=actor.user_id or 0),
                is_setup=True,
            ),
            now=now,
        )


def settle_setup(payment_id: int, remote: payment_actions.Remote | None, *, now: datetime) -> None:
    """Keep the card that the gateway has stored, and use it. May be called any number of times. Locks as `change_card`, then payment."""
    if remote is None:
        return
    with transaction.atomic():
        payment = Payment.objects.select_related("consent_by").get(pk=payment_id)
        auto_renewal = AutoRenewal.objects.get(pk=payment.subject)
        _lock(auto_renewal)
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        was_done = payment.state == State.SUCCEEDED
        payment_actions.apply_remote_state(payment, remote, now=now)
        if was_done or payment.state != State.SUCCEEDED:
            return
        if payment_actions.mismatch_of(payment, remote, is_setup=True) is not None:
            log.error("the card of payment %s is not what we asked for", payment.pk)
            return
        method = payment_actions.keep_method(payment, remote, now=now)
        if method is None:
            return
        try:
            with transaction.atomic():
                who = str(payment.consent_by) if payment.consent_by else ""
                _use(replace(CHECKOUT, label=who), auto_renewal, method, now=now)
        except (Refused, MayNotPay) as refused:  # stopped or lapsed while the card was entered; the card is kept
            log.warning("auto-renewal %s can't use its new card: %s", auto_renewal.pk, refused)


def remove_card(actor: Actor, *, method_id: int, stops: int = 0, now: datetime) -> None:
    """Remove a stored card and stop the auto-renewals that use it; the card's holder agreed to that.

    `stops` is the number of auto-renewals that the page named; another number is refused, so that none ends unannounced.
    """
    if not rights.may_pay(actor):
        raise NotPermitted
    with transaction.atomic():
        card = PaymentMethod.objects.visible_to(actor).get(pk=method_id)
        ids = renewed_by(card)
        locked = auto_renewals.lock(auto_renewals.sharing_orders(ids))
        active = [row for row in locked if row.method_id == card.pk and row.state == ACTIVE]
        if len(active) != stops:
            raise Refused(
                _("%(card)s pays other auto-renewals than you were shown. Look at them again.") % {"card": card.label}
            )
        for auto_renewal in active:
            auto_renewals.close(
                auto_renewal, ENDED, Reason("card_removed_by", {"name": actor.label}), actor=actor, now=now
            )
    payment_actions.remove_method(actor, method_id=method_id, now=now)
    modes.refresh_for_card(method_id)  # auto-renewals that got the card meanwhile


def renewed_by(card: PaymentMethod) -> list[int]:
    """The active auto-renewals that a card pays."""
    return list(AutoRenewal.objects.filter(method=card, state=ACTIVE).order_by("pk").values_list("pk", flat=True))


def is_used(auto_renewal: AutoRenewal, setup: Payment) -> bool:
    """Whether the auto-renewal uses the card that this finished setup stored: it is active, with a card of that consent."""
    method = auto_renewal.method
    return auto_renewal.state == ACTIVE and (method.consent_at, method.consent_by_id) == (
        setup.consent_at,
        setup.consent_by_id,
    )


def is_recoverable(auto_renewal: AutoRenewal, *, now: datetime) -> bool:
    """Whether another card can still help: the auto-renewal is active, or suspended with items that have not lapsed."""
    if auto_renewal.state == ACTIVE:
        return True
    return auto_renewal.state == SUSPENDED and bool(_resumable(auto_renewal, now))


def _own(actor: Actor, auto_renewal_id: int) -> AutoRenewal:
    """The auto-renewal, if the actor may choose its card: a member of its payer who manages subscriptions."""
    if not rights.may_pay(actor):
        raise NotPermitted
    auto_renewal = AutoRenewal.objects.visible_to(actor).select_related("payer", "method").get(pk=auto_renewal_id)
    rights.refuse_others_card(actor, auto_renewal)
    return auto_renewal


def _lock(auto_renewal: AutoRenewal) -> list[AutoRenewal]:
    """Lock sites, payer, and the auto-renewal with those that share its open order."""
    ids = auto_renewals.sharing_orders([auto_renewal.pk])
    sites = AutoRenewalItem.objects.filter(auto_renewal__in=ids).values("site_id")
    list(Site.every.filter(pk__in=sites).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    Organization.objects.select_for_update(no_key=True).get(pk=auto_renewal.payer_id)
    return auto_renewals.lock(
        auto_renewals.sharing_orders(ids)
    )  # read again: the transaction that held the payer may have put them into one order


def _use(actor: Actor, auto_renewal: AutoRenewal, method: PaymentMethod, *, now: datetime) -> AutoRenewal:
    rows = _lock(auto_renewal)
    auto_renewal = next(row for row in rows if row.pk == auto_renewal.pk)
    _refuse_unrecoverable(auto_renewal, now=now)
    orders = Order.objects.select_for_update(of=("self",), no_key=True).filter(state=Order.State.PROCESSING)
    order = orders.filter(pk=auto_renewal.renewal_id or 0).first()
    payment_actions.hold_method(method.gateway, method.gateway_ref)
    method.refresh_from_db()
    if not method.is_usable:
        raise MethodUnusable
    if order is not None:
        transitions.log_event(order, "card", now=now, actor=actor, method=method.named)
        if order.next_try_at is not None:  # if it is being charged now, its failure tries the new card at once
            order.next_try_at = now
            order.save(update_fields=["next_try_at"])
    for row in rows:
        before = {"state": row.state, "card": row.method.label}
        is_due = row.state == SUSPENDED
        if is_due:
            _resume(row, now)
        row.method, row.version = method, row.version + 1
        row.save(update_fields=["method", "version"])
        if not is_due:
            auto_renewals.reschedule([row], now=now)
        after = {"state": row.state, "card": method.label}
        audit.record(actor, CARD_CHANGED, row, now=now, tenant=row.payer, before=before, after=after)
    modes.refresh(row.pk for row in rows)
    return auto_renewal


def _refuse_unrecoverable(auto_renewal: AutoRenewal, *, now: datetime) -> None:
    if auto_renewal.state == ENDED:
        raise Refused(_("This auto-renewal has ended; another card does not bring it back."))
    if not is_recoverable(auto_renewal, now=now):
        raise Refused(_("Its paid time has lapsed, so it can't be renewed by itself any more. Nothing was charged."))
    if not rights.may_still_pay(auto_renewal.payer, auto_renewal.installer):
        raise MayNotPay


def _resumable(auto_renewal: AutoRenewal, now: datetime) -> list[int]:
    """Items that left when the auto-renewal was suspended, if they still run, are on or wait for a household, and are under no other
    auto-renewal."""
    running = Entitlement.objects.in_force(now)
    running = running.filter(~Q(variant="") | Q(pk__in=running.vacant().values("pk")))
    elsewhere = AutoRenewalItem.objects.live().values("entitlement_id")
    left = auto_renewal.items.filter(is_live=False, entitlement__in=running).exclude(entitlement__in=elsewhere)
    return list(left.filter(reason=auto_renewal.reason).values_list("pk", flat=True))


def _resume(auto_renewal: AutoRenewal, now: datetime) -> None:
    AutoRenewalItem.objects.filter(pk__in=_resumable(auto_renewal, now)).update(is_live=True, reason="")
    auto_renewal.state, auto_renewal.reason, auto_renewal.reason_detail = ACTIVE, "", {}
    auto_renewal.tries, auto_renewal.ended_at, auto_renewal.next_due_at = 0, None, now
    auto_renewal.save(update_fields=["state", "reason", "reason_detail", "tries", "ended_at", "next_due_at"])
