"""Opening the gateway's pay page, from the checkout and from an order."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.errors import Refused
from payments.errors import GatewayUnavailable
from smartplus.access import PortalRequest
from subscriptions.actions import orders, returns
from subscriptions.errors import MayNotPay
from subscriptions.models import Order


def to_gateway(request: PortalRequest, order: Order) -> HttpResponse:
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
