"""Devices of apartments."""

from django.urls import path

from smartplus.portal.devices import macs
from smartplus.portal.devices import views as devices

urlpatterns = [
    path("sites/<int:site_id>/mac/", macs.mac_check, name="mac-check"),
    path("sites/<int:site_id>/mac/free/", macs.free_macs, name="mac-free"),
    path("apartments/<int:apartment_id>/devices/new/", devices.device_new, name="device-new"),
    path("devices/<int:device_id>/rename/", devices.device_rename, name="device-rename"),
    path("devices/<int:device_id>/swap/", devices.device_swap, name="device-swap"),
    path("devices/<int:device_id>/remove/", devices.device_remove, name="device-remove"),
]
