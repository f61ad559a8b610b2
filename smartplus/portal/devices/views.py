"""Devices of an apartment: adding, renaming, swapping, removing."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import Conflict, Refused
from communities.models import Apartment
from devices import actions
from devices.models import Device
from smartplus import access
from smartplus.portal.apartments.forms import DeviceNameForm, MonitorForm, SwapForm, with_fixed
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.answers import answer, conflict, posted, submitted
from smartplus.portal.kit.once import made, once
from smartplus.portal.sites.site_context import WORKERS, apartment_page, site_context
from smartplus.statuses import UNPROCESSABLE


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def device_new(request: access.PortalRequest, apartment_id: int) -> HttpResponse:
    """Register one more indoor monitor in an apartment."""
    apartment = (
        Apartment.objects.visible_to(request.actor).select_related("building", "site__installer").get(pk=apartment_id)
    )
    form = MonitorForm(posted(request), label_suffix="")
    device = submitted(
        form,
        lambda: actions.add_monitor(request.actor, apartment_id=apartment_id, entry=form.entry, now=request.now),
    )
    if device is None:
        context = {**site_context(request, apartment.site, "apartments"), "apartment": apartment}
        return answer(request, "devices/new.html", form, context)
    said = _("%(device)s is registered.") % {"device": f"{device.name}, {device.address}"}
    messages.success(request, with_fixed(said, form.fixed))
    return made(redirect("apartment-detail", apartment_id), device)


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def device_rename(request: access.PortalRequest, device_id: int) -> HttpResponse:
    """Another name for a device."""
    device = _device(request, device_id)
    form = DeviceNameForm(posted(request), initial=_named(device), label_suffix="")
    context = {**site_context(request, device.site, "apartments"), "device": device, "apartment": device.apartment}
    try:
        saved = submitted(
            form,
            lambda: actions.rename_device(request.actor, device_id=device_id, now=request.now, **form.cleaned_data),
        )
    except Conflict:
        device = _device(request, device_id)
        fresh = DeviceNameForm(initial=_named(device), label_suffix="")
        told = conflicts.clash(request, conflicts.about(device), (form, fresh))
        return conflict(request, "devices/rename.html", fresh, {**context, "device": device}, told)
    if saved is None:
        return answer(request, "devices/rename.html", form, context)
    messages.success(request, _("The device is now called %(name)s.") % {"name": saved.name})
    return _home(saved)


@access.roles(*WORKERS)
@require_http_methods(["GET", "HEAD", "POST"])
@once
def device_swap(request: access.PortalRequest, device_id: int) -> HttpResponse:
    """Put another device in its place (RMA): apartment, name, paid time and history stay."""
    device = _device(request, device_id)
    form = SwapForm(posted(request), type=device.type)
    saved = submitted(
        form,
        lambda: actions.swap_device(
            request.actor,
            device_id=device_id,
            entry=form.entry,
            reason=form.cleaned_data["reason"],
            now=request.now,
        ),
    )
    if saved is None:
        context = {**site_context(request, device.site, "apartments"), "device": device, "apartment": device.apartment}
        return answer(request, "devices/swap.html", form, context)
    said = _("%(name)s is now %(mac)s. Nothing else changed.") % {"name": saved.name, "mac": saved.address}
    messages.success(request, with_fixed(said, form.fixed))
    return _home(saved)


@access.roles(*WORKERS)
@require_POST
def device_remove(request: access.PortalRequest, device_id: int) -> HttpResponse:
    """Take a device away; the last required monitor stays (R19)."""
    device = _device(request, device_id)
    try:
        actions.remove_device(request.actor, device_id=device_id, now=request.now)
    except Refused as refusal:
        if device.apartment_id is None:
            raise
        context = {**apartment_page(request, device.apartment_id), "refusal": refusal.message}
        return render(request, "apartments/detail.html", context, status=UNPROCESSABLE)
    messages.success(request, _("%(name)s is removed; its MAC is free again.") % {"name": device.name})
    return _home(device)


def _named(device: Device) -> dict[str, object]:
    return {"name": device.name, "version": device.version}


def _device(request: access.PortalRequest, device_id: int) -> Device:
    devices = Device.objects.visible_to(request.actor).active()
    return devices.select_related("apartment__building", "building", "site__installer").get(pk=device_id)


def _home(device: Device) -> HttpResponse:
    return (
        redirect("apartment-detail", device.apartment_id)
        if device.apartment_id
        else redirect("site-detail", device.site_id)
    )
