"""What the pages of equipment show beside the rows themselves: devices, paid services, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.scope import Actor
from communities import catalogue
from communities.models import KINDS_OF, TARGET_OF, Entitlement, Equipment, EquipmentKind, Site
from devices.models import Device
from smartplus import access
from smartplus.portal.kit.money_tags import money
from smartplus.portal.sites import todo
from subscriptions import payers, rights
from subscriptions.prices import PriceTable
from subscriptions.service_sums import prices_at, sums_at, units_of

ICONS = {
    EquipmentKind.LOCK: "lock", EquipmentKind.SENSOR: "bell", EquipmentKind.CAMERA: "camera", EquipmentKind.DOOR: "key",
}  # fmt: skip
ADDED: Mapping[str, tuple[Promise, Promise]] = {
    EquipmentKind.LOCK: (gettext_lazy("iTec or Dormakaba lock"), gettext_lazy("Serial number")),
    EquipmentKind.SENSOR: (gettext_lazy("MR01 sensor"), gettext_lazy("MAC from your library")),
    EquipmentKind.CAMERA: (gettext_lazy("Camera"), gettext_lazy("RTSP address, viewers")),
    EquipmentKind.DOOR: (gettext_lazy("Door"), gettext_lazy("With or without a door phone or reader")),
}


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
    """What the equipment of a site costs and who activates it: the right side of the list, without sums for a reader to whom prices are
    hidden."""
    actor = request.actor
    context: dict[str, Any] = {"sums": None, "prices": None, "pay_url": "", "asks": False}
    if rights.sees_prices(actor):
        prices = prices_at(site, at=request.now)
        kinds = {*TARGET_OF.values(), catalogue.Target.DOOR_SLOT}
        context |= {"prices": prices, "sums": sums_at(site, kinds, prices, now=request.now)}
    if not site.pays_credits:
        pays, asks = rights.may_pay_for(actor, site.installer), rights.may_request_for(actor, site.installer)
        context |= {"pay_url": todo.pay_url(site) if pays or asks else "", "asks": asks}
        context["payer"] = payers.default_payer(site.installer, site_kind=site.kind).name
    return context


def notes_of(site: Site, prices: PriceTable | None, numbers: Mapping[str, object]) -> dict[str, str]:
    """What the heading of each kind says: how many there are, and how it is billed; no price where `prices` are hidden."""
    units, found = units_of(prices, TARGET_OF.values(), site.kind), {}
    for kind in KINDS_OF[site.kind]:
        said = [str(numbers.get(kind.value, 0))]
        target = TARGET_OF.get(kind)
        if target is not None and prices is not None and (unit := units.get(target.value)) is not None:
            said.append(_("%(amount)s each, every 30 days") % {"amount": money(unit, prices.currency)})
        if kind == EquipmentKind.DOOR:
            said.append(_("the first is free; no particular door is the free one"))
        if kind == EquipmentKind.CAMERA:
            said.append(
                _("part of the Premium Plan") if site.third_party_camera else _("Third-Party Camera Integration is off")
            )
        found[kind.value] = ", ".join(said)
    return found


def kinds_to_add(site: Site) -> list[tuple[str, Promise, Promise, str]]:
    """The kinds that the project type has: code, label, what is needed for it, mark."""
    return [(kind.value, ADDED[kind][0], ADDED[kind][1], ICONS[kind]) for kind in KINDS_OF[site.kind]]


def price_of_one(request: access.PortalRequest, site: Site, kind: str) -> tuple[int, str] | None:
    """What one more piece costs every 30 days, and the currency; None where it costs nothing, is not known or not to be seen."""
    target = TARGET_OF.get(EquipmentKind(kind))
    if target is None or not rights.sees_prices(request.actor):
        return None
    prices = prices_at(site, at=request.now)
    found = units_of(prices, [target], site.kind).get(target.value)
    return None if found is None or prices is None else (found, prices.currency)


def lead_of(site: Site, kind: str) -> dict[str, object]:
    """What the form of a new piece says first: what adding it means, and whether its service is off."""
    if kind == EquipmentKind.CAMERA and not site.third_party_camera:
        said = _("Third-Party Camera Integration is off in %(site)s: switch it on first, then cameras can be added.")
        return {"lead": said % {"site": site.name}, "is_off": True}
    if kind == EquipmentKind.CAMERA:
        return {"lead": _("Cameras are part of the Premium Plan and are not billed one by one.")}
    if kind == EquipmentKind.DOOR:
        return {"lead": _("The first door of a site is free; no particular door is the free one.")}
    return {"lead": _("Adding it charges nothing. It works once it is activated.")}
