"""What handing a site over would take along and end, and what stands in its way: the dry run. Nothing here writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import LongJob
from accounts.scope import Actor, Grant
from accounts.typed.keys import identity_key
from communities import catalogue
from communities.models import (
    Apartment,
    Building,
    Entitlement,
    ManagerAssignment,
    PmsConnection,
    Resident,
    Site,
    TechnicianAssignment,
    status,
    targets,
)
from devices.models import Device, LibraryEntry
from payments.models import LIVE, Payment, Purpose
from subscriptions.models import AutoRenewalItem, Cart, Handover, Order, OrderLine, RequestItem
from subscriptions.models.orders import MAY_RESERVE
from subscriptions.selections import Filter

UNFINISHED_JOB = _(
    "An import, an export or a bulk change of this site is not finished. It has to end first, or be cancelled."
)
# What goes along and what ends, by the code that is stored with a handover.
LABELS: Mapping[str, Promise] = {
    "buildings": _("Buildings"),
    "apartments": _("Apartments"),
    "residents": _("Residents"),
    "devices": _("Devices"),
    "macs": _("MACs in the library"),
    "renewals": _("Items in auto-renewals of the payer until now"),
    "carts": _("Carts with items of the site"),
    "requests": _("Requested items"),
    "managers": _("Property managers of the installer until now"),
    "pm_apps": _("Their paid PM Apps"),
    "technicians": _("Technicians of the installer until now"),
    "pms": _("Connection to a property management system"),
}
TAKEN = ("buildings", "apartments", "residents", "devices", "macs")
NAMED = 3  # orders that a sentence names
ENDED = ("renewals", "carts", "requests", "managers", "pm_apps", "technicians", "pms")


@dataclass(frozen=True, slots=True)
class Paid:
    """Items of one service that are paid, grace included, and when the first and the last of them end."""

    service_type: str
    count: int
    first: datetime
    last: datetime

    @property
    def label(self) -> str:
        """The service in words."""
        return str(catalogue.SERVICE_TYPE_LABELS[self.service_type])


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a handover does if nobody changes the site first. `counts` has every code of `LABELS`; `paid` goes along."""

    site: Site
    counts: Mapping[str, int]
    paid: tuple[Paid, ...]

    @property
    def taken(self) -> list[tuple[Promise, int]]:
        """What goes along, besides paid time."""
        return labelled(self.counts, TAKEN)

    @property
    def ended(self) -> list[tuple[Promise, int]]:
        """What ends with the handover, also where there is nothing of it."""
        return labelled(self.counts, ENDED)

    @property
    def digest(self) -> str:
        """Says the same for as long as the handover would do the same."""
        paid = [(row.service_type, row.count, row.first.isoformat(), row.last.isoformat()) for row in self.paid]
        facts = [self.site.pk, self.site.version, sorted(self.counts.items()), paid]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def labelled(counts: Mapping[str, int], codes: tuple[str, ...]) -> list[tuple[Promise, int]]:
    """These counts with their labels."""
    return [(LABELS[code], counts[code]) for code in codes if code in counts]


def dry_run(site: Site, now: datetime) -> DryRun:
    """What handing the site over does now; a number of statements that does not depend on its size."""
    here: dict[str, Any] = {"site": site}
    paid = (
        Entitlement.objects.filter(status.in_force(now), **here)
        .exclude(target__kind=catalogue.Target.MANAGER)
        .order_by()
        .values_list("service_type")
        .annotate(n=Count("pk"), first=Min("expires_at"), last=Max("expires_at"))
    )
    managers = ManagerAssignment.objects.filter(membership__isnull=False, **here)
    apps = Entitlement.objects.alias(member=targets.member()).filter(status.in_force(now), member__isnull=False, **here)
    counts = {
        "buildings": Building.objects.filter(**here).count(),
        "apartments": Apartment.objects.filter(**here).count(),
        "residents": Resident.objects.filter(**here).count(),
        "devices": Device.objects.active().filter(**here).count(),
        "macs": entries(site).count(),
        "renewals": AutoRenewalItem.objects.live().filter(**here).count(),
        "carts": len(carts_with(site, open_carts(site))),
        "requests": RequestItem.objects.filter(is_live=True, entitlement__site=site).count(),
        "managers": managers.filter(ended_at=None).count(),
        "pm_apps": apps.count(),
        "technicians": TechnicianAssignment.objects.filter(**here).count(),
        "pms": PmsConnection.objects.live().filter(**here).count(),
    }
    rows = sorted((Paid(*row) for row in paid), key=lambda row: catalogue.rank(row.service_type))
    return DryRun(site, counts, tuple(rows))


def entries(site: Site) -> QuerySet[LibraryEntry]:
    """The MACs of the library that are in use at the site."""
    used = Device.objects.active().filter(site=site, library_entry=OuterRef("pk"))
    return LibraryEntry.objects.filter(Exists(used))


def open_carts(site: Site) -> QuerySet[Cart]:
    """The carts of the site's installer without an order that may name an item of the site: by its id, or by the site."""
    names = Q(selection__filter__site_id=site.pk) | Q(selection__filter__has_key="ids")
    found = Cart.objects.filter(names, installer_id=site.installer_id, order=None)
    return found.select_related("selection").order_by("pk")


def carts_with(site: Site, carts: QuerySet[Cart] | list[Cart]) -> dict[Cart, tuple[int, ...] | None]:
    """Those of these carts that name an item of the site, each with the ids that are left without these; None where the cart is for the
    site as a whole. One statement besides that of the carts."""
    wanted = {cart: Filter.read(cart.selection.filter) for cart in carts}
    ticked = {pk for each in wanted.values() for pk in each.ids or ()}
    here = set(Entitlement.objects.filter(site=site, pk__in=ticked).values_list("pk", flat=True)) if ticked else set()
    found: dict[Cart, tuple[int, ...] | None] = {}
    for cart, each in wanted.items():
        if each.site_id == site.pk:
            found[cart] = None
        elif each.ids is not None and here.intersection(each.ids):
            found[cart] = tuple(pk for pk in each.ids if pk not in here)
    return found


# --- what stands in the way -------------------------------------------------------------------------------------------------


def open_orders(site: Site) -> QuerySet[Order]:
    """The orders with an item of the site that may still be paid, or that the operator has to decide about; also those of installers that
    had the site before."""
    givers = Handover.objects.done().filter(site=site).values("giver")
    mine = OrderLine.objects.filter(order=OuterRef("pk"), site=site)
    owners = Q(installer_id=site.installer_id) | Q(installer__in=givers)
    return Order.objects.filter(owners, Exists(mine), state__in=MAY_RESERVE).order_by("pk")


def awaited_orders(site: Site) -> QuerySet[Order]:
    """The closed orders with an item of the site whose payment has no end yet: its money may arrive."""
    live = Payment.objects.filter(purpose=Purpose.ORDER, state__in=LIVE).values("subject")
    mine = OrderLine.objects.filter(order=OuterRef("pk"), site=site)
    return Order.objects.filter(Exists(mine), number__in=live).exclude(state__in=MAY_RESERVE).order_by("pk")


def obstacles(actor: Actor, site: Site) -> list[str]:
    """What has to end before the site can be handed over, in sentences. An order is named to whom it shows itself."""
    found = []
    for orders, named, unnamed in (
        (
            open_orders(site),
            _("Open orders of this site: %(numbers)s. They have to be paid or cancelled first."),
            _("An order of this site is open. It has to be paid or cancelled first."),
        ),
        (
            awaited_orders(site),
            _("A payment for this site is still awaited: order %(numbers)s."),
            _("A payment for this site is still awaited."),
        ),
    ):
        numbers = list(orders.values_list("number", flat=True)[:NAMED])
        if not numbers:
            continue
        seen = Order.objects.visible_to(actor).filter(number__in=numbers).count() == len(numbers)
        is_named = seen and Grant.SEES_INVOICES in actor.grants
        found.append(str(named) % {"numbers": ", ".join(numbers)} if is_named else str(unnamed))
    if LongJob.objects.open().filter(site_id=site.pk).exists():
        found.append(str(UNFINISHED_JOB))
    return found


def has_same_name(site: Site, taker_id: int, name: str) -> bool:
    """Whether the taker has a site of this name already (R77)."""
    return Site.objects.filter(installer_id=taker_id, name_key=identity_key(name)).exclude(pk=site.pk).exists()
