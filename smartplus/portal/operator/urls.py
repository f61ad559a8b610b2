"""Pages of the operator: payments, the webhook log, and failures of background work."""

from django.urls import path

from smartplus.portal.operator import views as gateways
from smartplus.portal.operator import work

urlpatterns = [
    path("payments/", gateways.payment_list, name="payment-list"),
    path("payments/webhooks/", gateways.webhook_list, name="webhook-list"),
    path("payments/webhooks/<int:pk>/", gateways.webhook_detail, name="webhook-detail"),
    path("payments/work/", work.failure_list, name="failure-list"),
    path("payments/work/<int:pk>/again/", work.failure_again, name="failure-again"),
]
