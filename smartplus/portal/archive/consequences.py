"""What archiving an apartment, a building or a site ends, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from accounts.scope import Actor, Grant
from communities import catalogue
from communities.models import Apartment, Building, Entitlement, Mode, Resident, Site, targets
from devices.models import Device
from subscriptions.models import Order

SHOWN = 3  # numbers of orders


@dataclass(frozen=True, slots=True)
class Paid:
    """A service that is in force, for how many, and the end of the last of them."""

    label: str
    count: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Consequences:
    """What archiving ends and keeps. `held` items are in open orders, of which the reader may see `orders`; while there are any it is
    refused. Without `has_anything` it may be deleted."""

    apartments: int
    residents: int
    devices: int
    paid: tuple[Paid, ...]
    renewing: int
    held: int
    orders: tuple[str, ...]

    @property
    def has_anything(self) -> bool:
        """Whether somebody lives there, something stands there, or something is paid or ordered there."""
        return bool(self.residents or self.devices or self.paid or self.held)


def of(actor: Actor, what: Site | Building | Apartment, now: datetime) -> Consequences:
    """Seven statements, one less where no open order holds anything."""
    homes = Apartment.objects.visible_to(actor).filter(_here(what))
    items = Entitlement.objects.visible_to(actor).filter(_items(what))
    held = list(items.exclude(reserved_by=None).values_list("reserved_by", flat=True))
    running: QuerySet[Entitlement] = items.in_force(now)
    lines = running.order_by("service_type").values_list("service_type").annotate(n=Count("pk"), last=Max("expires_at"))
    orders = (
        Order.objects.visible_to(actor).filter(pk__in=set(held))
        if Grant.SEES_INVOICES in actor.grants
        else Order.objects.none()
    )
    return Consequences(
        apartments=homes.count(),
        residents=Resident.objects.visible_to(actor).filter(apartment__in=homes).count(),
        devices=Device.objects.visible_to(actor).active().filter(_devices(what)).count(),
        paid=tuple(Paid(str(catalogue.SERVICE_TYPE_LABELS[code]), n, last) for code, n, last in lines),
        renewing=running.filter(mode=Mode.AUTO).count(),
        held=len(held),
        orders=tuple(orders.order_by("pk").values_list("number", flat=True)[:SHOWN]) if held else (),
    )


def _here(what: Site | Building | Apartment) -> Q:
    if isinstance(what, Apartment):
        return Q(pk=what.pk)
    return Q(building=what) if isinstance(what, Building) else Q(site=what)


def _items(what: Site | Building | Apartment) -> Q:
    return Q(site=what) if isinstance(what, Site) else targets.at_home(what)


def _devices(what: Site | Building | Apartment) -> Q:
    if isinstance(what, Apartment):
        return Q(apartment=what)
    return Q(building=what) | Q(apartment__building=what) if isinstance(what, Building) else Q(site=what)
