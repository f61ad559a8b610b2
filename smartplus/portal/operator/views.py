"""Pages of the operator about gateways: payments and the webhook log (DOMAIN §7)."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.scope import Role
from payments.models import GatewayEvent, Payment
from payments.models.events import EventState
from payments.models.payments import State
from smartplus import access
from smartplus.portal.kit.lists import Column, Filter, List, options
from smartplus.portal.operator import rows as cells

PAGE = 50
SHOWN = (
    "purpose", "subject", "payer__name", "gateway", "kind", "gateway_ref", "state", "checked_at", "created_at", "amount_minor", "currency",
)  # fmt: skip
SHOWN_OF_EVENTS = ("kind", "event_id", "gateway", "state", "last_error", "tries", "received_at")
PAYMENT_TONES = {
    State.CREATED: "pending",
    State.PENDING: "pending",
    State.ACTION_REQUIRED: "expiring",
    State.SUCCEEDED: "active",
    State.DECLINED: "lapsed",
    State.UNKNOWN: "expiring",
    State.EXPIRED: "inactive",
}
EVENT_TONES = {
    EventState.NEW: "pending",
    EventState.DONE: "active",
    EventState.IGNORED: "inactive",
    EventState.FAILED: "lapsed",
}
PAYMENTS = List(
    title=gettext_lazy("Payments"),
    columns=(
        Column("order", gettext_lazy("Order"), keys=["subject"]),
        Column("payer", gettext_lazy("Payer"), keys=["payer__name_order"]),
        Column("gateway", gettext_lazy("Gateway"), keys=["gateway"]),
        Column("state", gettext_lazy("Status"), keys=["state"]),
        Column("at", gettext_lazy("Begun"), keys=["pk"]),
        Column("amount", gettext_lazy("Amount"), keys=["amount_minor"], css="r"),
    ),
    own="-at",
    filters=(Filter("state", options("state", State), label=gettext_lazy("Status")),),
    table="two-line cards paying",
)
EVENTS = List(
    title=gettext_lazy("Webhook log"),
    columns=(
        Column("message", gettext_lazy("Message"), keys=["kind"]),
        Column("gateway", gettext_lazy("Gateway"), keys=["gateway"]),
        Column("state", gettext_lazy("Status"), keys=["state"]),
        Column("tries", gettext_lazy("Tries"), keys=["tries"], css="r"),
        Column("at", gettext_lazy("Received"), keys=["pk"]),
    ),
    own="-at",
    filters=(Filter("state", options("state", EventState), label=gettext_lazy("Status")),),
    table="two-line cards paying",
)


@access.roles(Role.OPERATOR)
@require_safe
def payment_list(request: access.PortalRequest) -> HttpResponse:
    """Payments, the newest first; `?state=unknown` are those without an answer of the gateway yet."""
    listing = PAYMENTS.asked(request)
    found = listing.narrowed(Payment.objects.visible_to(request.actor))
    page = listing.page(found.select_related("payer"), only=SHOWN)
    rows = [(payment, PAYMENT_TONES[State(payment.state)]) for payment in page.rows]
    context = {**listing.context(page, cells.payments(rows, request.now)), "count": listing.count(page, found)}
    return render(request, "operator/payments.html", context)


@access.roles(Role.OPERATOR)
@require_safe
def webhook_list(request: access.PortalRequest) -> HttpResponse:
    """Every verified message of a gateway, the newest first: whether it is processed, and its error."""
    listing = EVENTS.asked(request)
    found = listing.narrowed(GatewayEvent.objects.visible_to(request.actor))
    page = listing.page(found, only=SHOWN_OF_EVENTS)
    rows = [(event, EVENT_TONES[EventState(event.state)]) for event in page.rows]
    context = {**listing.context(page, cells.events(rows, request.now)), "count": listing.count(page, found)}
    return render(request, "operator/webhooks.html", context)


@access.roles(Role.OPERATOR)
@require_safe
def webhook_detail(request: access.PortalRequest, pk: int) -> HttpResponse:
    """One message with its payments. Its text is not shown, because it contains the payer's data and the signature."""
    event = GatewayEvent.objects.visible_to(request.actor).defer("raw_body", "headers").get(pk=pk)
    about = Q()
    if event.object_ref:
        about |= Q(gateway_ref=event.object_ref) | Q(gateway_payment_ref=event.object_ref)
    if event.request_key:
        about |= Q(request_key=event.request_key)
    seen = Payment.objects.visible_to(request.actor).filter(gateway=event.gateway)
    payments = list(seen.filter(about).order_by("-pk")[:PAGE]) if about else []
    context = {
        "event": event,
        "tone": EVENT_TONES[EventState(event.state)],
        "payments": [(payment, PAYMENT_TONES[State(payment.state)]) for payment in payments],
    }
    return render(request, "operator/webhook.html", context)
