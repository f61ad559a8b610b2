"""The root of all addresses."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.urls.resolvers import RoutePattern

from smartplus import webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/<slug:gateway>/", webhooks.receive, name="webhook"),  # first: patterns are tried in order
    path("", include("smartplus.portal.urls")),
    # Included by name: the API is imported at its first request only. The namespace keeps `reverse` from importing it.
    URLResolver(RoutePattern("api/v1/"), "smartplus.api.urls", app_name="api", namespace="api"),
]

if settings.DEBUG:
    urlpatterns.append(path("", include("smartplus.portal.styleguide.urls")))

handler404 = "smartplus.portal.kit.errors.not_found"
handler403 = "smartplus.portal.kit.errors.not_permitted"
handler500 = "smartplus.portal.kit.errors.server_error"
