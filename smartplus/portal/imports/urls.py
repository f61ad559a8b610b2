"""Imports of apartments with residents and monitors: the file, its check, and what it did."""

from django.urls import path

from smartplus.portal.imports import views

urlpatterns = [
    path("sites/<int:site_id>/import/", views.apartment_import, name="apartment-import"),
    path("imports/<int:import_id>/", views.import_detail, name="import-detail"),
    path("imports/<int:import_id>/correct/", views.import_correct, name="import-correct"),
    path("imports/<int:import_id>/begin/", views.import_begin, name="import-begin"),
    path("imports/<int:import_id>/discard/", views.import_discard, name="import-discard"),
    path("imports/<int:import_id>/file/", views.import_file, name="import-file"),
]
