"""What the operator sees of the gateways: payments and where they stand, and the webhook log (DOMAIN §7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet, TextChoices
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.scope import Role
from payments.models import GatewayEvent, Payment
from payments.models.events import EventState
from payments.models.payments import State
from smartplus import access
from smartplus.portal.kit import keyset
from smartplus.portal.operator import rows as cells

PAGE = 50
SHOWN = (
    "purpose", "subject", "payer__name", "payer__name_order", "gateway", "kind", "gateway_ref", "state", "checked_at", "created_at", "amount_minor",
    "currency",
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
PAYMENT_COLUMNS: keyset.Columns = {
    "order": ["subject"],
    "payer": ["payer__name_order"],
    "gateway": ["gateway"],
    "state": ["state"],
    "at": ["pk"],
    "amount": ["amount_minor"],
}
EVENT_COLUMNS: keyset.Columns = {
    "message": ["kind"],
    "gateway": ["gateway"],
    "state": ["state"],
    "tries": ["tries"],
    "at": ["pk"],
}


@access.roles(Role.OPERATOR)
@require_safe
def payment_list(request: access.PortalRequest) -> HttpResponse:
    """Attempts to collect money, the newest first; `?state=unknown` are those that a gateway has not answered yet."""
    found = Payment.objects.visible_to(request.actor).select_related("payer").only(*SHOWN)
    rows, context = _by_state(request, found, State, PAYMENT_TONES, PAYMENT_COLUMNS)
    return render(request, "operator/payments.html", {**context, "cells": cells.payments(rows, request.now)})


@access.roles(Role.OPERATOR)
@require_safe
def webhook_list(request: access.PortalRequest) -> HttpResponse:
    """Every verified message of a gateway, the newest first: how far it is worked off, and what went wrong."""
    found = GatewayEvent.objects.visible_to(request.actor).only(*SHOWN_OF_EVENTS)
    rows, context = _by_state(request, found, EventState, EVENT_TONES, EVENT_COLUMNS)
    return render(request, "operator/webhooks.html", {**context, "cells": cells.events(rows, request.now)})


@access.roles(Role.OPERATOR)
@require_safe
def webhook_detail(request: access.PortalRequest, pk: int) -> HttpResponse:
    """One message with the payments it is about. Its text is not shown: it holds the payer's data and the signature."""
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


def _by_state(
    request: access.PortalRequest,
    found: QuerySet[Any],
    states: type[TextChoices],
    tones: Mapping[Any, str],
    columns: keyset.Columns,
) -> tuple[list[tuple[Any, str]], dict[str, Any]]:
    """One page of a list that `?state=` narrows, each row with the colour of its state, and what the page says around it."""
    state = request.GET.get("state", "")
    state = state if state in states.values else ""
    found = found.filter(state=state) if state else found
    sorting = keyset.sorting(request.GET, columns, own="-at")
    page: keyset.Page[Any] = keyset.page(found, by=sorting.by, query=request.GET, size=PAGE)
    rows = [(row, tones[states(row.state)]) for row in page.rows]
    return rows, {
        "page": page,
        "sorting": sorting,
        "states": states.choices,
        "state": state,
        "count": _count(found),
    }


def _count(found: Any) -> int:
    return keyset.count(found)
