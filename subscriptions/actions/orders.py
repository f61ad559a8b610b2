"""Placing, paying and cancelling orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import terms
from accounts.errors import NotPermitted, Refused
from accounts.models import Document, Organization
from accounts.scope import Actor
from communities.models import Entitlement, PaymentMode, Site, targets
from payments import actions as payment_actions
from payments.errors import GatewayRefused, GatewayUnavailable
from payments.models import BillingProfile, Payment, PaymentMethod, Purpose
from payments.models import State as PaymentState
from subscriptions import rights, selections, words
from subscriptions.actions import carts, fulfilment, request_decisions, returns, settlement, transitions
from subscriptions.actions.opening import Purchase, open_order
from subscriptions.errors import (
    BillingIncomplete,
    IllegalTransition,
    ItemHeld,
    MayNotPay,
    NotBillable,
    NothingLeft,
    PriceChanged,
    TermsMissing,
    TermsNotAccepted,
)
from subscriptions.models import Cart, Order
from subscriptions.periods import Months
from subscriptions.pricing import quote
from subscriptions.quotes import Quote
from subscriptions.selections import Filter
from subscriptions.tables import table_for
from subscriptions.taxes import tax_for


@transaction.atomic
def place_order(
    actor: Actor,
    *,
    cart_id: int,
    fingerprint: str,
    terms_version: str | None,
    return_base: str,
    now: datetime,
    auto_renew: bool = False,
    renewals: int | None = None,
    gateway: str = "",
    reference: str = "",
    invoice_to: Mapping[str, Any] | None = None,
) -> Order:
    """Place an order for a cart, with frozen lines and a payment that waits to be started (R5, R39, R40, R48).

    `fingerprint` is that of the quote the person saw: with another price the order is refused and nothing changes. `terms_version` is the
    version of the Terms and Conditions that the person accepted: refused unless it is in force. A second submit of the same cart returns
    the same order. With `auto_renew` the card is stored, by the actor's consent, and the paid order creates an auto-renewal: every 30 days,
    `renewals` times or until it is stopped. `gateway` takes the payment, "" means the proposed one; refuses what it can't do or an amount
    it does not accept. `reference` is the payer's own, such as a PO number. `invoice_to` is billing information as in `save_billing`, saved
    only if the order is placed. Locks: cart → site → payer → order → payment → entitlement.
    """
    cart = (
        Cart.objects.visible_to(actor)
        .select_for_update(of=("self",), no_key=True)
        .select_related("selection", "installer__distributor")
        .get(pk=cart_id)
    )
    if cart.order is not None:
        return cart.order
    request_decisions.refuse_stale_cart(cart)
    installer = cart.installer
    if not installer.is_active or not rights.may_pay_for(actor, installer):
        raise MayNotPay
    accepted = accepted_terms(terms_version, now=now)
    chosen = carts.contents(cart, actor)
    sites = Site.every.filter(pk__in=chosen.order_by().values("site_id"))
    list(sites.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    payer = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization_id)
    if invoice_to is not None:
        payment_actions.save_billing(actor, organization=payer, now=now, **invoice_to)
    billing = complete_billing(payer)
    found = _quoted(actor, cart, billing, fingerprint=fingerprint, now=now)
    renews = auto_renew and found.total_minor > 0
    if found.total_minor:
        gateway = gateway or payment_actions.proposed()
        _refuse_gateway(found, gateway, renews=renews)
    order = open_order(
        actor,
        found,
        Purchase(
            type=Order.Type.ACTIVATION,
            term=Months(cart.months),
            payer=payer,
            installer=installer,
            site_kind=cart.site_kind,
            billing=billing,
            terms_version=accepted,
            terms_accepted_at=now,
            reference=reference,
            auto_renew=renews,
            renewals_wanted=renewals if renews else None,
        ),
        now=now,
    )
    cart.order = order
    cart.save(update_fields=["order"])
    if order.total_minor == 0:
        fulfilment.fulfil(order, now=now)
        if auto_renew:
            transitions.log_event(order, "no_auto_renewal", now=now)
    else:
        begin_payment(order, billing.email, gateway=gateway, return_base=return_base, now=now)
    return order


def complete_billing(payer: Organization) -> BillingProfile:
    """The billing information of this payer. Raises BillingIncomplete."""
    billing = BillingProfile.objects.filter(organization=payer).first()
    if billing is None or not billing.is_complete:
        raise BillingIncomplete
    return billing


def _refuse_gateway(found: Quote, gateway: str, *, renews: bool) -> None:
    """Raise where a gateway is not configured, does not accept this amount, or can't charge every 30 days for an auto-renewal."""
    payment_actions.refuse_unconfigured(gateway)
    if renews:
        payment_actions.refuse_not_renewable(gateway)
        payment_actions.refuse_unpayable(found.each_cycle_minor, found.currency, gateway)
    payment_actions.refuse_unpayable(found.total_minor, found.currency, gateway)


def _quoted(actor: Actor, cart: Cart, billing: BillingProfile, *, fingerprint: str, now: datetime) -> Quote:
    """The price of a locked cart, with its items locked and read again. Refuses ticked items that can't be activated any more, and any
    difference from what was shown, described in words if the cart stores what was shown (R40)."""
    chosen = carts.contents(cart, actor)
    locked = set(chosen.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    items = selections.alike(carts.available(cart, actor))
    keys = {key for item in items for key in item.keys}
    ticked = Filter.read(cart.selection.filter).ids
    if ticked is not None and (gone := sorted(set(ticked) - keys)):
        _refuse_gone(gone)
    prices = table_for(distributor_of(cart.installer), at=now)
    found = quote(items, Months(cart.months), now, prices, (), tax_for(billing))
    if found.fingerprint() == fingerprint and keys <= locked:
        if not items:
            raise NothingLeft
        return found
    difference = selections.difference(actor, cart.selection, found) if cart.selection.digest == fingerprint else ""
    raise PriceChanged(f"{PriceChanged.message} {difference}" if difference else PriceChanged.message)


def refuse_without_gateway(cart: Cart, *, gateway: str = "", now: datetime) -> None:
    """Raise GatewayNotSetUp where a cart costs money and this gateway ("" the proposed one) can't take any. Asks the gateway, so call it
    before the transaction of `place_order`."""
    distributor = distributor_of(Organization.objects.select_related("distributor").get(pk=cart.installer_id))
    chosen = carts.contents(cart)
    if carts.priced(chosen, distributor=distributor, months=cart.months, now=now, with_keys=False).total_minor:
        payment_actions.refuse_not_set_up(gateway or payment_actions.proposed(), now=now)


def accepted_terms(accepted: str | None, *, now: datetime) -> str:
    """The accepted version, which must be in force, and not one that was replaced while the page was open."""
    text = terms.in_force(Document.TERMS, now=now)
    if text is None:
        raise TermsMissing
    if not accepted:
        raise TermsNotAccepted
    if accepted != text.version:
        raise TermsNotAccepted(
            _("The Terms and Conditions changed since this page was opened. Please read and accept them again.")
        )
    return accepted


def begin_payment(
    order: Order,
    email: str,
    *,
    gateway: str,
    return_base: str,
    now: datetime,
    method: PaymentMethod | None = None,
) -> Payment:
    """Create the payment row, inside the caller's transaction (DESIGN §4 A); with `method` a stored card is charged."""
    page = f"{return_base}/orders/{order.number}/"
    return payment_actions.create_payment(
        payment_actions.PaymentRequest(
            purpose=Purpose.ORDER,
            subject=order.number,
            payer=order.payer,
            amount_minor=order.total_minor,
            currency=order.currency,
            gateway=gateway,
            description=_("SmartPlus order %(number)s: %(items)s, %(months)s")
            % {
                "number": order.number,
                "items": ngettext("%(n)s item", "%(n)s items", order.line_count) % {"n": order.line_count},
                "months": words.of_term(order.term),
            },
            customer_email=email,
            return_url=f"{page}returned/",
            cancel_url=f"{page}left/",
            method=method,
            save_method=order.auto_renew,
            consent_by=order.created_by if order.auto_renew else None,
        ),
        now=now,
    )


def start_payment(actor: Actor, *, number: str, return_base: str, now: datetime) -> str:
    """Open the gateway's payment page for an unpaid order and return its address (DESIGN §4 B and C).

    If the last payment ended without money, a new one is created at the same gateway. If the gateway does not answer, the payment stays
    unknown and the order open; `reconcile_stale_payments` finds the result later. Returns "" where the money has arrived already. Refuses
    an order that does not wait for money (R5, R49).
    """
    order = Order.objects.visible_to(actor).select_related("payer", "installer").get(number=number)
    payment_actions.refuse_unconfigured(_gateway_of(order))
    _refuse_unstartable(actor, order)
    settlement.settle_earlier_attempts(number, now=now)
    order.refresh_from_db(fields=["state"])
    if order.state != Order.State.PROCESSING:
        return ""
    order, payment = _create_again(actor, number=number, return_base=return_base, now=now)
    if payment.state in {PaymentState.PENDING, PaymentState.UNKNOWN}:
        # An earlier payment: its page may have ended, or be open without our knowing. A page that has ended leads nowhere.
        try:
            settled = settlement.settle(payment.pk, now=now)
        except GatewayUnavailable:
            transitions.log_event(order, "unreachable", now=now, gateway=payment.gateway_label)
            raise
        if settled is not None and settled.state != Order.State.PROCESSING:
            return ""
        order, payment = _create_again(actor, number=number, return_base=return_base, now=now)
    try:
        payment = payment_actions.start_checkout(payment.pk, now=now)
    except GatewayUnavailable:
        transitions.log_event(order, "unreachable", now=now, gateway=payment.gateway_label)
        raise
    except GatewayRefused:
        transitions.log_event(order, "refused", now=now, gateway=payment.gateway_label)
        raise
    returns.record_sent(actor, payment, now=now)
    return payment.checkout_url


def _create_again(actor: Actor, *, number: str, return_base: str, now: datetime) -> tuple[Order, Payment]:
    """The order, if the actor may pay it now, and its live payment or a new one (DESIGN §4 A)."""
    with transaction.atomic():
        order = (
            Order.objects.visible_to(actor)
            .select_for_update(of=("self",), no_key=True)
            .select_related("payer", "installer")
            .get(number=number)
        )
        _refuse_unstartable(actor, order)
        payment = begin_payment(
            order, order.billing["email"], gateway=_gateway_of(order), return_base=return_base, now=now
        )
    return order, payment


def _gateway_of(order: Order) -> str:
    """The gateway of the last payment; every order that costs money has one from its start."""
    last = Payment.objects.of_order(order.number).order_by("-pk").values_list("gateway", flat=True).first()
    return last or payment_actions.proposed()


def gateway_label(order: Order) -> str:
    """The name of the gateway that people see."""
    return payment_actions.label(_gateway_of(order))


def _refuse_unstartable(actor: Actor, order: Order) -> None:
    if not rights.may_start(actor, order):
        raise MayNotPay
    if order.state != Order.State.PROCESSING or order.type == Order.Type.AUTO_RENEWAL:
        raise IllegalTransition(_("This order is not waiting for a payment of yours."))


def cancel_order(actor: Actor, *, number: str, now: datetime) -> Order:
    """Cancel an unpaid order: the gateway's page is closed first, then the items are released. Refuses actors whom `rights.may_cancel`
    refuses.

    If the money has arrived meanwhile, the order succeeds instead: verified money is never dropped (R52).
    """
    order = Order.objects.visible_to(actor).select_related("payer", "installer").get(number=number)
    if not rights.may_cancel(actor, order):
        raise NotPermitted
    if order.state != Order.State.PROCESSING or order.type == Order.Type.AUTO_RENEWAL:
        raise IllegalTransition(_("Only an order that is waiting for its payment can be cancelled."))
    return settlement.close_unpaid(order.pk, Order.State.CANCELLED, actor=actor, now=now)


def _refuse_gone(gone: list[int]) -> None:
    """Refuse because ticked items can't be activated any more, with the reasons."""
    reserved = Entitlement.objects.filter(pk__in=gone).exclude(reserved_by=None)
    if (first := reserved.select_related(*targets.named()).first()) is not None:
        number = Order.objects.values_list("number", flat=True).get(pk=first.reserved_by or 0)
        raise ItemHeld(_("%(item)s is already in order %(number)s.") % {"item": first, "number": number})
    of_credits = Entitlement.objects.filter(pk__in=gone, site__payment_mode=PaymentMode.CREDITS)
    if (paid_otherwise := of_credits.select_related(*targets.named()).first()) is not None:
        raise NotBillable(_("%(item)s is paid with credits, not with money.") % {"item": paid_otherwise})
    raise NotBillable(
        ngettext(
            "%(n)s item can't be activated any more: it was switched off, paid for or waits for its monitor. Change the items.",
            "%(n)s items can't be activated any more: they were switched off, paid for or wait for monitors. Change the items.",
            len(gone),
        )
        % {"n": len(gone)}
    )


def distributor_of(installer: Organization) -> Organization:
    if installer.distributor is None:
        raise Refused(_("This installer has no distributor."))
    return installer.distributor
