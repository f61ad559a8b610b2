"""Apartments and their residents."""

from django.urls import path

from smartplus.portal.apartments import bills, lists, residents
from smartplus.portal.apartments import views as apartments

urlpatterns = [
    path("sites/<int:site_id>/apartments/", lists.apartment_list, name="apartment-list"),
    path("sites/<int:site_id>/apartments/new/", apartments.apartment_new, name="apartment-new"),
    path("sites/<int:site_id>/apartments/new/bill/", bills.apartment_price_new, name="apartment-bill-new"),
    path("apartments/<int:apartment_id>/bill/", bills.apartment_price, name="apartment-bill"),
    path("apartments/<int:apartment_id>/", apartments.apartment_detail, name="apartment-detail"),
    path("apartments/<int:apartment_id>/edit/", apartments.apartment_edit, name="apartment-edit"),
    path("apartments/<int:apartment_id>/residents/new/", residents.resident_new, name="resident-new"),
    path("residents/<int:resident_id>/edit/", residents.resident_edit, name="resident-edit"),
    path("residents/<int:resident_id>/remove/", residents.resident_remove, name="resident-remove"),
]
