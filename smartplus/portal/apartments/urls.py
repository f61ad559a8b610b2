"""The addresses of apartments."""

from django.urls import path

from smartplus.portal.apartments import price_previews
from smartplus.portal.apartments import views as apartments

urlpatterns = [
    path("sites/<int:site_id>/apartments/new/", apartments.apartment_new, name="apartment-new"),
    path(
        "sites/<int:site_id>/apartments/new/price-preview/",
        price_previews.apartment_price_preview_new,
        name="apartment-price-preview-new",
    ),
    path(
        "apartments/<int:apartment_id>/price-preview/",
        price_previews.apartment_price_preview,
        name="apartment-price-preview",
    ),
    path("apartments/<int:apartment_id>/", apartments.apartment_detail, name="apartment-detail"),
    path("apartments/<int:apartment_id>/edit/", apartments.apartment_edit, name="apartment-edit"),
]
