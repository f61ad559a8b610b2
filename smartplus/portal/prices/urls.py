"""The price book."""

from django.urls import path

from smartplus.portal.prices import views as prices

urlpatterns = [
    path("prices/", prices.price_list_list, name="price-list-list"),
    path("prices/new/", prices.price_list_new, name="price-list-new"),
    path("prices/<int:pk>/", prices.price_list_detail, name="price-list-detail"),
]
