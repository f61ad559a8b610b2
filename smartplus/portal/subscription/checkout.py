"""Checkout: review the order as it would be, pay it at the gateway (S2)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import terms
from accounts.errors import ActionError, Conflict, Refused
from accounts.models import Document
from accounts.scope import Grant
from payments import actions as payment_actions
from payments import consent
from payments.errors import GatewayUnavailable
from smartplus import access
from smartplus.portal.billing import profiles
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import granted
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.subscription.choice import Choice
from smartplus.portal.subscription.forms import BillingForm, PayForm, TermForm
from smartplus.statuses import CONFLICT
from subscriptions import periods, reports, rights
from subscriptions.actions import carts, orders, returns
from subscriptions.errors import MayNotPay, NothingLeft, TermsMissing
from subscriptions.models import Cart, Order, RenewalRequest
from subscriptions.prices import CantQuote
from subscriptions.quotes import Quote


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "POST"])
def cart(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Review and pay: the order as it would be, billing information, terms, one button. Who may not pay any more is sent back to
    the list, with the same items ticked: there they can be requested."""
    cart = (
        Cart.objects.visible_to(request.actor).select_related("installer__distributor", "order", "selection").get(pk=pk)
    )
    if cart.order is not None:
        return redirect("order-detail", cart.order.number)
    if not rights.may_pay_for(request.actor, cart.installer):
        return _back_to_list(request, cart)
    billing_form = BillingForm(request.POST or None, instance=profiles.own_profile(request))
    pay_form = PayForm(request.POST or None)
    status, told = 200, None
    if request.method == "POST":
        status = 422
        if billing_form.is_valid() & pay_form.is_valid():
            try:
                orders.refuse_without_gateway(cart, gateway=pay_form.cleaned_data["gateway"], now=request.now)
                order = place(request, cart, billing_form, pay_form)
                return to_gateway(request, order)
            except Conflict:
                status = CONFLICT
                billing_form, told = profiles.clash(request, billing_form)
            except (Refused, MayNotPay, GatewayUnavailable) as refused:
                show(refused, billing_form, pay_form)
    context = review_context(request, cart, billing_form, pay_form) | {"conflict": told}
    return render(request, "subscription/review.html", context, status=status)


def _back_to_list(request: access.PortalRequest, cart: Cart) -> HttpResponse:
    messages.error(request, str(MayNotPay()))
    is_own = cart.installer_id == request.actor.organization_id
    query = Choice.back_to(cart) if is_own else ""
    return redirect(f"{reverse('subscription')}?{query}" if query else "subscription")


def place(request: access.PortalRequest, cart: Cart, invoice_to: BillingForm, pay: PayForm) -> Order:
    """Keep the billing information and place the order; accepted are the terms that were shown (R39)."""
    return orders.place_order(
        request.actor,
        cart_id=cart.pk,
        invoice_to={"version": invoice_to.cleaned_data["version"], **invoice_to.values()},
        fingerprint=pay.cleaned_data["fingerprint"],
        terms_version=pay.cleaned_data["terms_version"],
        return_base=settings.SITE_URL,
        auto_renew=pay.cleaned_data["auto_renew"],
        renewals=pay.cleaned_data["renewals"],
        gateway=pay.cleaned_data["gateway"],
        reference=pay.cleaned_data["reference"],
        now=request.now,
    )


def to_gateway(request: access.PortalRequest, order: Order) -> HttpResponse:
    """Open the gateway's pay page; when it does not answer, the order's page says what happens now."""
    if not order.is_open:
        return redirect("order-detail", order.number)
    try:
        address = orders.start_payment(
            request.actor, number=order.number, return_base=settings.SITE_URL, now=request.now
        )
    except (Refused, MayNotPay, GatewayUnavailable) as error:
        messages.error(request, str(error))
        return redirect("order-detail", order.number)
    if address and (attempt := returns.attempts(order.number)) > 1:
        messages.info(  # read when one is back
            request,
            _(
                "This was attempt %(n)s to pay order %(number)s. It is charged once at most, whatever became of the others."
            )
            % {"n": attempt, "number": order.number},
        )
    return redirect(address or reverse("order-detail", args=[order.number]))


def show(refused: ActionError, billing: BillingForm, pay: PayForm) -> None:
    """Put a refusal where the person looks for it."""
    if refused.field in billing.fields:
        billing.add_error(refused.field, str(refused))
    else:
        pay.add_error(refused.field if refused.field in pay.fields else None, str(refused))


def review_context(request: access.PortalRequest, cart: Cart, billing: BillingForm, pay: PayForm) -> dict[str, Any]:
    """The cart priced now; the hidden fingerprint is always that of what this page shows."""
    contents = carts.contents(cart, request.actor)
    text = terms.in_force(Document.TERMS, now=request.now)
    offers, chosen = payment_actions.offered(), pay.data.get("gateway")
    quote: Quote | None = None
    refused: Refused | None = None
    try:
        quote = carts.priced(
            contents,
            distributor=cart.installer.distributor,  # type: ignore[arg-type]
            months=cart.months,
            now=request.now,
            billing=billing.instance,
        )
        if not quote.count:
            quote, refused = None, NothingLeft()
    except CantQuote as missing:
        refused = missing
    return {
        "cart": cart,
        "quote": quote,
        "refused": refused,
        "sites": reports.named(request.actor, reports.by_site(quote)) if quote else [],
        "pays": RenewalRequest.objects.visible_to(request.actor)
        .filter(cart=cart)
        .select_related("requested_by")
        .first(),
        "billing_form": billing,
        "pay_form": pay,
        "fingerprint": quote.fingerprint() if quote else "",
        "each_cycle_minor": quote.each_cycle_minor if quote else 0,
        "offers": offers,
        "gateway": chosen if chosen in {offer.name for offer in offers} else next((offer.name for offer in offers), ""),
        "may_renew": any(offer.renews for offer in offers),
        "consent": consent.TEXT,
        "terms_version": text.version if text else "",
        "terms_missing": "" if text else TermsMissing.message,
        "back": Choice.back_to(cart),
    }


@access.roles(*PAYERS)
@granted(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("cart")
def cart_term(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Change how many months a cart buys."""
    cart = Cart.objects.visible_to(request.actor).select_related("installer", "selection").get(pk=pk)
    form = TermForm(request.POST)
    if not form.is_valid():
        raise Refused(_("Choose between 1 and %(n)s months.") % {"n": periods.MAX_MONTHS})
    try:
        carts.change_term(request.actor, cart_id=cart.pk, months=form.cleaned_data["months"], now=request.now)
    except MayNotPay:
        return _back_to_list(request, cart)
    return redirect("cart", pk)
