"""Equipment of a site."""

from django.urls import path

from smartplus.portal.equipment import lists, views

urlpatterns = [
    path("sites/<int:site_id>/equipment/", lists.equipment_list, name="equipment-list"),
    path("sites/<int:site_id>/equipment/new/<slug:kind>/", views.equipment_new, name="equipment-new"),
    path("equipment/<int:equipment_id>/", views.equipment_detail, name="equipment-detail"),
    path("equipment/<int:equipment_id>/edit/", views.equipment_edit, name="equipment-edit"),
    path("equipment/<int:equipment_id>/move/", views.equipment_move, name="equipment-move"),
    path("equipment/<int:equipment_id>/archive/", views.equipment_archive, name="equipment-archive"),
    path("equipment/<int:equipment_id>/restore/", views.equipment_restore, name="equipment-restore"),
    path("equipment/<int:equipment_id>/remove/", views.equipment_remove, name="equipment-remove"),
]
