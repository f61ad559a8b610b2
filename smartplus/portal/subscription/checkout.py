"""Checkout: review the order as it would be, pay it at the gateway (S2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import terms
from accounts.errors import Conflict, Refused
from accounts.models import Document
from accounts.scope import Grant
from payments import actions as payment_actions
from payments import consent
from payments.errors import GatewayUnavailable
from smartplus import access
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.billing import own_profile
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.grants import requires_grant
from smartplus.portal.kit.months import TermForm
from smartplus.portal.kit.pay_page import to_gateway
from smartplus.portal.kit.responses import conflict, posted, submitted
from smartplus.portal.kit.roles import PAYERS
from smartplus.portal.subscription.choice import Choice
from smartplus.portal.subscription.forms import CheckoutForm
from smartplus.statuses import UNPROCESSABLE
from subscriptions import reports, rights
from subscriptions.actions import carts, orders
from subscriptions.errors import MayNotPay, NothingLeft, TermsMissing
from subscriptions.models import Cart, Order, RenewalRequest
from subscriptions.prices import CantQuote
from subscriptions.quotes import Quote

PAGE = "subscription/review.html"


def _order_or_cart(request: access.PortalRequest) -> str:
    """The address of the order that was placed from the cart, or of the cart while there is none."""
    assert request.resolver_match is not None
    found = Cart.objects.visible_to(request.actor).select_related("order").get(pk=request.resolver_match.kwargs["pk"])
    return reverse("order-detail", args=[found.order.number]) if found.order else reverse("cart", args=[found.pk])


@access.roles(*PAYERS)
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_http_methods(["GET", "HEAD", "POST"])
@refused_at(_order_or_cart, also=MayNotPay)
def cart(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Review and pay: the order as it would be, billing information, terms, one button. Who may not pay any more is sent back to
    the list, with the same items ticked: there they can be requested. Where the pay page can't be opened, the order's page says why."""
    cart = (
        Cart.objects.visible_to(request.actor).select_related("installer__distributor", "order", "selection").get(pk=pk)
    )
    if cart.order is not None:
        return redirect("order-detail", cart.order.number)
    if not rights.may_pay_for(request.actor, cart.installer):
        return _back_to_list(request, cart)
    form = CheckoutForm(posted(request), instance=own_profile(request))

    def context(form: CheckoutForm) -> Mapping[str, Any]:
        return review_context(request, cart, form)

    try:
        order = submitted(form, lambda: _place(request, cart, form), also=(MayNotPay, GatewayUnavailable))
    except Conflict:  # of the billing information, which is only one of the two forms
        fresh = CheckoutForm(instance=own_profile(request), pay=form.pay)
        return conflict(request, PAGE, form, fresh, conflicts.about(fresh.instance), context=context)
    if order is not None:
        return to_gateway(request, order)
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, PAGE, {**context(form), "form": form}, status=status)


def _back_to_list(request: access.PortalRequest, cart: Cart) -> HttpResponse:
    messages.error(request, str(MayNotPay()))
    is_own = cart.installer_id == request.actor.organization_id
    query = Choice.back_to(cart) if is_own else ""
    return redirect(f"{reverse('subscription')}?{query}" if query else "subscription")


def _place(request: access.PortalRequest, cart: Cart, form: CheckoutForm) -> Order:
    """Keep the billing information and place the order; accepted are the terms that were shown (R39)."""
    pay = form.pay.cleaned_data
    orders.refuse_without_gateway(cart, gateway=pay["gateway"], now=request.now)
    return orders.place_order(
        request.actor,
        cart_id=cart.pk,
        invoice_to={"version": form.cleaned_data["version"], **form.values()},
        fingerprint=pay["fingerprint"],
        terms_version=pay["terms_version"],
        return_base=settings.SITE_URL,
        auto_renew=pay["auto_renew"],
        renewals=pay["renewals"],
        gateway=pay["gateway"],
        reference=pay["reference"],
        now=request.now,
    )


def review_context(request: access.PortalRequest, cart: Cart, form: CheckoutForm) -> dict[str, Any]:
    """The cart priced now; the hidden fingerprint is always that of what this page shows."""
    contents = carts.contents(cart, request.actor)
    text = terms.in_force(Document.TERMS, now=request.now)
    offers, chosen = payment_actions.offered(), form.pay.data.get("gateway")
    quote: Quote | None = None
    refused: Refused | None = None
    try:
        quote = carts.priced(
            contents,
            distributor=cart.installer.distributor,  # type: ignore[arg-type]
            months=cart.months,
            now=request.now,
            billing=form.instance,
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
        "pay_form": form.pay,
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
@requires_grant(Grant.MANAGES_SUBSCRIPTIONS)
@require_POST
@refused_at("cart")
def cart_term(request: access.PortalRequest, pk: int) -> HttpResponse:
    """Change how many months a cart buys."""
    cart = Cart.objects.visible_to(request.actor).select_related("installer", "selection").get(pk=pk)
    form = TermForm(request.POST)
    months = form.cleaned_data["months"] if form.is_valid() else 0  # no number of months, which the action refuses
    try:
        carts.change_term(request.actor, cart_id=cart.pk, months=months, now=request.now)
    except MayNotPay:
        return _back_to_list(request, cart)
    return redirect("cart", pk)
