"""What the page of a commercial site shows: slots, doors, services of the site, and what all of it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.scope import Actor
from communities import catalogue
from communities.models import CommercialAccount, Entitlement, Equipment, EquipmentKind, PaymentMode, Site
from devices.models import Device
from payments import money
from smartplus import access
from smartplus.portal.sites import todo
from subscriptions import payers, rights
from subscriptions.prices import MissingPrice, PriceTable
from subscriptions.service_sums import prices_at, sums_at, whole_unit_of
from subscriptions.tables import table_for

SLOTS, DOORS = 24, 24  # that the page shows; more are counted
EFFECTS: dict[str, Promise] = {
    "attendance_plan": _("Who came and went, from the records of the doors."),
    "elevator_control": _("A call or a code sends the lift to the right floor only."),
}


@dataclass(frozen=True, slots=True)
class Person:
    """An account with its entitlement, which there is once its intercom was on."""

    account: CommercialAccount
    item: Entitlement | None


@dataclass(frozen=True, slots=True)
class SiteService:
    """A service of the whole site: its switch, its entitlement, and its price every 30 days (None where it is hidden or unknown)."""

    label: Promise
    effect: Promise
    is_on: bool
    item: Entitlement | None
    works: bool
    unit_minor: int | None


@dataclass(frozen=True, slots=True)
class SitePrices:
    """The price of each service of the whole site, by its switch; None where the list has none."""

    currency: str
    by_switch: Mapping[str, int | None]


def people(actor: Actor, accounts: Iterable[CommercialAccount]) -> list[Person]:
    """These accounts with their entitlements; one statement. An account that changed its kind has two: the one that is on counts."""
    rows = list(accounts)
    items: dict[int, Entitlement] = {}
    for item in (
        Entitlement.objects.visible_to(actor).filter(target__in=[row.target_id for row in rows]) if rows else ()
    ):
        if item.variant or item.target_id not in items:
            items[item.target_id] = item
    return [Person(row, items.get(row.target_id)) for row in rows]


def doors_context(actor: Actor, site: Site, now: datetime) -> dict[str, Any]:
    """The doors with the devices at them, and the slots that are billed with whether they work (R34); three statements."""
    doors = list(Equipment.objects.visible_to(actor).in_use().filter(site=site, kind=EquipmentKind.DOOR)[: DOORS + 1])
    devices = Device.objects.visible_to(actor).active().filter(equipment__in=doors)
    at = {device.equipment_id: device for device in devices.only("equipment", "mac", "model")} if doors else {}
    rows = Entitlement.objects.visible_to(actor).wanted().filter(site=site, target__slot__isnull=False)
    slots = list(rows.select_related("target").order_by("target__slot")[: SLOTS + 1])
    return {
        "doors": [(door, at.get(door.pk)) for door in doors[:DOORS]],
        "has_more_doors": len(doors) > DOORS,
        "slots": [(slot, slot.is_usable(now)) for slot in slots[:SLOTS]],
        "has_more_slots": len(slots) > SLOTS,
    }


def services_of(actor: Actor, site: Site, prices: PriceTable | None, now: datetime) -> list[SiteService]:
    """The services of the whole site in the order of S2; one statement."""
    rows = Entitlement.objects.visible_to(actor).filter(site=site, service_type__in=catalogue.OF_SITES)
    items = {item.service_type: item for item in rows}
    found = []
    for code, field in catalogue.OF_SITES.items():
        item = items.get(code)
        found.append(
            SiteService(
                label=catalogue.SERVICE_TYPE_LABELS[code],
                effect=EFFECTS[field],
                is_on=getattr(site, field),
                item=item,
                works=item is not None and item.is_usable(now),
                unit_minor=whole_unit_of(prices, code, site.kind),
            )
        )
    return found


def rail(request: access.PortalRequest, site: Site) -> dict[str, Any]:
    """What everything at the site costs, of it paid, and who pays it; without sums for a reader to whom prices are hidden."""
    actor = request.actor
    context: dict[str, Any] = {"sums": None, "prices": None, "pay_url": "", "asks": False}
    if rights.sees_prices(actor):
        prices = prices_at(site, at=request.now)
        context |= {"prices": prices, "sums": sums_at(site, None, prices, now=request.now)}
    if not site.pays_credits:
        pays, asks = rights.may_pay_for(actor, site.installer), rights.may_request_for(actor, site.installer)
        context |= {"pay_url": todo.pay_url(site) if pays or asks else "", "asks": asks}
    context["payer"] = payers.default_payer(site.installer, site_kind=site.kind).name
    return context


def service_prices(
    request: access.PortalRequest, distributor: Organization, mode: PaymentMode, *, site_kind: str
) -> SitePrices | None:
    """What the services of a whole site cost every 30 days; None where prices are hidden or there are none."""
    if not rights.sees_prices(request.actor):
        return None
    try:
        prices = table_for(distributor, at=request.now, currency=money.CREDITS if mode is PaymentMode.CREDITS else "")
    except MissingPrice:
        return None
    found = {field: whole_unit_of(prices, code, site_kind) for code, field in catalogue.OF_SITES.items()}
    return SitePrices(prices.currency, found)
