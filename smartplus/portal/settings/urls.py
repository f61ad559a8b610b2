"""A person's own account."""

from django.urls import path

from smartplus.portal.settings import address
from smartplus.portal.settings import views as settings

urlpatterns = [
    path("settings/", settings.profile, name="settings"),
    path("settings/address/", address.own_address, name="settings-address"),
    path("settings/password/", settings.password, name="settings-password"),
]
