"""Which items can be activated, and which are being activated."""

from __future__ import annotations

from django.db.models import F, QuerySet

from accounts.scope import Actor
from communities.models import Entitlement, ExpiryDay
from communities.models.entitlements import EntitlementQuerySet
from communities.models.expiries import BY_SITE
from subscriptions.models import Order
from subscriptions.models.orders import MAY_RESERVE


def free_items(actor: Actor) -> QuerySet[Entitlement]:
    """What Activate is for: configured, never activated, in no open order, not waiting for a monitor (R17, R25, R47, R48)."""
    return free(Entitlement.objects.visible_to(actor))


def free(items: EntitlementQuerySet) -> QuerySet[Entitlement]:
    """Those of some items."""
    return items.wanted().never_activated().filter(reserved_by=None).unblocked()


def in_open_orders(actor: Actor) -> QuerySet[Entitlement]:
    """What is being activated: never active so far, and in an open order."""
    return Entitlement.objects.visible_to(actor).wanted().never_activated().exclude(reserved_by=None)


def in_open_orders_of(actor: Actor, installer_id: int) -> QuerySet[Entitlement]:
    """Those of an installer, found by its orders that may reserve something, of which there are few at any time."""
    orders = Order.objects.filter(state__in=MAY_RESERVE, installer_id=installer_id)
    return in_open_orders(actor).filter(lines__order__in=orders, reserved_by=F("lines__order_id"))


def never_activated_at(installer_id: int) -> QuerySet[ExpiryDay]:
    """The rows of the summary that tell at which sites of an installer something wanted was never activated, and waits for no monitor; it may be
    reserved. So a list finds those sites among thousands without a look at what is paid there."""
    rows = ExpiryDay.objects.filter(stage__in=BY_SITE, installer_id=installer_id, day=None, blocked="")
    return rows.exclude(service_type="").exclude(variant="")
