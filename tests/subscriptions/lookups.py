"""Where stories begin, and how they find an item and a payment."""

from __future__ import annotations

from communities.catalogue import ServiceType
from communities.models import Entitlement, Site
from payments.models import Payment
from subscriptions.models import Order

BASE = "https://portal.example"


def entitlement(site: Site, service_type: ServiceType, number: str | None = None) -> Entitlement:
    """The entitlement of an apartment (by number) or of the only manager."""
    found = Entitlement.objects.filter(site=site, service_type=service_type)
    return found.get(target__number=number) if number else found.get()


def payment_of(order: Order) -> Payment:
    """The newest payment of an order."""
    return Payment.objects.filter(subject=order.number).latest("pk")
