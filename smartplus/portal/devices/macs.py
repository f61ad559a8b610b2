"""Checks and suggestions for a MAC while it is typed. Nothing is stored or locked."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import format_html_join
from django.views.decorators.http import require_safe

from communities.models import EquipmentKind, Site
from devices import mac, reports
from devices.actions import AT_DOORS, CheckedMac, check_mac, type_at_door
from devices.catalogue import TYPE_LABELS, DeviceType
from devices.errors import MacRefused
from devices.models import LibraryEntry
from smartplus import access
from smartplus.portal.kit import responses
from smartplus.portal.sites.site_context import WORKERS

OFFERED = 20
LONGEST = 200


@access.roles(*WORKERS)
@require_safe
def mac_check(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """Whether the typed MAC may be registered at the site, with the same messages as the form."""
    site = Site.objects.visible_to(request.actor).get(pk=site_id)
    text, checked, problem, suggestion = _typed(request), None, "", None
    if text.strip():
        checked, refusal = responses.checked(
            lambda: check_mac(request.actor, site=site, text=text, type=_type(request, site, text))
        )
        problem = str(refusal or "")
        suggestion = refusal.suggestion if isinstance(refusal, MacRefused) else None
    context = {
        "checked": checked,
        "device": _device(checked),
        "was_fixed": mac.read(text).was_fixed,
        "problem": problem,
        "suggestion": suggestion,
    }
    return render(request, "devices/_check.html", context)


@access.roles(*WORKERS)
@require_safe
def free_macs(request: access.PortalRequest, site_id: int) -> HttpResponse:
    """The installer's own free MACs that begin with the typed text, as options of a datalist."""
    site = Site.objects.visible_to(request.actor).get(pk=site_id)
    seen = LibraryEntry.objects.visible_to(request.actor).usable_at(site)
    found = reports.free_macs(seen, site=site, types=_types(request), text=_typed(request))
    return HttpResponse(
        format_html_join(
            "",
            '<option value="{}" label="{}"></option>',
            ((str(entry), _facts(entry)) for entry in found[:OFFERED]),
        )
    )


def _typed(request: access.PortalRequest) -> str:
    """The only field that was sent, whatever its name in the row."""
    names = (name for name in request.GET if name == "mac" or name.endswith("-mac"))
    return request.GET.get(next(names, "mac"), "")[:LONGEST]


def _types(request: access.PortalRequest) -> tuple[DeviceType, ...]:
    """What may be at the place: of a door more than one type."""
    wanted = request.GET.get("type", "")
    if wanted == EquipmentKind.DOOR:
        return AT_DOORS
    return (DeviceType(wanted) if wanted in TYPE_LABELS else DeviceType.INDOOR_MONITOR,)


def _type(request: access.PortalRequest, site: Site, text: str) -> DeviceType:
    types = _types(request)
    return type_at_door(site, text) if len(types) > 1 else types[0]


def _device(checked: CheckedMac | None) -> str:
    return "" if checked is None else checked.model or str(TYPE_LABELS[checked.type])


def _facts(entry: LibraryEntry) -> str:
    """What distinguishes an entry from others; browsers compare the bare digits with the typed ones."""
    return ", ".join(part for part in (entry.address.hex, entry.model, entry.serial) if part)
