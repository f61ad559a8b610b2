"""The dashboard and the lists behind its numbers."""

from django.urls import path

from smartplus.portal.dashboard import lists
from smartplus.portal.dashboard import views as dashboard

urlpatterns = [
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("dashboard/items/", lists.dashboard_items, name="dashboard-items"),
]
