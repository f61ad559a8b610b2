"""What the operator sees of the gateways: payments, and the webhook log."""

from django.urls import path

from smartplus.portal.views import gateways

urlpatterns = [
    path("payments/", gateways.payment_list, name="payment-list"),
    path("payments/webhooks/", gateways.webhook_list, name="webhook-list"),
    path("payments/webhooks/<int:pk>/", gateways.webhook_detail, name="webhook-detail"),
]
