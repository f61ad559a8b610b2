"""The live price beside the forms."""

from django.urls import path

from smartplus.portal.price_preview import views as bills

urlpatterns = [
    path("sites/new/bill/", bills.site_bill_new, name="site-bill-new"),
    path("sites/<int:site_id>/bill/", bills.site_bill, name="site-bill"),
    path("sites/<int:site_id>/apartments/new/bill/", bills.apartment_bill_new, name="apartment-bill-new"),
    path("apartments/<int:apartment_id>/bill/", bills.apartment_bill, name="apartment-bill"),
]
