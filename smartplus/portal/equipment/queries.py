"""What the pages of equipment show beside the rows themselves: devices, paid services, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.scope import Actor
from communities.models import KINDS_OF, TARGET_OF, Entitlement, Equipment, EquipmentKind, Site
from devices.models import Device
from smartplus import access
from smartplus.portal.sites import todo
from subscriptions import payers, rights
from subscriptions.service_sums import prices_at, sums_at, units_of

ICONS = {
    EquipmentKind.LOCK: "lock", EquipmentKind.SENSOR: "scan", EquipmentKind.CAMERA: "camera", EquipmentKind.DOOR: "key",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """A piece with the device at it and the service it is billed for."""

    piece: Equipment
    device: Device | None = None
    item: Entitlement | None = None


def fitted(actor: Actor, pieces: Iterable[Equipment]) -> list[Fitted]:
    """These pieces with what belongs to them; two statements."""
    rows = list(pieces)
    if not rows:
        return []
    devices = Device.objects.visible_to(actor).active().filter(equipment__in=rows)
    at = {device.equipment_id: device for device in devices.only("equipment", "mac", "model", "name")}
    targets = [row.target_id for row in rows if row.target_id]
    items = {item.target_id: item for item in Entitlement.objects.visible_to(actor).filter(target__in=targets)}
    return [Fitted(row, at.get(row.pk), items.get(row.target_id or 0)) for row in rows]


def rail(request: access.PortalRequest, site: Site) -> dict[str, Any]:
    """What the equipment of a site costs and what can be added, for who may: the right side of the list."""
    actor = request.actor
    context: dict[str, Any] = {"sums": None, "pay_url": "", "asks": False}
    if rights.sees_prices(actor):
        prices = prices_at(site, at=request.now)
        context["sums"] = sums_at(site, TARGET_OF.values(), prices, now=request.now)
    if not site.pays_credits:
        pays, asks = rights.may_pay_for(actor, site.installer), rights.may_request_for(actor, site.installer)
        context |= {"pay_url": todo.pay_url(site) if pays or asks else "", "asks": asks}
        context["payer"] = payers.default_payer(site.installer, site_kind=site.kind).name
    return context


def kinds_to_add(site: Site) -> list[tuple[str, str, str]]:
    """The kinds that the project type has: code, label, mark."""
    return [(kind.value, str(kind.label), ICONS[kind]) for kind in KINDS_OF[site.kind]]


def price_of_one(request: access.PortalRequest, site: Site, kind: str) -> tuple[int, str] | None:
    """What one more piece costs every 30 days, and the currency; None where it costs nothing, is not known or not to be seen."""
    target = TARGET_OF.get(EquipmentKind(kind))
    if target is None or not rights.sees_prices(request.actor):
        return None
    prices = prices_at(site, at=request.now)
    found = units_of(prices, [target], site.kind).get(target.value)
    return None if found is None or prices is None else (found, prices.currency)
