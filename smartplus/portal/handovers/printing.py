"""The printable page of a handover: people, MACs and when paid time ends, for the installer that has the site now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.scope import Role
from communities import catalogue
from communities.models import Apartment, Entitlement, Resident, Site, targets
from devices.models import Device
from smartplus import access
from smartplus.portal.kit import keyset
from subscriptions.models import Handover

PAGE = 200  # apartments of one printed part


class Home(NamedTuple):
    """An apartment with who lives there, what hangs there, and what is paid."""

    apartment: Apartment
    residents: list[Resident]
    devices: list[Device]
    items: list[Entitlement]


@access.roles(Role.INSTALLER)
@require_safe
def handover_print(request: access.PortalRequest, handover_id: int) -> HttpResponse:
    """A part of the site for paper. Whoever of the two installers has the site may print it; the other one is answered as if it were not
    there, since it holds the names of people."""
    actor = request.actor
    found = Handover.objects.visible_to(actor).select_related("giver", "taker").get(pk=handover_id)
    site = Site.objects.visible_to(actor).select_related("installer").get(pk=found.site_id)
    here = Apartment.objects.visible_to(actor).filter(site=site).select_related("building", "target")
    page = keyset.page(here, by=["target__sort_key", "pk"], query=request.GET, size=PAGE)
    context = {
        "handover": found,
        "site": site,
        "page": page,
        "homes": _homes(request, page.rows),
        "devices": _devices(request, site) if page.previous == "" else [],
        "items": _items_of_site(request, site) if page.previous == "" else [],
        "area": "sites",
        "section": "handovers",
    }
    return render(request, "handovers/print.html", context)


def _homes(request: access.PortalRequest, apartments: Iterable[Apartment]) -> list[Home]:
    """Three statements for all of them."""
    rows = list(apartments)
    people, devices, items = defaultdict(list), defaultdict(list), defaultdict(list)
    for resident in Resident.objects.visible_to(request.actor).filter(apartment__in=rows):
        people[resident.apartment_id].append(resident)
    for device in Device.objects.visible_to(request.actor).active().filter(apartment__in=rows):
        devices[device.apartment_id].append(device)
    home = Q(target__in=[row.target_id for row in rows]) | Q(target__parent__in=[row.target_id for row in rows])
    paid = Entitlement.objects.visible_to(request.actor).in_force(request.now).filter(home).select_related("target")
    for item in paid.order_by("target__sort_key", "service_type"):
        items[item.target.parent_id or item.target_id].append(item)
    return [Home(row, people[row.pk], devices[row.pk], items[row.target_id]) for row in rows]


def _devices(request: access.PortalRequest, site: Site) -> list[Device]:
    """Those in no apartment: of a building, or of the community's public space (R75)."""
    found = Device.objects.visible_to(request.actor).active().filter(site=site, apartment=None)
    return list(found.select_related("building", "site")[:PAGE])


def _items_of_site(request: access.PortalRequest, site: Site) -> list[Entitlement]:
    """What is paid for something else than an apartment and its slots."""
    paid = Entitlement.objects.visible_to(request.actor).in_force(request.now).filter(site=site)
    elsewhere = paid.exclude(target__kind__in=catalogue.OF_APARTMENTS)
    return list(elsewhere.select_related(*targets.named()).order_by("target__sort_key", "service_type")[:PAGE])
