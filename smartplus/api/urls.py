"""Addresses of the API."""

from django.urls import URLPattern, URLResolver, path

from smartplus.api import docs, house, pms, routes  # noqa: F401 (routes declare themselves when they are read)

app_routes: list[URLPattern | URLResolver] = house.urlpatterns()
urlpatterns: list[URLPattern | URLResolver] = [
    path("docs", docs.docs, name="api-docs"),
    path("openapi.json", docs.openapi, name="api-openapi"),
    *app_routes,
]
