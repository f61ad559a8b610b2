"""The live bill beside the forms, and the billing review of a site."""

from django.urls import path

from smartplus.portal.views import bills, site_billing

urlpatterns = [
    path("sites/new/bill/", bills.site_bill_new, name="site-bill-new"),
    path("sites/<int:site_id>/bill/", bills.site_bill, name="site-bill"),
    path("sites/<int:site_id>/apartments/new/bill/", bills.apartment_bill_new, name="apartment-bill-new"),
    path("apartments/<int:apartment_id>/bill/", bills.apartment_bill, name="apartment-bill"),
    path("sites/<int:site_id>/billing/", site_billing.site_billing, name="site-billing"),
]
