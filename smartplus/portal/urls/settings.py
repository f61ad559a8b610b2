"""The own account."""

from django.urls import path

from smartplus.portal.views import settings

urlpatterns = [
    path("settings/", settings.profile, name="settings"),
    path("settings/password/", settings.password, name="settings-password"),
]
