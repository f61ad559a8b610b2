"""Billing information, payment methods, and what a site is billed."""

from django.urls import path

from smartplus.portal.billing import methods
from smartplus.portal.billing import site_review as site_billing
from smartplus.portal.billing import views as billing

urlpatterns = [
    path("settings/payment-methods/", methods.method_list, name="settings-methods"),
    path("settings/payment-methods/<int:pk>/remove/", methods.method_remove, name="settings-method-remove"),
    path("settings/billing/", billing.billing, name="settings-billing"),
    path("sites/<int:site_id>/billing/", site_billing.site_billing, name="site-billing"),
]
