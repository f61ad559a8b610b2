"""The live price beside the forms."""

from django.urls import path

from smartplus.portal.price_preview import views

urlpatterns = [
    path("sites/new/bill/", views.site_bill_new, name="site-bill-new"),
    path("sites/<int:site_id>/bill/", views.site_bill, name="site-bill"),
    path("sites/<int:site_id>/apartments/new/bill/", views.apartment_price_new, name="apartment-bill-new"),
    path("apartments/<int:apartment_id>/bill/", views.apartment_price, name="apartment-bill"),
]
