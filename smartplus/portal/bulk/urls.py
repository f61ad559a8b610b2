"""Bulk changes of a community: the dry run, applying it, and taking it back."""

from django.urls import path

from smartplus.portal.bulk import views

urlpatterns = [
    path("sites/<int:site_id>/bulk/", views.bulk_change, name="bulk-change"),
    path("sites/<int:site_id>/bulk/file/", views.bulk_change_file, name="bulk-change-file"),
    path("changes/<int:change_id>/", views.change_detail, name="change-detail"),
    path("changes/<int:change_id>/undo/", views.change_undo, name="change-undo"),
]
