"""Sites with their buildings, apartments, residents, managers and devices."""

from django.urls import path

from smartplus.portal.views import apartments, buildings, devices, macs, managers, residents, sites

urlpatterns = [
    path("sites/", sites.site_list, name="site-list"),
    path("sites/new/", sites.site_new, name="site-new"),
    path("sites/<int:site_id>/", sites.site_detail, name="site-detail"),
    path("sites/<int:site_id>/edit/", sites.site_edit, name="site-edit"),
    path("sites/<int:site_id>/free-members/", sites.site_free_members, name="site-free-members"),
    path("sites/<int:site_id>/services/", sites.site_services, name="site-services"),
    path("sites/<int:site_id>/managers/", managers.site_managers, name="site-managers"),
    path("sites/<int:site_id>/buildings/new/", buildings.building_new, name="building-new"),
    path("buildings/<int:building_id>/edit/", buildings.building_edit, name="building-edit"),
    path("sites/<int:site_id>/apartments/", apartments.apartment_list, name="apartment-list"),
    path("sites/<int:site_id>/apartments/new/", apartments.apartment_new, name="apartment-new"),
    path("apartments/<int:apartment_id>/", apartments.apartment_detail, name="apartment-detail"),
    path("apartments/<int:apartment_id>/edit/", apartments.apartment_edit, name="apartment-edit"),
    path("apartments/<int:apartment_id>/residents/new/", residents.resident_new, name="resident-new"),
    path("residents/<int:resident_id>/edit/", residents.resident_edit, name="resident-edit"),
    path("residents/<int:resident_id>/remove/", residents.resident_remove, name="resident-remove"),
    path("sites/<int:site_id>/mac/", macs.mac_check, name="mac-check"),
    path("sites/<int:site_id>/mac/free/", macs.free_macs, name="mac-free"),
    path("apartments/<int:apartment_id>/devices/new/", devices.device_new, name="device-new"),
    path("devices/<int:device_id>/rename/", devices.device_rename, name="device-rename"),
    path("devices/<int:device_id>/swap/", devices.device_swap, name="device-swap"),
    path("devices/<int:device_id>/remove/", devices.device_remove, name="device-remove"),
]
