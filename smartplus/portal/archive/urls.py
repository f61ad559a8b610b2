"""Archiving, restoring and deleting apartments, buildings and sites."""

from django.urls import path

from smartplus.portal.archive import views

urlpatterns = [
    path("sites/<int:site_id>/archived/", views.archived, name="archived"),
    path("sites/<int:site_id>/archive/", views.site_archive, name="site-archive"),
    path("sites/<int:site_id>/restore/", views.site_restore, name="site-restore"),
    path("sites/<int:site_id>/delete/", views.site_delete, name="site-delete"),
    path("buildings/<int:building_id>/archive/", views.building_archive, name="building-archive"),
    path("buildings/<int:building_id>/restore/", views.building_restore, name="building-restore"),
    path("buildings/<int:building_id>/delete/", views.building_delete, name="building-delete"),
    path("apartments/<int:apartment_id>/archive/", views.apartment_archive, name="apartment-archive"),
    path("apartments/<int:apartment_id>/restore/", views.apartment_restore, name="apartment-restore"),
    path("apartments/<int:apartment_id>/delete/", views.apartment_delete, name="apartment-delete"),
]
