"""The audit log."""

from django.urls import path

from smartplus.portal.audit import lists
from smartplus.portal.audit import views as audit

urlpatterns = [
    path("settings/audit/", lists.audit_list, name="audit-list"),
    path("settings/audit/<int:event_id>/", audit.audit_detail, name="audit-detail"),
]
