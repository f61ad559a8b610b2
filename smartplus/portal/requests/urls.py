"""Addresses of requests for activation."""

from django.urls import path

from smartplus.portal.requests import lists
from smartplus.portal.requests import views as requests

urlpatterns = [
    path("subscription/requests/", lists.request_list, name="request-list"),
    path("subscription/requests/<int:pk>/", requests.request_detail, name="request-detail"),
    path("subscription/requests/<int:pk>/approve/", requests.request_approve, name="request-approve"),
    path("subscription/requests/<int:pk>/refuse/", requests.request_refuse, name="request-refuse"),
    path("subscription/requests/<int:pk>/withdraw/", requests.request_withdraw, name="request-withdraw"),
]
