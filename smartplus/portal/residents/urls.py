"""Residents: the list of a site, single people, and households that move."""

from django.urls import path

from smartplus.portal.residents import codes, households, joining, lists, views

urlpatterns = [
    path("sites/<int:site_id>/residents/", lists.site_residents, name="site-residents"),
    path("apartments/<int:apartment_id>/residents/new/", views.resident_new, name="resident-new"),
    path("residents/<int:resident_id>/edit/", views.resident_edit, name="resident-edit"),
    path("residents/<int:resident_id>/remove/", views.resident_remove, name="resident-remove"),
    path("residents/<int:resident_id>/master/", views.resident_master, name="resident-master"),
    path("residents/<int:resident_id>/accept/", views.resident_accept, name="resident-accept"),
    path("residents/<int:resident_id>/move/", views.resident_move, name="resident-move"),
    path("apartments/<int:apartment_id>/move-out/", households.household_out, name="household-out"),
    path("apartments/<int:apartment_id>/move-in/", households.household_in, name="household-in"),
    path("apartments/<int:apartment_id>/registration/", codes.apartment_code, name="apartment-code"),
    path("apartments/<int:apartment_id>/registration/revoke/", codes.code_revoke, name="apartment-code-revoke"),
    path("buildings/<int:building_id>/registration/", codes.building_codes, name="building-codes"),
    path("join/", joining.join_typed, name="join-typed"),
    path("join/sent/", joining.join_sent, name="join-sent"),
    path("join/confirm/<str:token>/", joining.join_confirm, name="join-confirm"),
    path("join/<str:token>/", joining.join, name="join"),
]
