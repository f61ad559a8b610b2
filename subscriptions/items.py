"""The items that can be activated, and those in open orders."""

from __future__ import annotations

from django.db.models import F, QuerySet

from accounts.scope import Actor
from communities.models import Entitlement, ExpiryDay
from communities.models.entitlements import EntitlementQuerySet
from communities.models.expiries import BY_SITE
from subscriptions.models import Order
from subscriptions.models.orders import MAY_RESERVE


def free_items(actor: Actor) -> QuerySet[Entitlement]:
    """The items for Activate: configured, never activated, in no open order, not waiting for a monitor (R17, R25, R47, R48)."""
    return free(Entitlement.objects.visible_to(actor))


def free(items: EntitlementQuerySet) -> QuerySet[Entitlement]:
    """The condition of `free_items` on a query of items."""
    return items.wanted().never_activated().filter(reserved_by=None).unblocked()


def in_open_orders(actor: Actor) -> QuerySet[Entitlement]:
    """Items that were never activated and are in an open order."""
    return Entitlement.objects.visible_to(actor).wanted().never_activated().exclude(reserved_by=None)


def in_open_orders_of(actor: Actor, installer_id: int) -> QuerySet[Entitlement]:
    """Those of an installer, found through its few open orders."""
    orders = Order.objects.filter(state__in=MAY_RESERVE, installer_id=installer_id)
    return in_open_orders(actor).filter(lines__order__in=orders, reserved_by=F("lines__order_id"))


def never_activated_at(installer_id: int) -> QuerySet[ExpiryDay]:
    """Rows of the summary for sites of an installer where something wanted was never activated and does not wait for a monitor (it may be
    reserved). So a list finds these sites among thousands without reading paid items."""
    rows = ExpiryDay.objects.filter(stage__in=BY_SITE, installer_id=installer_id, day=None, blocked="")
    return rows.exclude(service_type="").exclude(variant="")
