"""The floor: a list in plain Django, with the portal's access control and navigation, and an empty page.

A floor list has what every page of the portal has (session, person, membership and role, the menu), and the simplest list: 50 whole rows
read by key, five cells each, one of them a link. It has no status, sums, search, filters or other tables.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.models import AuditEvent, Membership, Notice
from communities.models import Apartment, Entitlement, Site
from devices.models import Device, LibraryEntry
from payments.models import GatewayEvent, Payment
from smartplus import access
from smartplus.urls import urlpatterns as portal
from subscriptions.models import AutoRenewal, Order, RenewalRequest

BARE = [
    "smartplus.bench.floor.use_own_addresses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
# With the person's organization and role, for the menu.
MIDDLEWARE = [
    *BARE,
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "smartplus.access_middleware.AccessMiddleware",
]
ROWS = 50
NOTHING = (
    "<!doctype html><html><head><title>{{ user.name }}</title></head><body><nav>{{ user.name }}</nav></body></html>"
)
LIST = """{% extends "base.html" %}{% block title %}Rows{% endblock %}{% block heading %}Rows{% endblock %}{% block content %}
<div class="panel cut"><table class="t"><thead><tr>{% for name in names %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for row, cells in rows %}<tr>{% for cell in cells %}<td>{% if forloop.first %}<a class="n" href="{% url 'plain-row' name row.pk %}">{{ cell }}</a>
{% else %}{{ cell }}{% endif %}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div><a class="b" href="?after={{ last }}">Next</a>{% endblock %}"""
# By list: the rows, their sort key (a page begins after one), and the columns shown.
LISTS: dict[str, tuple[Callable[[], QuerySet[Any]], str, tuple[str, ...]]] = {
    "sites": (Site.objects.all, "name_order", ("name", "kind", "street", "city", "time_zone")),
    "apartments": (Apartment.objects.all, "number_order", ("number", "floor", "name", "building_id", "version")),
    "entitlements": (Entitlement.objects.all, "pk", ("service_type", "variant", "mode", "expires_at", "works_until")),
    "requests": (RenewalRequest.objects.all, "-pk", ("pk", "kind", "state", "months", "created_at")),
    "notices": (Notice.objects.all, "-pk", ("subject", "topic", "state", "email", "queued_at")),
    "orders": (Order.objects.all, "-pk", ("number", "state", "reference", "total_minor", "created_at")),
    "audit": (AuditEvent.objects.all, "-pk", ("at", "actor_label", "actor_role", "subject_label", "action")),
    "library": (LibraryEntry.objects.all, "-pk", ("mac", "model", "serial", "type", "created_at")),
    "users": (
        Membership.objects.select_related("user", "organization").all,
        "pk",
        ("user", "organization", "joined_at", "is_active", "version"),
    ),
    "auto_renewals": (
        AutoRenewal.objects.select_related("payer").all,
        "pk",
        ("payer", "state", "next_due_at", "currency", "created_at"),
    ),
    "payments": (Payment.objects.all, "-pk", ("subject", "state", "gateway", "amount_minor", "created_at")),
    "webhooks": (GatewayEvent.objects.all, "-pk", ("event_id", "kind", "state", "tries", "received_at")),
    "devices": (Device.objects.select_related("site").active, "pk", ("mac", "name", "site", "model", "type")),
}


def use_own_addresses(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: use the addresses of this module."""

    def respond(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return respond


@access.roles()
def rows(request: access.PortalRequest, name: str) -> HttpResponse:
    """Fifty rows of a list whose columns equal the values in the query."""
    found, by, shown = LISTS[name]
    bound = {column: int(request.GET[column]) for column in request.GET}
    page = list(found().filter(**bound).order_by(by, "pk")[: ROWS + 1])
    cells = [(row, [getattr(row, column) for column in shown]) for row in page[:ROWS]]
    context = {"name": name, "names": shown, "rows": cells, "last": page[-1].pk if page else ""}
    return HttpResponse(_template(LIST).render(context, request))


@access.roles()
def row(request: HttpRequest, name: str, key: int) -> HttpResponse:
    """The target of a row's link; never opened."""
    return HttpResponse(f"{name} {key}")


@access.public
def nothing(request: HttpRequest) -> HttpResponse:
    """The name of the signed-in person and nothing else."""
    return HttpResponse(_template(NOTHING).render({"user": request.user}, request))


@cache
def _template(text: str) -> Any:
    return engines["django"].from_string(text)


@access.public
@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """Check the signature and store the message."""
    parts = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
    signed = f"{parts['t']}.".encode() + request.body
    digest = hmac.new(settings.STRIPE_WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(digest, parts["v1"]):
        return HttpResponse(status=400)
    told = json.loads(request.body)
    GatewayEvent.objects.create(
        gateway="floor", event_id=told["id"], kind=told["type"], raw_body=request.body, received_at=timezone.now()
    )
    return HttpResponse("ok")


urlpatterns = [
    path("rows/nothing/", nothing),
    path("rows/<slug:name>/", rows),
    path("rows/<slug:name>/<int:key>/", row, name="plain-row"),
    path("webhook/", webhook),
    *portal,
]
