"""The audit log."""

from django.urls import path

from smartplus.portal.audit import views as audit

urlpatterns = [
    path("settings/audit/", audit.audit_list, name="audit-list"),
    path("settings/audit/<int:event_id>/", audit.audit_detail, name="audit-detail"),
]
