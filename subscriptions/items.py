"""The items that can be activated, and those in open orders."""

from __future__ import annotations

from django.db.models import F, QuerySet

from accounts.models import Organization
from accounts.scope import Actor
from communities.models import Entitlement, ExpiryDay, PaymentMode
from communities.models.entitlements import EntitlementQuerySet
from communities.models.expiries import BY_SITE
from subscriptions.models import Order
from subscriptions.models.orders import MAY_RESERVE


def free_items(actor: Actor) -> QuerySet[Entitlement]:
    """The items for Activate: configured, never activated, in no open order, not waiting for a monitor, and paid with money (R17, R25, R37,
    R47, R48)."""
    return free(Entitlement.objects.visible_to(actor))


def free(items: EntitlementQuerySet) -> QuerySet[Entitlement]:
    """The condition of `free_items` on a query of items."""
    return with_money(items.wanted().never_activated().filter(reserved_by=None).unblocked())


def with_money(items: QuerySet[Entitlement]) -> QuerySet[Entitlement]:
    """Those of sites that are paid with money; no order in money takes others (R37, R64)."""
    return items.filter(site__payment_mode=PaymentMode.REGULAR)


def with_credits(actor: Actor, *, installer: Organization, site_kind: str) -> QuerySet[Entitlement]:
    """What Activate shows beside its items: never activated, and paid with credits only (R37)."""
    items = Entitlement.objects.visible_to(actor).wanted().never_activated().unblocked()
    return items.filter(installer=installer, site__kind=site_kind, site__payment_mode=PaymentMode.CREDITS)


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
