"""Opening the gateway's pay page, from the checkout and from an order."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from smartplus.access import PortalRequest
from subscriptions.actions import orders, returns
from subscriptions.models import Order


def to_gateway(request: PortalRequest, order: Order) -> HttpResponse:
    """Open the gateway's pay page. A view that leads there declares where a refusal is shown (`refused_at`): the order's page says what
    happens when the gateway does not answer."""
    if not order.is_open:
        return redirect("order-detail", order.number)
    address = orders.start_payment(request.actor, number=order.number, return_base=settings.SITE_URL, now=request.now)
    if address and (attempt := returns.attempts(order.number)) > 1:
        messages.info(  # read when one is back
            request,
            _(
                "This was attempt %(n)s to pay order %(number)s. It is charged once at most, whatever became of the others."
            )
            % {"n": attempt, "number": order.number},
        )
    return redirect(address or reverse("order-detail", args=[order.number]))
