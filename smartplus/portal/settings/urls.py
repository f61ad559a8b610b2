"""The own account."""

from django.urls import path

from smartplus.portal.settings import views as settings
from smartplus.portal.users import addresses

urlpatterns = [
    path("settings/", settings.profile, name="settings"),
    path("settings/address/", addresses.own_address, name="settings-address"),
    path("settings/password/", settings.password, name="settings-password"),
]
