"""Devices of an apartment: adding, renaming, swapping, removing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from communities.models import Apartment
from devices import actions
from devices.models import Device
from smartplus import access
from smartplus.portal.devices.forms import DeviceNameForm, SwapForm
from smartplus.portal.kit import edits
from smartplus.portal.kit.errors import refused_at
from smartplus.portal.kit.monitors import MonitorForm, with_fixed
from smartplus.portal.kit.once import once
from smartplus.portal.kit.responses import posted
from smartplus.portal.sites.site_context import WORKERS, site_context


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def device_new(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Register one more indoor monitor in an apartment."""
    apartment = (
        Apartment.objects.visible_to(request.actor).select_related("building", "site__installer").get(pk=apartment_id)
    )
    return edits.add(
        request,
        "devices/new.html",
        form=MonitorForm(posted(request), label_suffix=""),
        act=lambda form: actions.add_monitor(
            request.actor, apartment_id=apartment_id, entry=form.entry, now=request.now
        ),
        context=lambda _form: {**site_context(request, apartment.site, "apartments"), "apartment": apartment},
        said=lambda saved, form: with_fixed(
            _("%(device)s is registered.") % {"device": f"{saved.name}, {saved.address}"}, form.fixed
        ),
        to=lambda _saved: reverse("apartment-detail", args=[apartment_id]),
    )


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def device_rename(request: access.PortalRequest, device_id: int) -> HttpResponse:
    """Another name for a device."""
    return edits.edit(
        request,
        "devices/rename.html",
        edits.Edit(
            row=lambda: _device(request, device_id),
            form=lambda device, sent: DeviceNameForm(
                sent, initial={"name": device.name, "version": device.version}, label_suffix=""
            ),
            act=lambda form: actions.rename_device(
                request.actor, device_id=device_id, now=request.now, **form.cleaned_data
            ),
            context=lambda device, _form: _device_context(request, device),
            said=lambda saved, _form: _("The device is now called %(name)s.") % {"name": saved.name},
            to=_home,
        ),
    )


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def device_swap(request: access.PortalRequest, device_id: int) -> HttpResponse:
    """Replace a device (RMA): apartment, name, paid time and history stay."""
    device = _device(request, device_id)
    return edits.add(
        request,
        "devices/swap.html",
        form=SwapForm(posted(request), type=device.type),
        act=lambda form: actions.swap_device(
            request.actor,
            device_id=device_id,
            entry=form.entry,
            reason=form.cleaned_data["reason"],
            now=request.now,
        ),
        context=lambda _form: _device_context(request, device),
        said=lambda saved, form: with_fixed(
            _("%(name)s is now %(mac)s. Nothing else changed.") % {"name": saved.name, "mac": saved.address},
            form.fixed,
        ),
        to=_home,
    )


def _home_of_asked(request: access.PortalRequest) -> str:
    """The page of the device that the address names."""
    assert request.resolver_match is not None
    return _home(_device(request, request.resolver_match.kwargs["device_id"]))


@access.roles(*WORKERS)
@require_POST
@refused_at(_home_of_asked)
def device_remove(request: access.PortalRequest, device_id: int) -> HttpResponse:
    """Remove a device; the last required monitor is refused (R19)."""
    device = _device(request, device_id)
    actions.remove_device(request.actor, device_id=device_id, now=request.now)
    messages.success(request, _("%(name)s is removed; its MAC is free again.") % {"name": device.name})
    return redirect(_home(device))


def _device_context(request: access.PortalRequest, device: Device) -> dict[str, Any]:
    shown = site_context(request, device.site, "apartments")
    return {**shown, "device": device, "apartment": device.apartment, "back": _home(device)}


def _device(request: access.PortalRequest, device_id: int) -> Device:
    devices = Device.objects.visible_to(request.actor).active()
    return devices.select_related("apartment__building", "building", "site__installer").get(pk=device_id)


def _home(device: Device) -> str:
    if device.equipment_id:
        return reverse("equipment-detail", args=[device.equipment_id])
    if device.apartment_id:
        return reverse("apartment-detail", args=[device.apartment_id])
    return reverse("site-detail", args=[device.site_id])
