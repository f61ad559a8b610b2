"""The floor of pages: the plainest Django that does the same. Session and person are loaded, 50 rows read by key, one template filled."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.models import AuditEvent, Membership, Notice
from communities.models import Apartment, Entitlement, Site
from devices.models import Device, LibraryEntry
from payments.models import GatewayEvent, Payment
from smartplus import access
from subscriptions.models import Order, RenewalRequest, Subscription

MIDDLEWARE = [
    "smartplus.bench.floor.use_own_addresses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROWS = 50
PAGE = Engine().from_string(
    "<!doctype html><html><head><title>{{ user.name }}</title></head><body><nav>{{ user.name }}</nav><table>"
    "{% for row in rows %}<tr><td><a href='/rows/{{ row.0 }}/'>{{ row.1 }}</a></td><td>{{ row.2 }}</td><td>{{ row.3 }}</td></tr>"
    "{% endfor %}</table><a href='?after={{ last }}'>Next</a></body></html>"
)
# By list: the rows, what they are sorted by (the key a page begins after), and what is shown.
LISTS: dict[str, tuple[Callable[[], QuerySet[Any]], str, tuple[str, str, str]]] = {
    "sites": (Site.objects.all, "name_order", ("name", "street", "city")),
    "apartments": (Apartment.objects.all, "number_order", ("number", "floor", "name")),
    "entitlements": (Entitlement.objects.all, "pk", ("service_type", "variant", "expires_at")),
    "requests": (RenewalRequest.objects.all, "-pk", ("state", "months", "created_at")),
    "notices": (Notice.objects.all, "-pk", ("subject", "state", "queued_at")),
    "orders": (Order.objects.all, "-pk", ("number", "state", "total_minor")),
    "audit": (AuditEvent.objects.all, "-pk", ("at", "actor_label", "subject_label")),
    "library": (LibraryEntry.objects.all, "-pk", ("mac", "model", "serial")),
    "users": (Membership.objects.all, "pk", ("user__name", "user__email", "organization__name")),
    "agreements": (Subscription.objects.all, "pk", ("state", "next_due_at", "payer__name")),
    "payments": (Payment.objects.all, "-pk", ("subject", "state", "amount_minor")),
    "webhooks": (GatewayEvent.objects.all, "-pk", ("event_id", "kind", "state")),
    "devices": (Device.objects.active, "pk", ("mac", "name", "site__name")),
}


def use_own_addresses(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the addresses of this module."""

    def respond(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return respond


@access.public
def rows(request: HttpRequest, name: str) -> HttpResponse:
    """Fifty rows of a list that have the value of the query in their columns."""
    found, by, shown = LISTS[name]
    bound = {column: int(request.GET[column]) for column in request.GET}
    user = request.user
    if isinstance(user, AnonymousUser):
        return HttpResponse(status=403)
    page = list(found().filter(**bound).order_by(by, "pk").values_list("pk", *shown)[: ROWS + 1])
    context = Context({"user": user, "rows": page[:ROWS], "last": page[-1][0] if page else ""})
    return HttpResponse(PAGE.render(context))


@access.public
@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """Check the signature, keep the message."""
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


urlpatterns = [path("rows/<slug:name>/", rows), path("webhook/", webhook)]
