"""What machines ask: alive, and ready."""

from django.urls import path

from smartplus import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
