"""The addresses of the portal: what machines ask, then each area with its own."""

from django.urls import URLPattern, URLResolver, include, path

from smartplus import health

AREAS = (
    "apartments",
    "archive",
    "audit",
    "billing",
    "bulk",
    "choices",
    "commercial",
    "dashboard",
    "devices",
    "differences",
    "equipment",
    "handovers",
    "help",
    "houses",
    "imports",
    "jobs",
    "library",
    "new_site",
    "notifications",
    "operator",
    "orders",
    "pms",
    "prices",
    "renewals",
    "requests",
    "residents",
    "search",
    "security",
    "settings",
    "setup",
    "sheet",
    "sign_in",
    "sites",
    "subscription",
    "texts",
    "users",
)
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    *(path("", include(f"smartplus.portal.{area}.urls")) for area in AREAS),
]
