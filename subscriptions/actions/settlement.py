"""Settlement: the only path from verified money to paid time."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Organization
from accounts.scope import Actor
from communities.models import Site
from payments import actions as payment_actions
from payments import events
from payments.errors import OtherAccount, PaymentOpen
from payments.kinds import Topic
from payments.models import LIVE, GatewayEvent, Payment, PaymentMethod, Purpose, State
from payments.models import Kind as PaymentKind
from subscriptions import audit_sentences, notices
from subscriptions.actions import auto_renewals, cards, modes, request_decisions, transitions
from subscriptions.actions.fulfilment import SETTLEMENT, fulfil
from subscriptions.errors import NotApplied
from subscriptions.models import AutoRenewal, AutoRenewalItem, Order, OrderLine
from subscriptions.reasons import Reason

log = logging.getLogger("smartplus.settlement")
ORDER_IN_REVIEW = audit.Word(
    "order.review",
    gettext_lazy("Order put under review"),
    gettext_lazy("Order %(what)s put under review"),
    area=audit.Area.ORDERS,
)
PAID_TWICE = audit.Word(
    "payment.duplicate",
    gettext_lazy("Order paid twice"),
    gettext_lazy("%(what)s was paid twice"),
    area=audit.Area.ORDERS,
    tells=audit_sentences.paid_twice,
)


def settle(payment_id: int, *, now: datetime, named: str = "") -> Order | None:
    """Bring an order into line with what the gateway reports of its payment; the only function that fulfils (R49–R52).

    Called by webhook events, jobs and pages, any number of times, in any order, by any number of processes. Asks the gateway first, outside
    any transaction; raises GatewayUnavailable when it does not answer. Then it writes the answer under the locks, in the lock order, and
    applies verified money exactly once. `named` is the object that an event named.
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
        remote, second = second, None  # the named object has the money
    if payment.purpose == Purpose.AUTO_RENEWAL:
        cards.settle_setup(payment.pk, remote, now=now)
        return None
    try:
        order = _settle_order(payment, remote, second, now=now)
    except NotApplied as problem:  # everything was rolled back; the money stays, so the operator has to decide
        log.warning("payment %s: %s", payment.pk, problem)
        order = _settle_order(payment, remote, second, now=now, applies=False)
    if payment.method_id and remote is not None and remote.state == payment_actions.RemoteState.DECLINED:
        modes.refresh_for_card(
            payment.method_id
        )  # the modes of other items with this card; if the process dies before, the job of the summary writes them
    return order


@transaction.atomic
def _settle_order(
    payment: Payment,
    remote: payment_actions.Remote | None,
    second: payment_actions.Remote | None,
    *,
    now: datetime,
    applies: bool = True,
) -> Order | None:
    """Write the gateway's answer under the locks, and what follows from it. With `applies` False, money that would be applied puts the
    order under review. Raises NotApplied."""
    found = lock_all(_paid_by(payment).values("pk"))
    if found is None:
        return None
    order, touched = found
    payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    was_succeeded, was_declined = payment.state == State.SUCCEEDED, payment.decline_code
    changed = remote is not None and payment_actions.apply_remote_state(payment, remote, now=now)
    if remote is not None and payment.state == State.SUCCEEDED:
        _accept_money(order, touched, payment, remote, is_news=not was_succeeded, applies=applies, now=now)
        if second is not None:
            _alarm_duplicate_payment(order, payment, second.payment_ref, now=now)
    elif payment.state in {State.DECLINED, State.EXPIRED}:
        _record_end(order, payment, is_news=changed, now=now)
    elif order.is_open and payment.decline_code:  # the page stays open for another card
        ref = remote.declined_ref if remote is not None else ""
        _record_decline(order, payment, ref, is_news=payment.decline_code != was_declined, now=now)
    return order


def _paid_by(payment: Payment) -> QuerySet[Order]:
    """The order that a payment is for; None where it is for something else."""
    return Order.objects.filter(number=payment.subject if payment.purpose == Purpose.ORDER else "")


def _record_end(order: Order, payment: Payment, *, is_news: bool, now: datetime) -> None:
    """A payment ended without money: the payer may try again, and the retry schedule of an auto-renewal continues, once for each try (R44)."""
    if payment.decline_code == payment_actions.FORGOTTEN:
        _alarm_forgotten(order, payment, now=now)
    if order.type == Order.Type.AUTO_RENEWAL:
        is_noted = order.next_try_at is not None
        is_old = Payment.objects.of_order(order.number).filter(pk__gt=payment.pk).exists()
        if order.state == Order.State.PROCESSING and not is_noted and not is_old:
            auto_renewals.record_failure(order, payment, actor=SETTLEMENT, now=now)
            order.refresh_from_db(fields=["state", "closed_at", "next_try_at"])
    elif is_news and payment.state == State.DECLINED:
        transitions.log_event(order, "declined", now=now, reason=Reason(payment.decline_code).stored())
    elif is_news and order.is_open and payment.decline_code != payment_actions.FORGOTTEN:
        transitions.log_event(order, "session_ended", now=now)


def _alarm_other_account(payment: Payment, problem: OtherAccount, *, now: datetime) -> None:
    """Our keys do not belong to the account of the card or payment: nothing is decided, and the operator is mailed, once."""
    with transaction.atomic():
        order = _paid_by(payment).select_for_update(of=("self",), no_key=True).first()
        if order is None or order.events.filter(kind="other_account", detail__payment=payment.pk).exists():
            return
        transitions.log_event(order, "other_account", now=now, payment=payment.pk, gateway=payment.gateway_label)
        key = f"other-account:{payment.pk}"
        notices.order_needs_operator(order, kind="other_account", reason="", key=key, now=now)
        log.error("order %s, payment %s: %s", order.number, payment.pk, problem.detail)


def _record_decline(order: Order, payment: Payment, ref: str, *, is_news: bool, now: datetime) -> None:
    """A card was declined on a page that stays open: each attempt is recorded once, also where the next card fails for the same reason."""
    is_told = order.events.filter(kind="declined", detail__attempt=ref).exists() if ref else not is_news
    if not is_told:
        transitions.log_event(order, "declined", now=now, reason=Reason(payment.decline_code).stored(), attempt=ref)


def _alarm_forgotten(order: Order, payment: Payment, *, now: datetime) -> None:
    """The gateway does not know the payment any more: the operator is mailed, once, and has to look for the money."""
    if order.events.filter(kind="forgotten", detail__payment=payment.pk).exists():
        return
    reason = Reason(payment_actions.FORGOTTEN)
    transitions.log_event(order, "forgotten", now=now, payment=payment.pk, gateway=payment.gateway_label)
    notices.order_needs_operator(order, kind="forgotten", reason=reason, key=f"forgotten:{payment.pk}", now=now)
    log.error("order %s: the gateway does not know payment %s any more", order.number, payment.pk)


def lock_order(order_id: int) -> Order:
    """Lock sites, payer, auto-renewals and order, in that order."""
    found = lock_all(Order.objects.filter(pk=order_id).values("pk"))
    if found is None:
        raise Order.DoesNotExist
    return found[0]


def lock_all(chosen: QuerySet[Order, Any]) -> tuple[Order, list[AutoRenewal]] | None:
    """As `lock_order`, and return the auto-renewals that the order may change; None where there is no such order. Lines never change, so
    the sites are known before; `chosen` selects the order's id."""
    sites = OrderLine.objects.filter(order__in=chosen).values("site_id")
    list(Site.every.filter(pk__in=sites).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    payer = Order.objects.filter(pk__in=chosen).values("payer_id")
    # no_key: otherwise rows that refer to the payer (audit, payments) would wait for us while holding what we lock next
    list(Organization.objects.filter(pk__in=payer).select_for_update(no_key=True).values_list("pk"))
    items = AutoRenewalItem.objects.live().filter(entitlement__lines__order__in=chosen)
    touched = auto_renewals.lock(Q(pk__in=items.values("auto_renewal_id")) | Q(renewal__in=chosen))
    orders = Order.objects.select_for_update(of=("self",), no_key=True).select_related("payer", "installer")
    order = orders.filter(pk__in=chosen).first()
    return None if order is None else (order, touched)


def _accept_money(
    order: Order,
    touched: list[AutoRenewal],
    payment: Payment,
    remote: payment_actions.Remote,
    *,
    is_news: bool,
    applies: bool,
    now: datetime,
) -> None:
    """Verified money has arrived: fulfil, honour it late, or put the order under review; never drop it (R50, R52).

    Any number of times from every state: what was decided about this money stays decided. Raises NotApplied where `applies` is set.
    """
    if order.state in {Order.State.SUCCEED, Order.State.REFUNDED}:
        if is_news:  # this money was used or paid back before
            _alarm_duplicate_payment(order, payment, payment.gateway_payment_ref, now=now)
        return
    if order.state == Order.State.REVIEW:
        if is_news:  # the order is under review anyway, and the operator has to see this money too
            _alarm_duplicate_payment(order, payment, payment.gateway_payment_ref, now=now)
        return
    mismatch = payment_actions.mismatch_of(payment, remote)
    if mismatch is not None:
        _review(order, "mismatch", now=now, reason=Reason(mismatch.code, mismatch.detail))
        return
    if not applies:
        _review(order, "unapplied", now=now, reason=Reason("items_changed"))
        return
    timeline = []
    if order.auto_renew and remote.method is not None:
        payment_actions.hold_method(payment.gateway, remote.method.ref)  # before the items, as the lock order wants
    if order.state != Order.State.PROCESSING:
        if not transitions.reserve(order):
            _review(order, "late", now=now, reason=Reason("items_elsewhere"))
            return
        timeline.append(transitions.new_event(order, "late", now=now))
    told: dict[str, Any] = {"gateway": payment.gateway_label, "payment_ref": payment.gateway_payment_ref}
    timeline.append(transitions.new_event(order, "confirmed", now=now, **told))
    fulfil(order, now=now, touched=auto_renewals.changed_by(order, touched), timeline=timeline)
    if order.auto_renew:
        method = payment_actions.keep_method(payment, remote, now=now)
        if method is None or auto_renewals.create_auto_renewal(order, method, now=now) is None:
            transitions.log_event(order, "no_auto_renewal", now=now)


def _alarm_duplicate_payment(order: Order, payment: Payment, ref: str, *, now: datetime) -> None:
    """More money came than the order costs: the operator pays it back. Once for each of the gateway's objects."""
    if order.events.filter(kind="duplicate_payment", detail__payment_ref=ref).exists():
        return
    transitions.log_event(order, "duplicate_payment", now=now, payment=payment.pk, payment_ref=ref)
    audit.record(
        SETTLEMENT,
        PAID_TWICE,
        payment,
        now=now,
        tenant=order.payer,
        after={"captured_minor": payment.captured_minor, "payment_ref": ref},
    )
    notices.order_needs_operator(
        order, kind="duplicate_payment", reason="", key=f"duplicate-payment:{payment.pk}.{ref}", now=now
    )
    log.error("order %s was paid twice, %s of payment %s has to be refunded", order.number, ref, payment.pk)


def _review(order: Order, kind: str, *, now: datetime, reason: Reason) -> None:
    before = order.state
    transitions.transition(order, Order.State.REVIEW, now=now)
    transitions.log_event(order, kind, now=now, reason=reason.stored())
    audit.record(
        SETTLEMENT,
        ORDER_IN_REVIEW,
        order,
        now=now,
        tenant=order.payer,
        before={"state": before},
        after={"state": order.state, "reason": reason.stored()},
    )
    notices.order_needs_operator(order, kind=kind, reason=reason, key=f"review:{order.pk}.{kind}", now=now)
    log.error("order %s is under review: %s", order.number, reason)


def close_unpaid(order_id: int, state: str, *, actor: Actor, now: datetime, because: str = "") -> Order:
    """Close an unpaid order: first its payment page, so that no money can arrive for released items, then the order (R53). `because` is an
    event of the timeline with the reason.

    If the gateway reports that the money arrived, the order is fulfilled instead. While a payment is unknown the order stays open and
    GatewayUnavailable is raised.
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
            if open_payments.exists():  # not known to have ended, or begun since the first look
                raise PaymentOpen
            if because:
                transitions.log_event(order, because, now=now)
            transitions.close(order, state, now=now, actor=actor)
            request_decisions.record_closed_unpaid(order, now=now)
        return order


def process_event(event: GatewayEvent, *, now: datetime) -> bool:
    """Do what an event asks for; safe to repeat. False where it concerns nothing of ours."""
    if event.topic == Topic.METHOD:
        is_ours = payment_actions.follow_method(event.gateway, event.object_ref, now=now)
        stored = PaymentMethod.objects.filter(gateway=event.gateway, gateway_ref=event.object_ref).order_by("pk")
        for method_id in stored.values_list("pk", flat=True):
            modes.refresh_for_card(method_id)
        return is_ours
    payment = events.payment_of(event)
    if payment is not None:
        settle_reported(event, payment.pk, now=now)
    elif event.says_paid and event.request_key:
        log.warning("event %s tells of money for a request that is not in this database", event.event_id)
    return payment is not None


def settle_reported(event: GatewayEvent, payment_id: int, *, now: datetime) -> None:
    """Settle the payment that an event is about, by the object that the event names.

    If the event reported money and the object shows none, the operator is mailed and PaymentOpen raised: such an event is never done, and
    nothing more is charged for its order.
    """
    settle(payment_id, now=now, named=event.object_ref)
    payment = Payment.objects.get(pk=payment_id)
    if not event.says_paid or payment.state == State.SUCCEEDED or payment.kind == PaymentKind.SETUP:
        return
    with transaction.atomic():
        order = _paid_by(payment).select_for_update(of=("self",), no_key=True).select_related("payer").first()
        if order is not None and not order.events.filter(kind="unfound", detail__payment=payment.pk).exists():
            transitions.log_event(order, "unfound", now=now, payment=payment.pk, gateway=payment.gateway_label)
            notices.order_needs_operator(order, kind="unfound", reason="", key=f"unfound:{payment.pk}", now=now)
    log.error("event %s tells of money for payment %s, which is %s", event.event_id, payment.pk, payment.state)
    raise PaymentOpen(f"told of money, yet the payment is {payment.state}")


def settle_earlier_attempts(number: str, *, now: datetime) -> None:
    """Ask about those attempts of an order that ended here, and close them at the gateway, before another one may charge.

    Raises GatewayUnavailable where the state is not known now: then nothing new may be charged either.
    """
    for payment_id in Payment.objects.unclosed().of_order(number).values_list("pk", flat=True):
        payment_actions.expire(payment_id, now=now)
        settle(payment_id, now=now)


def settle_order(number: str, *, now: datetime) -> int:
    """Ask the gateway about an order's live payments now, because its payer came back. Returns how many there were."""
    return _settle_live(Payment.objects.of_order(number), now=now)


def settle_setups(auto_renewal_id: int, *, now: datetime) -> int:
    """Ask the gateway now about cards that are being stored for an auto-renewal. Returns how many there were."""
    return _settle_live(Payment.objects.filter(purpose=Purpose.AUTO_RENEWAL, subject=str(auto_renewal_id)), now=now)


def _settle_live(payments: QuerySet[Payment], *, now: datetime) -> int:
    ids = list(payments.filter(state__in=LIVE).order_by("pk").values_list("pk", flat=True))
    for payment_id in ids:
        settle(payment_id, now=now)
    return len(ids)
