"""Every address of the house."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("smartplus.portal.urls")),
    path("api/v1/", include("smartplus.api.urls")),
]

handler404 = "smartplus.portal.views.errors.not_found"
handler403 = "smartplus.portal.views.errors.not_permitted"
handler500 = "smartplus.portal.views.errors.server_error"
