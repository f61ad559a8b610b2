"""Which items can be activated, and which are being activated."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.scope import Actor
from communities.models import Entitlement
from communities.models.entitlements import EntitlementQuerySet


def free_items(actor: Actor) -> QuerySet[Entitlement]:
    """What Activate is for: configured, never activated, in no open order, not waiting for a monitor (R17, R25, R47, R48)."""
    return free(Entitlement.objects.visible_to(actor))


def free(items: EntitlementQuerySet) -> QuerySet[Entitlement]:
    """Those of some items."""
    return items.wanted().never_activated().filter(reserved_by=None).unblocked()


def in_open_orders(actor: Actor) -> QuerySet[Entitlement]:
    """What is being activated: never active so far, and in an open order."""
    return Entitlement.objects.visible_to(actor).wanted().never_activated().exclude(reserved_by=None)
