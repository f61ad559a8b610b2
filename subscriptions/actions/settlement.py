"""Settling: the one way from verified money to paid time, and what is done about payments that hang."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organization
from accounts.scope import Actor
from communities import catalogue
from communities.models import Entitlement, Site
from payments import actions as payment_actions
from payments import events
from payments.errors import OtherAccount, PaymentOpen
from payments.kinds import Topic
from payments.models import LIVE, GatewayEvent, Payment, PaymentMethod, Purpose, State
from payments.models import Kind as PaymentKind
from subscriptions import notices, setwise
from subscriptions.actions import agreements, cards, modes, moves, requests
from subscriptions.errors import ItemHeld
from subscriptions.models import Order, OrderLine, Subscription, SubscriptionItem
from subscriptions.reasons import Reason

log = logging.getLogger("smartplus.settlement")

SETTLEMENT = Actor.system("settlement")


def settle(payment_id: int, *, now: datetime, named: str = "") -> Order | None:
    """Bring an order to what the gateway says about its payment; the one way to fulfil (R49–R52).

    Called by the webhook's task, the janitor and reconciliation alike, any number of times, in any order, by any number of
    processes. Asks the gateway first, outside any transaction; raises GatewayUnavailable when it does not answer. Then, under
    the locks in the one order, notes the answer and applies verified money exactly once. `named` is the object that an event named.
    """
    payment = Payment.objects.get(pk=payment_id)
    try:
        remote = payment_actions.look_up(payment, now=now, named=named)
    except OtherAccount as problem:
        _alarm_other_account(payment, problem, now=now)
        raise
    second = payment_actions.second_object(payment, remote, named)
    if second is not None and second.state != payment_actions.RemoteState.SUCCEEDED:
        second = None
    elif second is not None and (remote is None or remote.state != payment_actions.RemoteState.SUCCEEDED):
        remote, second = second, None  # that one has the money
    if payment.purpose == Purpose.AUTO_RENEWAL:
        cards.settle_setup(payment.pk, remote, now=now)
        return None
    order_id = _paid_by(payment).values_list("pk", flat=True).first()
    if order_id is None:
        return None
    with transaction.atomic():
        order = lock_order(order_id)
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        was_succeeded, was_declined = payment.state == State.SUCCEEDED, payment.decline_code
        changed = remote is not None and payment_actions.note(payment, remote, now=now)
        if remote is not None and payment.state == State.SUCCEEDED:
            _take_money(order, payment, remote, is_news=not was_succeeded, now=now)
            if second is not None:
                _alarm_surplus(order, payment, second.payment_ref, now=now)
        elif payment.state in {State.DECLINED, State.EXPIRED}:
            _note_end(order, payment, is_news=changed, now=now)
        elif order.is_open and payment.decline_code:  # its page stays open for another card
            ref = remote.declined_ref if remote is not None else ""
            _note_decline(order, payment, ref, is_news=payment.decline_code != was_declined, now=now)
    if changed and payment.is_hard_decline and payment.method_id:
        modes.follow_card(payment.method_id)  # what else it renews; where we die before, the job of the summary does it
    return order


def _paid_by(payment: Payment) -> QuerySet[Order]:
    """The order that a payment is for; none where it is for something else."""
    return Order.objects.filter(number=payment.subject if payment.purpose == Purpose.ORDER else "")


def _note_end(order: Order, payment: Payment, *, is_news: bool, now: datetime) -> None:
    """A payment ended without money: a person may try again, and so does the ladder of an auto-renewal, once for each try (R44)."""
    if payment.decline_code == payment_actions.FORGOTTEN:
        _alarm_forgotten(order, payment, now=now)
    if order.type == Order.Type.AUTO_RENEWAL:
        is_noted = order.next_try_at is not None
        is_old = Payment.objects.of_order(order.number).filter(pk__gt=payment.pk).exists()
        if order.state == Order.State.PROCESSING and not is_noted and not is_old:
            agreements.note_failure(order, payment, actor=SETTLEMENT, now=now)
            order.refresh_from_db(fields=["state", "closed_at", "next_try_at"])
    elif is_news and payment.state == State.DECLINED:
        moves.tell(order, "declined", now=now, reason=Reason(payment.decline_code).stored())
    elif is_news and order.is_open and payment.decline_code != payment_actions.FORGOTTEN:
        moves.tell(order, "session_ended", now=now)


def _alarm_other_account(payment: Payment, problem: OtherAccount, *, now: datetime) -> None:
    """Our keys are not those of the account where the card or the payment lies: nothing is decided, the operator is told. Once."""
    with transaction.atomic():
        order = _paid_by(payment).select_for_update(of=("self",), no_key=True).first()
        if order is None or order.events.filter(kind="other_account", detail__payment=payment.pk).exists():
            return
        moves.tell(order, "other_account", now=now, payment=payment.pk, gateway=payment.gateway_label)
        key = f"other-account:{payment.pk}"
        notices.order_needs_operator(order, kind="other_account", reason="", key=key, now=now)
        log.error("order %s, payment %s: %s", order.number, payment.pk, problem.detail)


def _note_decline(order: Order, payment: Payment, ref: str, *, is_news: bool, now: datetime) -> None:
    """A card was declined on a page that stays open: each attempt is told once, also where the next card fails for the same reason."""
    is_told = order.events.filter(kind="declined", detail__attempt=ref).exists() if ref else not is_news
    if not is_told:
        moves.tell(order, "declined", now=now, reason=Reason(payment.decline_code).stored(), attempt=ref)


def _alarm_forgotten(order: Order, payment: Payment, *, now: datetime) -> None:
    """The gateway knows nothing of the payment any more: the operator looks where the money went, if there was any. Once."""
    if order.events.filter(kind="forgotten", detail__payment=payment.pk).exists():
        return
    reason = Reason(payment_actions.FORGOTTEN)
    moves.tell(order, "forgotten", now=now, payment=payment.pk, gateway=payment.gateway_label)
    notices.order_needs_operator(order, kind="forgotten", reason=reason, key=f"forgotten:{payment.pk}", now=now)
    log.error("order %s: the gateway does not know payment %s any more", order.number, payment.pk)


def lock_order(order_id: int) -> Order:
    """Lock sites, payer, agreements and order, in that order. Lines never change, so the sites are known beforehand."""
    sites = OrderLine.objects.filter(order_id=order_id).values("site_id")
    list(Site.objects.filter(pk__in=sites).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    payer = Order.objects.filter(pk=order_id).values("payer_id")
    # no_key: every row that names the payer (an audit row, a payment) would else wait behind us, holding what we want next
    list(Organization.objects.filter(pk__in=payer).select_for_update(no_key=True).values_list("pk"))
    items = SubscriptionItem.objects.live().filter(entitlement__lines__order=order_id)
    agreements.lock(
        Subscription.objects.filter(Q(pk__in=items.values("subscription_id")) | Q(renewal=order_id)).values_list(
            "pk", flat=True
        )
    )
    return Order.objects.select_for_update(of=("self",), no_key=True).select_related("payer").get(pk=order_id)


def _take_money(
    order: Order, payment: Payment, remote: payment_actions.Remote, *, is_news: bool, now: datetime
) -> None:
    """Verified money is here: fulfil, honour it late, or put the order under review; never drop it (R50, R52).

    From every state any number of times: what was decided about this money stays decided.
    """
    if order.state in {Order.State.SUCCEED, Order.State.REFUNDED}:
        if is_news:  # this order's money had come and was used or paid back before
            _alarm_surplus(order, payment, payment.gateway_payment_ref, now=now)
        return
    if order.state == Order.State.REVIEW:
        if is_news:  # somebody decides about the order anyway, and has to know of this too
            _alarm_surplus(order, payment, payment.gateway_payment_ref, now=now)
        return
    mismatch = payment_actions.matches(payment, remote)
    if mismatch is not None:
        _review(order, "mismatch", now=now, reason=Reason(mismatch.code, mismatch.detail))
        return
    if order.state != Order.State.PROCESSING:
        if not moves.reserve(order):
            _review(order, "late", now=now, reason=Reason("items_elsewhere"))
            return
        moves.tell(order, "late", now=now)
    moves.tell(order, "confirmed", now=now, gateway=payment.gateway_label, payment_ref=payment.gateway_payment_ref)
    fulfil(order, now=now)
    if order.auto_renew:
        method = payment_actions.keep_method(payment, remote, now=now)
        if method is None or agreements.make_agreement(order, method, now=now) is None:
            moves.tell(order, "no_agreement", now=now)


def _alarm_surplus(order: Order, payment: Payment, ref: str, *, now: datetime) -> None:
    """More money than the order costs: the operator pays it back. Once for each of the gateway's objects."""
    if order.events.filter(kind="surplus", detail__payment_ref=ref).exists():
        return
    moves.tell(order, "surplus", now=now, payment=payment.pk, payment_ref=ref)
    audit.record(
        SETTLEMENT,
        "payment.surplus",
        payment,
        now=now,
        tenant=order.payer,
        after={"captured_minor": payment.captured_minor, "payment_ref": ref},
    )
    notices.order_needs_operator(order, kind="surplus", reason="", key=f"surplus:{payment.pk}.{ref}", now=now)
    log.error("order %s was paid twice, %s of payment %s has to be refunded", order.number, ref, payment.pk)


def _review(order: Order, kind: str, *, now: datetime, reason: Reason) -> None:
    before = order.state
    moves.move(order, Order.State.REVIEW, now=now)
    moves.tell(order, kind, now=now, reason=reason.stored())
    audit.record(
        SETTLEMENT,
        "order.review",
        order,
        now=now,
        tenant=order.payer,
        before={"state": before},
        after={"state": order.state, "reason": reason.stored()},
    )
    notices.order_needs_operator(order, kind=kind, reason=reason, key=f"review:{order.pk}.{kind}", now=now)
    log.error("order %s is under review: %s", order.number, reason)


def fulfil(order: Order, *, now: datetime) -> None:
    """Apply a paid order: every line's duration from the base of this moment, once, all in the caller's transaction (R49, R52).

    The caller holds the locks of sites, payer and order. The number of statements is the same for one line and for ten thousand.
    Raises ItemHeld, and nothing is applied, where an item is not the order's any more.
    """
    before = order.state
    moves.move(order, Order.State.SYSTEM_PROCESSING, now=now)
    held = Entitlement.objects.filter(lines__order=order, reserved_by=order.pk).order_by("pk")
    if len(held.select_for_update(of=("self",), no_key=True).values_list("pk")) != order.line_count:
        raise ItemHeld(_("Some items are not in order %(number)s any more.") % {"number": order.number})
    made = setwise.extensions(setwise.bases(order), now=now)
    if setwise.apply(order, made, now=now) != order.line_count:
        raise ItemHeld(_("Some items of order %(number)s changed while it was applied.") % {"number": order.number})
    _switch_on(order, now=now)
    touched = agreements.lock(agreements.of_order(order))
    if order.type == Order.Type.AUTO_RENEWAL:
        agreements.note_success(order, touched, now=now)
    else:
        agreements.reschedule(touched, now=now)
    moves.move(order, Order.State.SUCCEED, now=now)
    until, zone = max((extension.ends_at, extension.base.zone) for extension in made)
    moves.tell(order, "applied", now=now, items=order.line_count, until=until.isoformat())
    requests.note_paid(order, now=now)
    notices.order_succeeded(order, until=until, zone=zone, now=now)
    audit.record(
        SETTLEMENT,
        "order.succeeded",
        order,
        now=now,
        tenant=order.payer,
        before={"state": before},
        after={"state": order.state, "items": order.line_count, "total_minor": order.total_minor},
    )


def _switch_on(order: Order, *, now: datetime) -> None:
    """Activating the first PM App of a community switches it on there (R13). The sites are locked."""
    for entry in catalogue.HOLDING:
        of_order = Entitlement.objects.filter(lines__order=order, service_type=entry.code)
        sites = list(Site.objects.filter(entitlements__in=of_order, **{entry.holds: False}).distinct().order_by("pk"))
        if not sites:
            continue
        Site.objects.filter(pk__in=[site.pk for site in sites]).update(version=F("version") + 1, **{entry.holds: True})
        audit.record_all(
            audit.event(
                SETTLEMENT,
                "site.pm_app_switched_on",
                site,
                now=now,
                tenant=site,
                site_id=site.pk,
                before={entry.holds: False},
                after={entry.holds: True, "order": order.number},
            )
            for site in sites
        )


def give_up(order_id: int, state: str, *, actor: Actor, now: datetime, because: str = "") -> Order:
    """Close an unpaid order: its pay page first, so that no money can arrive for released items; then the order (R53).
    `because` is a step of its story that says why.

    When the gateway says the money is already there, the order is fulfilled instead. While a payment is unknown the order stays
    open and GatewayUnavailable is raised.
    """
    mine = Payment.objects.of_order(Order.objects.values_list("number", flat=True).get(pk=order_id)).filter(
        state__in=LIVE
    )
    for payment in mine.order_by("pk"):
        payment_actions.expire(payment.pk, now=now)
        settle(payment.pk, now=now)
    with transaction.atomic():
        order = lock_order(order_id)
        open_payments = mine.select_for_update(no_key=True)
        if order.state == Order.State.PROCESSING:
            if open_payments.exists():  # not known to have ended, or begun since we looked
                raise PaymentOpen
            if because:
                moves.tell(order, because, now=now)
            moves.close(order, state, now=now, actor=actor)
            requests.note_given_up(order, now=now)
        return order


def work_on(event: GatewayEvent, *, now: datetime) -> bool:
    """Do what an event asks for, once or many times; False where it is about nothing of ours."""
    if event.topic == Topic.METHOD:
        is_ours = payment_actions.follow_method(event.gateway, event.object_ref, now=now)
        for method_id in PaymentMethod.objects.filter(gateway=event.gateway, gateway_ref=event.object_ref).values_list(
            "pk", flat=True
        ):
            modes.follow_card(method_id)
        return is_ours
    payment = events.payment_of(event)
    if payment is not None:
        settle_told(event, payment.pk, now=now)
    elif event.says_paid and event.request_key:
        log.warning("event %s tells of money for a request that is not in this database", event.event_id)
    return payment is not None


def settle_told(event: GatewayEvent, payment_id: int, *, now: datetime) -> None:
    """Settle the payment that an event is about, by the very object that it names.

    Where the gateway told of money and its books show none, the operator is told and PaymentOpen raised: such an event is never
    done, and nothing more is charged for its order.
    """
    settle(payment_id, now=now, named=event.object_ref)
    payment = Payment.objects.get(pk=payment_id)
    if not event.says_paid or payment.state == State.SUCCEEDED or payment.kind == PaymentKind.SETUP:
        return
    with transaction.atomic():
        order = _paid_by(payment).select_for_update(of=("self",), no_key=True).select_related("payer").first()
        if order is not None and not order.events.filter(kind="unfound", detail__payment=payment.pk).exists():
            moves.tell(order, "unfound", now=now, payment=payment.pk, gateway=payment.gateway_label)
            notices.order_needs_operator(order, kind="unfound", reason="", key=f"unfound:{payment.pk}", now=now)
    log.error("event %s tells of money for payment %s, which is %s", event.event_id, payment.pk, payment.state)
    raise PaymentOpen(f"told of money, yet the payment is {payment.state}")


def settle_earlier(number: str, *, now: datetime) -> None:
    """Ask about the attempts of an order that ended for us, and close them at the gateway, before another one may charge.

    Raises GatewayUnavailable where that can't be known now: then nothing new may be charged either.
    """
    for payment_id in Payment.objects.unclosed().of_order(number).values_list("pk", flat=True):
        payment_actions.expire(payment_id, now=now)
        settle(payment_id, now=now)


def settle_order(number: str, *, now: datetime) -> int:
    """Ask the gateway about an order's live payments now, because its payer came back. Returns how many there were."""
    return _settle_live(Payment.objects.of_order(number), now=now)


def settle_setups(agreement_id: int, *, now: datetime) -> int:
    """Ask the gateway now about the cards that are being stored for an auto-renewal. Returns how many there were."""
    return _settle_live(Payment.objects.filter(purpose=Purpose.AUTO_RENEWAL, subject=str(agreement_id)), now=now)


def _settle_live(payments: QuerySet[Payment], *, now: datetime) -> int:
    ids = list(payments.filter(state__in=LIVE).order_by("pk").values_list("pk", flat=True))
    for payment_id in ids:
        settle(payment_id, now=now)
    return len(ids)
