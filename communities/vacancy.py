"""Apartments where nobody lives although something there is on and paid for. Callers pass rows that the actor may see."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from communities import catalogue
from communities.models import Apartment, Entitlement, Resident
from communities.models.entitlements import EntitlementQuerySet


def going_on(items: EntitlementQuerySet, now: datetime) -> QuerySet[Entitlement]:
    """Those of the items that are on and in force in an apartment without a family master. The App is none of them: without a family master it
    is not wanted, so that it is not renewed either."""
    lives = Resident.objects.filter(apartment__target=OuterRef("target_id"), is_master=True)
    return items.wanted().in_force(now).filter(~Exists(lives), target__kind=catalogue.Target.APARTMENT)


def paid_and_empty(apartments: QuerySet[Apartment], now: datetime) -> QuerySet[Apartment]:
    """Those of the apartments that have such an item."""
    lives = Resident.objects.filter(apartment=OuterRef("pk"), is_master=True)
    paid = Entitlement.objects.filter(target=OuterRef("target_id"), works_until__gt=now)
    return apartments.filter(~Exists(lives), Exists(paid.filter(~Q(variant=""))))
